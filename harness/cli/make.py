"""The verbs that make training data: plan and generate."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import Isolation, Json, app, invocation, known_runs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from generators.guarding import Known
    from generators.synthetic import Synthetic
    from harness.config import Settings
    from harness.records import DataPlan
    from harness.screen import Screen
    from sandboxes.protocol import Workers

_RULES = ("failure", "learnability", "uniform", "shuffled", "thompson", "cost")

Teacher = Annotated[str, typer.Option(help="Who writes: grammar, or module:Class.")]
After = Annotated[
    str | None,
    typer.Option(help="The dataset of the round before: repeats nothing, replays a quarter."),
]


@app.command()
def plan(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="Runs of one checkpoint: last, IDs or unique prefixes.",
            autocompletion=known_runs,
        ),
    ],
    rule: Annotated[
        str,
        typer.Option(help=f"{', '.join(_RULES)}.", autocompletion=lambda: list(_RULES)),
    ] = "failure",
    budget: Annotated[int, typer.Option(min=1, help="Rows of the dataset.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 0,
    teacher: Teacher = "grammar",
    after: After = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the plan there, for generate.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Divide a budget of training rows among problem types, by what recorded runs fail at.

    \b
    harness plan last --budget 2000 -o plan.json
    harness plan 7b.mbpp+ 7b.bigcodebench --rule uniform
    """
    from generators import planning, tables
    from harness.errors import StorageError, UnknownName

    settings = invocation.settings()
    screen = invocation.screen(settings)
    if rule not in _RULES:
        raise UnknownName("rule", rule, _RULES)
    made = planning.plan_for(
        runs,
        settings=settings,
        asked=planning.Asked(rule, budget, seed, teacher, after),
    )
    if output is not None:
        try:
            output.write_text(f"{made.model_dump_json(indent=2)}\n", "utf-8")
        except OSError as error:
            raise StorageError(f"{output}: can't be written: {error.strerror}") from error
    if as_json:
        screen.json(made)
        return
    screen.show(tables.plan_heading(made), "", tables.plan_table(made))
    if made.uncovered:
        screen.show(
            f"\n{made.teacher} can't write these; rows of other types will not mend them:\n",
            tables.uncovered_table(made),
        )
    for note in tables.plan_notes(made):
        screen.show(f"\n{note}")
    next_step = f"generate --plan {output}" if output else "plan … -o plan.json"
    screen.show(f"\nnext: harness {next_step}")


@app.command()
def generate(
    plan_file: Annotated[
        Path | None, typer.Option("--plan", help="A plan, as `harness plan -o` writes it.")
    ] = None,
    types: Annotated[
        str | None, typer.Option(help="Rows by type instead of a plan: dp=200,regex=100.")
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(help="Instead of rows, a benchmark: synthetic-dev or synthetic-test@K."),
    ] = None,
    level: Annotated[int, typer.Option(min=1, max=4, help="Difficulty, with --types.")] = 2,
    seed: Annotated[int, typer.Option(help="With --types.")] = 0,
    teacher: Teacher = "grammar",
    after: After = None,
    per_type: Annotated[int, typer.Option(min=1, help="Problems a type, with --benchmark.")] = 100,
    also: Annotated[
        str | None,
        typer.Option(help="Further benchmarks to keep clear of: jsonl:mine.jsonl, with commas."),
    ] = None,
    without: Annotated[
        str | None, typer.Option(help="Published benchmarks that rows aren't held against.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes that propose; default: the cores.")
    ] = None,
    sandbox: Isolation = None,
    as_json: Json = False,
) -> None:
    """Make verified training rows of the wanted types, clear of all evaluation problems.

    With --benchmark, problems to measure on, of which no training row is made.

    \b
    harness generate --plan plan.json
    harness generate --types dp=200,regex=100
    """
    import os

    from generators import planning
    from harness.errors import UserError

    settings = invocation.settings(sandbox__kind=sandbox)
    screen = invocation.screen(settings)
    if sum(each is not None for each in (plan_file, types, benchmark)) != 1:
        raise UserError("one of --plan, --types and --benchmark: harness generate --types dp=200")
    if benchmark is not None:
        made = _synthetic(benchmark, teacher, per_type, settings, screen)
        if as_json:
            num_problems = len(made.signatures)
            screen.json({"benchmark": made.name, "problems": num_problems, "path": str(made.path)})
            return
        screen.show(f"{made.name}: {len(made.signatures)} problems\n{made.path}")
        screen.show(f"\nnext: harness eval CHECKPOINT -b {made.name}")
        return
    if plan_file is not None:
        if after is not None:
            raise UserError("the dataset before belongs to the plan: harness plan … --after")
        wanted = planning.read_plan(plan_file)
    else:
        assert types is not None
        wanted = planning.typed_plan(
            types,
            level=level,
            home=settings.home,
            asked=planning.Asked("uniform", 0, seed, teacher, after),
        )
    with _open(settings, screen) as workers:
        known = _guard(workers, _names(also), _names(without), settings=settings, screen=screen)
        num_processes = processes or os.cpu_count() or 1
        _make_rows(wanted, known, workers, num_processes, settings, screen, as_json)


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


@contextmanager
def _open(settings: "Settings", screen: "Screen") -> "Generator[Workers]":
    import os

    from harness.isolation import choose_sandbox

    isolation = choose_sandbox(settings, ours_only=True, say=screen.say)
    if isolation.note:
        screen.say(isolation.note)
    with isolation.sandbox.open(
        "python", settings.sandbox.workers or os.cpu_count() or 1
    ) as opened:
        yield opened


def _guard(
    workers: "Workers",
    also: list[str],
    without: list[str],
    *,
    settings: "Settings",
    screen: "Screen",
) -> "Known":
    from generators.guarding import Places, open_guard
    from harness.benchmarks import DataFolders

    places = Places(settings.home, DataFolders.from_settings(settings), settings.cache)
    return screen.watch(
        lambda: open_guard(
            places,
            workers=workers,
            also=also,
            without=without,
            say=screen.say,
            on_progress=lambda done, total: screen.progress(
                f"evaluation problems: behaviour of solutions  {done}/{total}"
            ),
        )
    )


def _make_rows(
    wanted: "DataPlan",
    known: "Known",
    workers: "Workers",
    num_processes: int,
    settings: "Settings",
    screen: "Screen",
    as_json: bool,
) -> None:
    from generators import tables
    from generators.generate import Progress, Tools, generate

    def progress(now: Progress) -> None:
        share = f"{now.total_rows / now.num_proposed:.0%}" if now.num_proposed else ""
        screen.progress(
            f"{now.type}  {now.num_rows}/{now.num_wanted}  all {now.total_rows}/"
            f"{now.total_wanted}  yield {share}  {now.rows_per_s:.0f} rows/s"
        )

    tools = Tools(workers, known.guard, known.num_problems, num_processes, progress)
    made = screen.watch(lambda: generate(wanted, home=settings.home, tools=tools))
    if as_json:
        screen.json({"dataset": made.name, "path": str(made.path), "manifest": made.manifest})
        return
    screen.show(tables.yield_table(made.manifest), "")
    screen.show(*tables.manifest_lines(made))
    short = [
        f"{name} {made.manifest.rows_by_type.get(name, 0)} of {num_wanted}"
        for name, num_wanted in made.manifest.wanted_by_type.items()
        if made.manifest.rows_by_type.get(name, 0) < num_wanted
    ]
    if short:
        screen.show(f"the teacher has no more: {', '.join(short)}")
    screen.show(f"\nnext: harness show {made.name} 0")


def make_missing(names: "Iterable[str]", settings: "Settings", screen: "Screen") -> None:
    """Make the synthetic benchmarks among these that the home has not: on first use."""
    from harness.benchmarks import SYNTHETIC

    for name in names:
        folder = settings.home / "benchmarks" / name
        if name.startswith(SYNTHETIC) and not folder.exists():
            screen.say(f"{name} is made now, and kept under {folder}")
            _synthetic(name, "grammar", 100, settings, screen)


def _synthetic(
    name: str, teacher: str, per_type: int, settings: "Settings", screen: "Screen"
) -> "Synthetic":
    from generators import synthetic

    with _open(settings, screen) as workers:
        return screen.watch(
            lambda: synthetic.make(
                name,
                home=settings.home,
                workers=workers,
                teacher=teacher,
                num_a_type=per_type,
                on_progress=lambda type, done, total: screen.progress(
                    f"{name}  {type}  {done}/{total}"
                ),
            )
        )
