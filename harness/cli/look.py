"""The verbs that look at what is recorded: show and ls."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import (
    Json,
    Run,
    Type,
    app,
    invocation,
    known_benchmarks,
    known_profiles,
    known_statuses,
    print_runs,
)

if TYPE_CHECKING:
    from harness.benchmarks import DataFolders
    from harness.config import Settings
    from harness.datasets import DatasetInfo
    from harness.records import EvalRun
    from harness.screen import Screen


@app.command()
def show(
    run: Run,
    problem: Annotated[
        str | None,
        typer.Argument(
            metavar="PROBLEM", help="A problem: HumanEval/3, or Mbpp/2; of a dataset, a row."
        ),
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only what the model got wrong.")
    ] = False,
    status: Annotated[
        str | None,
        typer.Option(help="Only this status, as in timeout.", autocompletion=known_statuses),
    ] = None,
    type_: Type = None,
    why: Annotated[
        bool, typer.Option("--why", help="Of a problem: its type, and on what evidence.")
    ] = False,
    weak: Annotated[
        bool, typer.Option("--weaknesses", help="By type, as the loop reads it: the steer half.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Look at a run, at its failures, or at one problem with its code and its first failed test.

    A dataset too, by its name or as dataset:last: its manifest, or one row by its ID or number.

    \b
    harness show last --failed --type string
    harness show last HumanEval/3
    """
    from harness import queries, type_rates
    from harness.benchmarks import DataFolders
    from harness.errors import UnknownName, UserError
    from harness.records import Status, task_id_of
    from harness.store import Store

    if why and problem is None:
        raise UserError(f"--why of which problem? Name one: harness show {run} HumanEval/3 --why")
    settings = invocation.settings()
    screen = invocation.screen(settings)
    store = Store(settings.home)
    dataset = _dataset(run, settings)
    if dataset is not None:
        _show_dataset(dataset, problem, screen, as_json)
        return
    wanted = status.lower().replace("-", "_") if status else None
    if wanted is not None and wanted not in list(Status):
        raise UnknownName("status", wanted, list(Status))
    recorded = store.load(run)
    ids = {problem_id for problem_id, _ in recorded.samples}
    if problem and not any(f"/{known}".endswith(f"/{problem}") for known in ids):
        benchmark = recorded.config.benchmark
        raise UnknownName("problem", problem, {task_id_of(known, benchmark) for known in ids})
    data = DataFolders.from_settings(settings)
    if why or weak:
        _show_types(screen, recorded, data, problem=problem if why else None, as_json=as_json)
        return
    if problem is None and not failed and wanted is None and type_ is None:
        print_runs(screen, [recorded], as_json, settings)
        return
    verdicts = queries.find_verdicts(
        store, run, failed=failed, status=Status(wanted) if wanted else None, problem=problem
    )
    if type_ is not None:
        types = type_rates.types_of(recorded, data=data)
        asked = set(type_.split(","))
        for name in sorted(asked - set(types.values())):
            raise UnknownName(f"type of {recorded.id}", name, set(types.values()))
        verdicts = [verdict for verdict in verdicts if types.get(verdict.problem_id) in asked]
    if problem:  # verdicts come in the order in which programs ended
        verdicts.sort(key=lambda verdict: verdict.key)
    if as_json:
        samples = recorded.samples
        screen.json(
            [{"verdict": verdict, "sample": samples.get(verdict.key)} for verdict in verdicts]
            if problem
            else verdicts
        )
    elif problem and verdicts:
        screen.problem(recorded, verdicts)
    else:
        screen.verdicts(recorded, verdicts)


def _show_types(
    screen: "Screen",
    run: "EvalRun",
    data: "DataFolders",
    *,
    problem: str | None,
    as_json: bool,
) -> None:
    """Why a problem is of its type; without a problem, the weaknesses of the run."""
    from harness import type_rates, types_screen
    from harness.problem_types import tags_of
    from harness.weakness import weaknesses

    problems = type_rates.labelled_problems([run], data=data)
    if problem is not None:
        found = next(p for p in problems.values() if f"/{p.id}".endswith(f"/{problem}"))
        tags = tags_of(found)
        if as_json:
            screen.json(tags)
        else:
            screen.show(types_screen.about_why(found.id, tags), types_screen.why(tags))
        return
    steers = any(one.split == "steer" for one in problems.values())
    if not steers:
        screen.say(f"{run.config.benchmark} never steers: these are all its problems")
    weak = weaknesses([run], problems, split="steer" if steers else None)
    if as_json:
        screen.json(weak)
    else:
        screen.show(types_screen.weaknesses(weak), types_screen.about_weaknesses(weak))


DATASET = "dataset:"


def _dataset(ref: str, settings: "Settings") -> "DatasetInfo | None":
    """The dataset that is meant: by the word before it, its whole name or its folder."""
    from harness import datasets

    if ref.startswith(DATASET):
        return datasets.find(settings.home, ref.removeprefix(DATASET))
    is_one = (settings.home / "datasets" / ref / datasets.MANIFEST).is_file()
    is_folder = (Path(ref) / datasets.MANIFEST).is_file()
    return datasets.find(settings.home, ref) if is_one or is_folder else None


def _show_dataset(
    dataset: "DatasetInfo", asked: str | None, screen: "Screen", as_json: bool
) -> None:
    from generators import tables
    from harness import datasets
    from harness.errors import UnknownName

    if asked is None:
        if as_json:
            screen.json({"dataset": dataset.name, "manifest": dataset.manifest})
            return
        screen.show(tables.yield_table(dataset.manifest), "")
        screen.show(*tables.manifest_lines(dataset))
        return
    rows = list(datasets.rows(dataset))
    numbered = {str(number): row for number, row in enumerate(rows)}
    row = numbered.get(asked) or next((row for row in rows if row.id == asked), None)
    if row is None:
        raise UnknownName("row", asked, [row.id for row in rows])
    if as_json:
        screen.json(row)
    else:
        screen.show(tables.row_text(row))


@app.command()
def ls(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="runs, datasets, benchmarks, profiles or types.",
            autocompletion=lambda: ["runs", "datasets", "benchmarks", "profiles", "types"],
        ),
    ] = "runs",
    as_json: Json = False,
) -> None:
    """List runs (with rates and intervals), datasets, benchmarks, grading profiles or types.

    \b
    harness ls
    harness ls benchmarks
    """
    from harness import queries
    from harness.errors import UnknownName
    from harness.store import Store

    settings = invocation.settings()
    screen = invocation.screen(settings)
    if what == "runs":
        screen.run_rows(queries.runs_table(Store(settings.home)), as_json)
    elif what == "datasets":
        from generators import tables
        from harness import datasets

        found = datasets.datasets(settings.home)
        if as_json:
            screen.json([{"dataset": each.name, "manifest": each.manifest} for each in found])
        else:
            screen.show(tables.datasets_table(found))
    elif what == "benchmarks":
        screen.names(known_benchmarks(), as_json)
    elif what == "profiles":
        screen.names(known_profiles(), as_json)
    elif what == "types":
        from harness import types_screen

        if as_json:
            screen.json(types_screen.taxonomy_as_json())
        else:
            screen.show(types_screen.taxonomy())
    else:
        raise UnknownName("list", what, ["runs", "datasets", "benchmarks", "profiles", "types"])
