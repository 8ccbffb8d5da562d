"""The verbs that hold results against one another: import and compare."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import Json, app, invocation, known_benchmarks, known_runs, print_runs

if TYPE_CHECKING:
    from harness.records import EvalRun


@app.command("import")
def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…",
            help="Result files of EvalPlus or BigCodeBench, .json or .json.gz.",
            show_default=False,
        ),
    ],
    benchmark: Annotated[
        str | None,
        typer.Option(
            "-b",
            "--benchmark",
            "--tasks",
            help="What they were measured on. Default: what ids and file names say.",
            autocompletion=known_benchmarks,
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="The checkpoint's name on the board.")] = None,
    as_json: Json = False,
) -> None:
    """Make runs of published results, with their verdicts as they are, to look at and compare.

    \b
    harness import model_eval_results.json
    harness import results/*.json.gz
    """
    from harness.benchmarks import DataFolders
    from harness.published import import_results
    from harness.store import Store

    settings = invocation.settings()
    screen = invocation.screen(settings)
    store, data = Store(settings.home), DataFolders.from_settings(settings)
    runs: list[EvalRun] = []
    for number, path in enumerate(files, start=1):
        screen.progress(f"importing {number}/{len(files)}  {path.name}")
        imported = import_results(path, store=store, benchmark=benchmark, name=name, data=data)
        for note in imported.notes:
            screen.say(f"{path.name}: {note}")
        runs.append(imported.run)
    print_runs(screen, runs, as_json, settings)


@app.command()
def compare(
    a: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="A run, what B is held against: last, its ID or a unique prefix.",
            autocompletion=known_runs,
        ),
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="Another run.", autocompletion=known_runs)],
    by: Annotated[
        str, typer.Option(help="type, or none.", autocompletion=lambda: ["type", "none"])
    ] = "type",
    num_flips: Annotated[
        int, typer.Option("--flips", min=0, help="Flips that are shown with their programs.")
    ] = 6,
    as_json: Json = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="For a pull request.")] = False,
    as_latex: Annotated[bool, typer.Option("--latex", help="A table with booktabs.")] = False,
) -> None:
    """Hold one run against another, problem by problem: what B fixes and breaks, and by luck or not.

    \b
    harness compare qwen-1.5b last
    harness compare parent child --markdown
    """
    from harness.benchmarks import DataFolders
    from harness.errors import ConfigError, UnknownName
    from harness.store import Store
    from leaderboards import report
    from leaderboards.compare import compare as compare_runs

    if by not in ("type", "none"):
        raise UnknownName("grouping", by, ["type", "none"])
    if as_json + as_markdown + as_latex > 1:
        raise ConfigError("--json, --markdown and --latex: one of them at a time")
    settings = invocation.settings()
    screen = invocation.screen(settings)
    store = Store(settings.home)
    comparison = compare_runs(
        store.load(a),
        store.load(b),
        types={} if by == "none" else None,
        data=DataFolders.from_settings(settings),
    )
    if as_json:
        screen.json(comparison)
    elif as_markdown:
        screen.show(report.markdown(comparison).rstrip())
    elif as_latex:
        screen.show(report.latex(comparison).rstrip())
    else:
        screen.show(*report.terminal(comparison, num_flips=num_flips))
