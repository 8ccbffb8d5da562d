"""The verbs that look at what is recorded: show and ls."""

from typing import Annotated

import typer

from harness.cli.app import (
    Json,
    Run,
    app,
    invocation,
    known_benchmarks,
    known_profiles,
    known_statuses,
    print_runs,
)


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
    as_json: Json = False,
) -> None:
    """Look at a run, at its failures, or at one problem with its code and its first failed test.

    \b
    harness show last --failed
    harness show last HumanEval/3
    """
    from harness import queries
    from harness.errors import UnknownName
    from harness.records import Status, task_id_of
    from harness.store import Store

    settings = invocation.settings()
    screen = invocation.screen(settings)
    store = Store(settings.home)
    wanted = status.lower().replace("-", "_") if status else None
    if wanted is not None and wanted not in list(Status):
        raise UnknownName("status", wanted, list(Status))
    recorded = store.load(run)
    ids = {problem_id for problem_id, _ in recorded.samples}
    if problem and not any(f"/{known}".endswith(f"/{problem}") for known in ids):
        benchmark = recorded.config.benchmark
        raise UnknownName("problem", problem, {task_id_of(known, benchmark) for known in ids})
    if problem is None and not failed and wanted is None:
        print_runs(screen, [recorded], as_json)
        return
    verdicts = queries.find_verdicts(
        store, run, failed=failed, status=Status(wanted) if wanted else None, problem=problem
    )
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


@app.command()
def ls(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="runs, benchmarks or profiles.",
            autocompletion=lambda: ["runs", "benchmarks", "profiles"],
        ),
    ] = "runs",
    as_json: Json = False,
) -> None:
    """List runs (with rates and intervals), benchmarks or grading profiles.

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
    else:
        raise UnknownName("list", what, ["runs", "benchmarks", "profiles"])
