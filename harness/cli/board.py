"""The verb that shows all runs together: board."""

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import app, invocation, known_benchmarks

if TYPE_CHECKING:
    from harness.config import Settings
    from harness.screen import Screen
    from leaderboards.board import Board
    from leaderboards.page import PageOptions
    from leaderboards.tallies import Tallies

Format = Annotated[bool, typer.Option(help="To standard output, and nothing else.")]


@app.command()
def board(
    homes: Annotated[
        list[Path] | None,
        typer.Argument(metavar="DIR…", help="Homes with runs in them. Default: this one."),
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option("-b", "--benchmark", help="Only this one.", autocompletion=known_benchmarks),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the page to this file.")] = None,
    split: Annotated[
        bool, typer.Option("--split", help="With --html: all programs, in a folder beside it.")
    ] = False,
    compare: Annotated[
        str | None, typer.Option(help="With --html: the two runs that it compares first, A,B.")
    ] = None,
    title: Annotated[str, typer.Option(help="Of the page.")] = "Leaderboard",
    serve: Annotated[
        bool, typer.Option("--serve", help="Show the page on this machine while runs go on.")
    ] = False,
    port: Annotated[int, typer.Option(help="Of --serve; 0 takes a free one.")] = 8320,
    as_json: Annotated[bool, typer.Option("--json", help="The board as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="The board as CSV.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="… as Markdown.")] = False,
    as_latex: Annotated[bool, typer.Option("--latex", help="… as LaTeX, for booktabs.")] = False,
    eval_arena: Annotated[
        bool, typer.Option("--eval-arena", help="… verdict by verdict, for eval-arena.")
    ] = False,
) -> None:
    """The leaderboard: every checkpoint, with intervals, and ranks that ties share.

    \b
    harness board
    harness board --html board.html
    """
    from harness.errors import ConfigError
    from leaderboards import export, table
    from leaderboards.page import PageOptions
    from leaderboards.tallies import Tallies

    formats = [as_json, as_csv, as_markdown, as_latex, eval_arena, html is not None, serve]
    if sum(formats) > 1:
        raise ConfigError("a board has one form at a time: leave one of these options out")
    if split and html is None:
        raise ConfigError("--split goes with --html FILE")
    names = tuple(compare.split(",")) if compare else ()
    if compare and len(names) != 2:
        raise ConfigError("--compare takes two runs with a comma between: --compare A,B")
    settings = invocation.settings()
    screen = invocation.screen(settings)
    folders = homes or [settings.home]
    options = PageOptions(title=title, compare=(names[0], names[1]) if names else None)
    if serve:
        _serve(folders, settings, screen, port, options)
        return
    made = make(folders, Tallies(), settings, benchmark)
    if html is not None:
        _write(html, made, settings, screen, options, split)
    elif as_json:
        screen.json(export.as_json(made))
    elif as_csv:
        print(export.as_csv(made), end="")
    elif as_markdown:
        print(export.as_markdown(made), end="")
    elif as_latex:
        print(export.as_latex(made), end="")
    elif eval_arena:
        for line in export.eval_arena_lines(made):
            print(line)
    else:
        screen.show(*table.tables(made))
    for warning in made.warnings:
        screen.say(warning)


def make(
    folders: list[Path], tallies: "Tallies", settings: "Settings", benchmark: str | None = None
) -> "Board":
    """The board of these homes."""
    from harness.models.endpoint import read_prices
    from leaderboards.board import make_board
    from leaderboards.rounds import read_guards, read_rounds

    rounds = read_rounds(folders)
    prices = settings.model.prices
    return make_board(
        tallies.read(folders),
        rounds=rounds.rounds,
        guards=read_guards(folders, rounds.rounds),
        prices=read_prices(prices) if prices else None,
        warnings=rounds.warnings,
        benchmark=benchmark,
    )


def _write(
    file: Path,
    made: "Board",
    settings: "Settings",
    screen: "Screen",
    options: "PageOptions",
    split: bool,
) -> None:
    from dataclasses import replace

    from harness.benchmarks import DataFolders
    from harness.errors import StorageError
    from leaderboards.page import render, sample_file
    from leaderboards.problems import describe

    about = describe(made, data=DataFolders.from_settings(settings))
    folder = file.with_name(f"{file.stem}-data")
    options = replace(options, folder=folder.name if split else None)
    page = render(made, about=about, options=options)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if split:
            folder.mkdir(exist_ok=True)
            for number, place in page.files.items():
                screen.progress(f"{folder}  {number + 1}/{len(page.files)}")
                content = sample_file(number, place)
                (folder / f"{number}.js").write_text(content, encoding="utf-8")
        temporary = file.with_name(f".{file.name}.tmp")
        temporary.write_text(page.html, encoding="utf-8")
        temporary.replace(file)
    except OSError as error:
        path = error.filename or file
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
    size = f"{file.stat().st_size / 1e6:.1f} MB"
    screen.say(f"{shlex.quote(str(file))}: {len(page.files)} runs, {size}; open it in a browser")


def _serve(
    folders: list[Path],
    settings: "Settings",
    screen: "Screen",
    port: int,
    options: "PageOptions",
) -> None:
    from dataclasses import replace

    from harness.benchmarks import DataFolders
    from harness.errors import StorageError
    from leaderboards.page import Page, render
    from leaderboards.problems import describe
    from leaderboards.serve import BoardServer
    from leaderboards.tallies import Tallies, state_of

    tallies = Tallies()
    data = DataFolders.from_settings(settings)

    def make_page(state: str) -> Page:
        started = time.monotonic()
        made = make(folders, tallies, settings)
        page = render(
            made,
            about=describe(made, data=data),
            options=replace(options, folder="samples", state=state),
        )
        screen.progress(f"board of {len(page.files)} runs, {time.monotonic() - started:.1f} s")
        return page

    try:
        server = BoardServer(lambda: state_of(folders), make_page, port=port)
    except OSError as error:
        raise StorageError(f"port {port}: {error.strerror}; choose another --port") from error
    with server:
        screen.say(f"{server.url}  Ctrl-C ends it")
        try:
            server.run()
        except KeyboardInterrupt:
            screen.say("ended")
