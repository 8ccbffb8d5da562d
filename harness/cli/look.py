"""The verbs that look at what is recorded: show and ls."""

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
    from harness.records import EvalRun
    from harness.screen import Screen


@app.command()
def show(
    run: Run,
    problem: Annotated[
        str | None, typer.Argument(metavar="PROBLEM", help="A problem: HumanEval/3, or Mbpp/2.")
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

    \b
    harness show last --failed --type string
    harness show last HumanEval/3
    """
    from harness import queries, slices
    from harness.benchmarks import DataFolders
    from harness.errors import UnknownName, UserError
    from harness.records import Status
    from harness.store import Store

    if why and problem is None:
        raise UserError(f"--why of which problem? Name one: harness show {run} HumanEval/3 --why")
    settings = invocation.settings()
    screen = invocation.screen(settings)
    store = Store(settings.home)
    wanted = status.lower().replace("-", "_") if status else None
    if wanted is not None and wanted not in list(Status):
        raise UnknownName("status", wanted, list(Status))
    recorded = store.load(run)
    ids = {problem_id for problem_id, _ in recorded.samples}
    if problem and not any(f"/{known}".endswith(f"/{problem}") for known in ids):
        raise UnknownName("problem", problem, {known.partition("/")[2] for known in ids})
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
        types = slices.types_of(recorded, data=data)
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
    from harness import slices, types_screen
    from harness.problem_types import tags_of
    from harness.weakness import weaknesses

    problems = slices.labelled_problems([run], data=data)
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


@app.command()
def ls(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="runs, benchmarks, profiles or types.",
            autocompletion=lambda: ["runs", "benchmarks", "profiles", "types"],
        ),
    ] = "runs",
    as_json: Json = False,
) -> None:
    """List runs (with rates and intervals), benchmarks, grading profiles or problem types.

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
        raise UnknownName("list", what, ["runs", "benchmarks", "profiles", "types"])
