"""The verbs that measure: eval and regrade."""

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import (
    Isolation,
    Json,
    Run,
    Type,
    app,
    invocation,
    known_benchmarks,
    known_profiles,
    known_runs,
    print_runs,
)

if TYPE_CHECKING:
    from harness.config import Settings
    from harness.records import EvalRun
    from harness.screen import Screen
    from leaderboards.comparison import Comparison
    from leaderboards.gate import Gate


@app.command("eval")
def eval_(
    source: Annotated[
        str,
        typer.Argument(
            metavar="CHECKPOINT",
            help="A samples file or folder, a model's or an adapter's folder, org/repo[@revision], "
            "run:ID, https://host/v1#model, openai:model, or fake:demo.",
        ),
    ],
    benchmark: Annotated[
        str | None,
        typer.Option(
            "-b",
            "--benchmark",
            "--tasks",
            help="Names, with commas between. Default: what the samples' ids say.",
            autocompletion=known_benchmarks,
        ),
    ] = None,
    num_samples: Annotated[int | None, typer.Option("-n", help="Samples a problem.")] = None,
    limit: Annotated[int | None, typer.Option("-L", "--limit", help="First problems only.")] = None,
    type_: Type = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="Grading profile; default: the benchmark's own.", autocompletion=known_profiles
        ),
    ] = None,
    sandbox: Isolation = None,
    temperature: Annotated[
        float | None, typer.Option(help="Default: 0, which is greedy.", show_default=False)
    ] = None,
    system: Annotated[str | None, typer.Option(help="A system message.")] = None,
    no_chat: Annotated[
        bool, typer.Option("--no-chat", help="Completion prompts, whatever the template.")
    ] = False,
    engine: Annotated[
        str | None,
        typer.Option(help="auto, vllm or local.", autocompletion=lambda: ["auto", "vllm", "local"]),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", "--batch_size", help="Rows at a time.")
    ] = None,
    all_checkpoints: Annotated[
        bool, typer.Option("--all-checkpoints", help="Each checkpoint-* of a training run.")
    ] = False,
    generate_only: Annotated[
        bool, typer.Option("--generate-only", help="Write samples; `harness regrade` grades them.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="The checkpoint's name on the board.")] = None,
    run: Annotated[str | None, typer.Option(help="A name for the run.")] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Move an earlier run of the same name aside.")
    ] = False,
    max_unscored: Annotated[
        int | None, typer.Option(help="Unscored samples to put up with.")
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            help="A run to compare with; several benchmarks: several runs, with commas between.",
            autocompletion=known_runs,
        ),
    ] = None,
    fail_if_worse: Annotated[
        bool, typer.Option("--fail-if-worse", help="Exit 1 if it is worse than the baseline.")
    ] = False,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Also if a drop of 3 points can't be ruled out."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Grade samples in a sandbox, or have a checkpoint write them first. The same command resumes.

    \b
    harness eval samples.jsonl -b humaneval+
    harness eval Qwen/Qwen2.5-Coder-7B-Instruct -b humaneval+,mbpp+
    """
    from harness import benchmarks, evaluation
    from harness.models import checkpoints
    from harness.problem_types import of_types
    from harness.store import Store
    from leaderboards.gate import Gate

    settings = invocation.settings(
        eval__num_samples=num_samples,
        eval__limit=limit,
        eval__type=type_,
        eval__max_unscored=max_unscored,
        eval__generate_only=generate_only or None,
        eval__name=name,
        grading__profile=profile,
        sandbox__kind=sandbox,
        sampling__temperature=temperature,
        prompt__system=system,
        prompt__chat=False if no_chat else None,
        model__engine=engine,
        model__batch_size=batch_size,
    )
    screen = invocation.screen(settings)
    gate = Gate.of(Store(settings.home), baseline, fail_if_worse=fail_if_worse, strict=strict)
    names = benchmark.split(",") if benchmark else []
    for name in names:  # a typo in the last name must not show after an hour of the first
        problems = benchmarks.load(name, data=benchmarks.DataFolders.from_settings(settings))
        if type_:
            of_types(problems, type_.split(","))
    runs: list[EvalRun] = []
    for one in checkpoints.series(source) if all_checkpoints else [source]:
        with evaluation.open_model(one, settings=settings, observer=screen) as model:
            runs += [
                screen.watch(
                    lambda name=name, one=one, model=model: evaluation.evaluate(
                        one,
                        name,
                        settings=settings,
                        name=run,
                        fresh=fresh,
                        observer=screen,
                        model=model,
                    )
                )
                for name in (names or [None])
            ]
    if settings.eval.generate_only and not any(recorded.verdicts for recorded in runs):
        screen.written_runs(runs, as_json)
        return
    _report(screen, runs, as_json, settings, gate)


@app.command()
def regrade(
    run: Run,
    profile: Annotated[
        str | None,
        typer.Option(
            help="Grading profile; default: the one of the run.", autocompletion=known_profiles
        ),
    ] = None,
    sandbox: Isolation = None,
    as_json: Json = False,
) -> None:
    """Grade the recorded samples of a run again; under another profile, beside the old run.

    \b
    harness regrade last
    harness regrade last --profile strict
    """
    from harness import evaluation

    settings = invocation.settings(grading__profile=profile, sandbox__kind=sandbox)
    screen = invocation.screen(settings)
    graded = screen.watch(lambda: evaluation.regrade(run, settings=settings, observer=screen))
    _report(screen, [graded], as_json, settings)


def _report(
    screen: "Screen",
    runs: "list[EvalRun]",
    as_json: bool,
    settings: "Settings",
    gate: "Gate | None" = None,
) -> None:
    """The end of `eval` and `regrade`: the result on standard output, and the exit code."""
    from harness.benchmarks import DataFolders
    from harness.errors import NotComparable

    comparisons: list[Comparison] = []
    refused: NotComparable | None = None
    if gate is not None:
        try:
            comparisons = gate.comparisons(runs, DataFolders.from_settings(settings))
        except NotComparable as error:  # what was measured is shown all the same
            refused = error
    print_runs(screen, runs, as_json, settings, comparisons)
    if refused is not None:
        raise refused
    num_unscored = sum(run.num_unscored for run in runs)
    if num_unscored > settings.eval.max_unscored:
        screen.say(
            f"incomplete: {num_unscored} recorded samples are unscored, which is our failure and "
            "not the model's. The same command, without a smaller --limit or -n, tries them again"
        )
        raise typer.Exit(4)
    reasons = gate.failed(comparisons) if gate is not None else []
    for reason in reasons:
        screen.say(reason)
    if reasons:
        raise typer.Exit(1)
