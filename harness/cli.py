"""The verbs: parse, call, print. No logic lives here, and heavy imports are inside the verbs.

Exit codes: 0 measured · 1 a gate that was asked for failed · 2 usage or configuration ·
3 not comparable · 4 incomplete, what was done is kept · 130 interrupted, the same command resumes.
Results go to standard output, talk to standard error.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

import harness

if TYPE_CHECKING:
    from harness.config import Settings

app = typer.Typer(
    name="harness",
    help="Measure a code model honestly.\n\n"
    "  harness eval samples.jsonl            grade samples of HumanEval+ or MBPP+\n\n"
    "  harness show last --failed            what it got wrong, and on which input",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(
    help="Benchmark files: where they are, and how to get them.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.add_typer(data_app, name="data")


class _Invocation:
    """What the global options said; the settings are read when a verb asks for them."""

    config_file: Path | None = None
    sets: list[str]
    overrides: dict[str, object]

    def settings(self, **flags: object) -> "Settings":
        """The settings, with this verb's flags on top (`section__leaf=value`; None: not given)."""
        from harness import config

        overrides = self.overrides | {key.replace("__", "."): value for key, value in flags.items()}
        return config.load(config_file=self.config_file, overrides=overrides, sets=self.sets)


_invocation = _Invocation()


def _print_version(asked: bool) -> None:
    if asked:
        print(f"harness {harness.__version__}")
        raise typer.Exit


@app.callback()
def _globals(
    home: Annotated[Path | None, typer.Option(help="Where runs are kept.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="Settings file instead of harness.toml.")
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any setting by its key: --set sandbox.workers=4."),
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Results only.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Say more.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    verbosity = "quiet" if quiet else "verbose" if verbose else None
    _invocation.config_file = config
    _invocation.sets = sets or []
    _invocation.overrides = {
        "home": home,
        "display.verbosity": verbosity,
        "display.color": "never" if no_color else None,
    }


_Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
_Profile = Annotated[
    str | None, typer.Option(help="Grading profile; default: the benchmark's own.")
]
_Isolation = Annotated[str | None, typer.Option(help="auto, namespaces or plain.")]


@app.command("eval")
def eval_(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SAMPLES",
            help="A samples file (.jsonl, .jsonl.gz), a folder of samples, or fake:demo.",
        ),
    ],
    benchmark: Annotated[
        str | None,
        typer.Option(
            "-b",
            "--benchmark",
            "--tasks",
            help="Names, with commas between. Default: what the samples' ids say.",
        ),
    ] = None,
    num_samples: Annotated[int | None, typer.Option("-n", help="Samples a problem.")] = None,
    limit: Annotated[int | None, typer.Option("-L", "--limit", help="First problems only.")] = None,
    profile: _Profile = None,
    sandbox: _Isolation = None,
    run: Annotated[str | None, typer.Option(help="A name for the run.")] = None,
    fresh: Annotated[
        bool, typer.Option(help="Move an earlier run of the same name aside.")
    ] = False,
    max_unscored: Annotated[
        int | None, typer.Option(help="Unscored samples to put up with.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Grade samples in a sandbox: one run a benchmark. The same command resumes.

    harness eval samples.jsonl -b humaneval+

    harness eval results/ -b mbpp+ --limit 20 --profile strict
    """
    from harness import evaluation
    from harness.screen import Screen

    settings = _invocation.settings(
        eval__num_samples=num_samples,
        eval__limit=limit,
        eval__max_unscored=max_unscored,
        grading__profile=profile,
        sandbox__kind=sandbox,
    )
    screen = Screen(settings.display)
    runs = [
        screen.watch(
            lambda name=name: evaluation.evaluate(
                source, name, settings=settings, name=run, fresh=fresh, observer=screen
            )
        )
        for name in (benchmark.split(",") if benchmark else [None])
    ]
    _report(screen, runs, as_json, settings.eval.max_unscored)


@app.command()
def regrade(
    run: Annotated[str, typer.Argument(help="A run: last, its ID or a unique prefix.")],
    profile: _Profile = None,
    sandbox: _Isolation = None,
    as_json: _Json = False,
) -> None:
    """Grade the recorded samples of a run again; under another profile, beside the old run.

    harness regrade last --profile strict
    """
    from harness import evaluation
    from harness.screen import Screen

    settings = _invocation.settings(grading__profile=profile, sandbox__kind=sandbox)
    screen = Screen(settings.display)
    graded = screen.watch(lambda: evaluation.regrade(run, settings=settings, observer=screen))
    _report(screen, [graded], as_json, settings.eval.max_unscored)


@app.command()
def show(
    run: Annotated[str, typer.Argument(help="A run: last, its ID or a unique prefix.")],
    problem: Annotated[
        str | None, typer.Argument(help="A problem: HumanEval/3, or Mbpp/2.")
    ] = None,
    failed: Annotated[bool, typer.Option(help="Only what the model got wrong.")] = False,
    status: Annotated[str | None, typer.Option(help="Only this status, as in timeout.")] = None,
    as_json: _Json = False,
) -> None:
    """Look at a run, at its failures, or at one problem with its code and its first failed test.

    harness show last --failed

    harness show last HumanEval/3
    """
    from harness.errors import UnknownName
    from harness.records import Status
    from harness.screen import Screen
    from harness.store import Store

    settings = _invocation.settings()
    store = Store(settings.home)
    if status is not None and status not in list(Status):
        raise UnknownName("status", status, list(Status))
    wanted = Status(status) if status else None
    verdicts = store.query_verdicts(run, failed=failed, status=wanted, problem=problem)
    recorded = store.load(run)
    if problem is not None and not verdicts and not failed and wanted is None:
        known = {problem_id.partition("/")[2] for problem_id, _ in recorded.samples}
        raise UnknownName("problem", problem, known)
    screen = Screen(settings.display)
    if as_json:
        for verdict in verdicts:
            sample = recorded.samples.get(verdict.key)
            screen.json({"verdict": verdict, "sample": sample} if problem else verdict)
    elif problem is not None:
        screen.problem(recorded, verdicts)
    elif failed or wanted:
        screen.verdicts(recorded, verdicts)
    else:
        screen.runs([recorded])


@app.command()
def ls(
    what: Annotated[str, typer.Argument(help="runs, benchmarks or profiles.")] = "runs",
    as_json: _Json = False,
) -> None:
    """List runs (with rates and intervals), benchmarks or grading profiles.

    harness ls

    harness ls benchmarks
    """
    from harness import benchmarks
    from harness.errors import UnknownName
    from harness.grading import PROFILES
    from harness.screen import Screen
    from harness.store import Store

    settings = _invocation.settings()
    screen = Screen(settings.display)
    if what == "runs":
        screen.run_rows(Store(settings.home).table(), as_json)
    elif what == "benchmarks":
        screen.names(sorted(benchmarks.BUILT_IN), as_json)
    elif what == "profiles":
        screen.names(sorted(PROFILES), as_json)
    else:
        raise UnknownName("list", what, ["runs", "benchmarks", "profiles"])


@data_app.command("ls")
def data_ls(as_json: _Json = False) -> None:
    """Which benchmark files are here, and whether their contents are the publishers'."""
    from harness.benchmarks import data
    from harness.screen import Screen

    settings = _invocation.settings()
    states = data.ls(data.DataFolders.from_settings(settings))
    Screen(settings.display).files(states, as_json)


@data_app.command("pull")
def data_pull(
    names: Annotated[
        list[str] | None, typer.Argument(help="Benchmarks, as in humaneval+ mbpp+; default: all.")
    ] = None,
) -> None:
    """Fetch benchmark files from their publishers; what is here already is not fetched again."""
    from harness.benchmarks import data
    from harness.screen import Screen

    settings = _invocation.settings()
    screen = Screen(settings.display)
    folders = data.DataFolders.from_settings(settings)
    pulled = screen.watch(lambda: data.pull(names or [], folders, progress=screen.downloading))
    screen.pulled(pulled)


@app.command()
def doctor(as_json: _Json = False) -> None:
    """Try what this machine can do: isolation, data, cache. Says what to do about the rest."""
    from harness import doctor as checks
    from harness.screen import Screen

    settings = _invocation.settings()
    screen = Screen(settings.display)
    findings = screen.watch(lambda: checks.examine(settings))
    screen.findings(findings, as_json)
    if any(not finding.ok and finding.needed for finding in findings):
        raise typer.Exit(2)


@app.command()
def completion(shell: Annotated[str, typer.Argument(help="bash, zsh or fish.")]) -> None:
    """Print a completion script: eval "$(harness completion bash)"."""
    from typer._completion_shared import get_completion_script

    from harness.errors import UnknownName

    if shell not in ("bash", "zsh", "fish"):
        raise UnknownName("shell", shell, ["bash", "zsh", "fish"])
    print(get_completion_script(prog_name="harness", complete_var="_HARNESS_COMPLETE", shell=shell))


def _report(screen: "_Screen", runs: "list[_EvalRun]", as_json: bool, max_unscored: int) -> None:
    """The end of `eval` and `regrade`: the result on standard output, and the exit code."""
    from harness.evaluation import summary

    if as_json:
        screen.json({"runs": [summary(run).as_json() for run in runs]})
    else:
        screen.runs(runs)
    num_unscored = sum(run.num_unscored for run in runs)
    if num_unscored > max_unscored:
        screen.say(
            f"incomplete: {num_unscored} samples are unscored, which is our failure and not the "
            "model's. The same command tries them again"
        )
        raise typer.Exit(4)


def main() -> NoReturn:
    """The command `harness`."""
    from harness import errors

    try:
        app()
    except KeyboardInterrupt:
        _fail("interrupted; what is recorded is kept: repeat the command to go on", 130)
    except errors.StorageError as error:
        _fail(str(error), 4)
    except (errors.UserError, errors.EnvironmentRefused, errors.SandboxUnavailable) as error:
        _fail(str(error), 2)
    except errors.SandboxError as error:
        _fail(f"the sandbox broke down: {error}. Repeat the command to go on", 4)
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
        sys.exit(0)
    sys.exit(0)


def _fail(message: str, code: int) -> NoReturn:
    print(f"harness: {message}", file=sys.stderr)
    sys.exit(code)


if TYPE_CHECKING:
    from harness.records import EvalRun as _EvalRun
    from harness.screen import Screen as _Screen
