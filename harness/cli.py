"""The verbs: parse, call, print. No logic lives here, and heavy imports are inside the verbs.

Exit codes: 0 measured · 1 a gate that was asked for failed · 2 usage or configuration ·
3 not comparable · 4 incomplete, what was done is kept · 130 interrupted, the same command resumes.
Results go to standard output, talk to standard error.
"""

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from typer.exceptions import TyperException

import harness

if TYPE_CHECKING:
    from harness.config import Settings
    from harness.records import EvalRun
    from harness.screen import Screen

_COMPLETE = "_HARNESS_COMPLETE"
"""The variable by which a shell asks for completions."""
_SHELLS = ("bash", "zsh", "fish")

app = typer.Typer(
    name="harness",
    help="Measure a code model honestly.\n\n"
    "\b\n"
    "harness eval samples.jsonl     grade samples of HumanEval+ or MBPP+\n"
    "harness show last --failed     what it got wrong, and on which input",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(
    help="Benchmark files: where they are, and how to get them.\n\n"
    "\b\n"
    "harness data ls                which are here, and whether they are the publishers'\n"
    "harness data pull humaneval+   fetch what is not",
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

    def screen(self, settings: "Settings") -> "Screen":
        """The screen, which proposes commands for this home."""
        from harness.screen import Screen

        home = self.overrides["home"]
        command = ["harness"] if home is None else ["harness", "--home", str(home)]
        return Screen(settings.display, shlex.join(command))


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
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="A line for every verdict.")
    ] = False,
    no_color: Annotated[
        bool, typer.Option("--no-color", help="As NO_COLOR in the environment.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print it and exit."
        ),
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


# --- what the shell proposes: nothing rather than an error ----------------------------------


def _known_runs() -> list[str]:
    from harness import config
    from harness.errors import UserError
    from harness.store import Store

    try:
        runs = Store(config.load().home).runs()
    except UserError:
        return []
    return ["last", *(run.id for run in reversed(runs))]


def _known_benchmarks() -> list[str]:
    from harness import benchmarks

    return sorted(benchmarks.BUILT_IN)


def _known_profiles() -> list[str]:
    from harness.grading import PROFILES

    return sorted(PROFILES)


def _known_statuses() -> list[str]:
    from harness.records import Status

    return list(Status)


_Json = Annotated[bool, typer.Option("--json", help="JSON, and nothing else, on standard output.")]
_Run = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run: last, its ID or a unique prefix.",
        autocompletion=_known_runs,
    ),
]
_Isolation = Annotated[
    str | None,
    typer.Option(
        help="auto, container, namespaces or plain.",
        autocompletion=lambda: ["auto", "container", "namespaces", "plain"],
    ),
]


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
            autocompletion=_known_benchmarks,
        ),
    ] = None,
    num_samples: Annotated[int | None, typer.Option("-n", help="Samples a problem.")] = None,
    limit: Annotated[int | None, typer.Option("-L", "--limit", help="First problems only.")] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="Grading profile; default: the benchmark's own.", autocompletion=_known_profiles
        ),
    ] = None,
    sandbox: _Isolation = None,
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
    as_json: _Json = False,
) -> None:
    """Grade samples in a sandbox, or have a checkpoint write them first. The same command resumes.

    \b
    harness eval samples.jsonl -b humaneval+
    harness eval Qwen/Qwen2.5-Coder-7B-Instruct -b humaneval+,mbpp+
    """
    from harness import benchmarks, evaluation
    from harness.models import checkpoints

    settings = _invocation.settings(
        eval__num_samples=num_samples,
        eval__limit=limit,
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
    screen = _invocation.screen(settings)
    names = benchmark.split(",") if benchmark else []
    for name in names[1:]:  # a typo in the last name must not show after an hour of the first
        benchmarks.load(name, data=benchmarks.DataFolders.from_settings(settings))
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
    _report(screen, runs, as_json, settings.eval.max_unscored)


@app.command()
def regrade(
    run: _Run,
    profile: Annotated[
        str | None,
        typer.Option(
            help="Grading profile; default: the one of the run.", autocompletion=_known_profiles
        ),
    ] = None,
    sandbox: _Isolation = None,
    as_json: _Json = False,
) -> None:
    """Grade the recorded samples of a run again; under another profile, beside the old run.

    \b
    harness regrade last
    harness regrade last --profile strict
    """
    from harness import evaluation

    settings = _invocation.settings(grading__profile=profile, sandbox__kind=sandbox)
    screen = _invocation.screen(settings)
    graded = screen.watch(lambda: evaluation.regrade(run, settings=settings, observer=screen))
    _report(screen, [graded], as_json, settings.eval.max_unscored)


@app.command()
def show(
    run: _Run,
    problem: Annotated[
        str | None, typer.Argument(metavar="PROBLEM", help="A problem: HumanEval/3, or Mbpp/2.")
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only what the model got wrong.")
    ] = False,
    status: Annotated[
        str | None,
        typer.Option(help="Only this status, as in timeout.", autocompletion=_known_statuses),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Look at a run, at its failures, or at one problem with its code and its first failed test.

    \b
    harness show last --failed
    harness show last HumanEval/3
    """
    from harness import queries
    from harness.errors import UnknownName
    from harness.records import Status
    from harness.store import Store

    settings = _invocation.settings()
    screen = _invocation.screen(settings)
    store = Store(settings.home)
    wanted = status.lower().replace("-", "_") if status else None
    if wanted is not None and wanted not in list(Status):
        raise UnknownName("status", wanted, list(Status))
    recorded = store.load(run)
    ids = {problem_id for problem_id, _ in recorded.samples}
    if problem and not any(f"/{known}".endswith(f"/{problem}") for known in ids):
        raise UnknownName("problem", problem, {known.partition("/")[2] for known in ids})
    if problem is None and not failed and wanted is None:
        _print_runs(screen, [recorded], as_json)
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
    as_json: _Json = False,
) -> None:
    """List runs (with rates and intervals), benchmarks or grading profiles.

    \b
    harness ls
    harness ls benchmarks
    """
    from harness import queries
    from harness.errors import UnknownName
    from harness.store import Store

    settings = _invocation.settings()
    screen = _invocation.screen(settings)
    if what == "runs":
        screen.run_rows(queries.runs_table(Store(settings.home)), as_json)
    elif what == "benchmarks":
        screen.names(_known_benchmarks(), as_json)
    elif what == "profiles":
        screen.names(_known_profiles(), as_json)
    else:
        raise UnknownName("list", what, ["runs", "benchmarks", "profiles"])


@data_app.command("ls")
def data_ls(as_json: _Json = False) -> None:
    """Which benchmark files are here, and whether their contents are the publishers'.

    \b
    harness data ls
    HARNESS_DATA=/some/folder harness data ls
    """
    from harness.benchmarks import data

    settings = _invocation.settings()
    states = data.ls(data.DataFolders.from_settings(settings))
    _invocation.screen(settings).files(states, as_json)


@data_app.command("pull")
def data_pull(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Benchmarks; default: all that have files.",
            autocompletion=_known_benchmarks,
        ),
    ] = None,
) -> None:
    """Fetch benchmark files from their publishers; what is here already is not fetched again.

    \b
    harness data pull
    harness data pull humaneval+ mbpp+
    """
    from harness.benchmarks import data

    settings = _invocation.settings()
    screen = _invocation.screen(settings)
    folders = data.DataFolders.from_settings(settings)
    pulled = screen.watch(lambda: data.pull(names or [], folders, progress=screen.downloading))
    screen.pulled(pulled)


@app.command()
def doctor(
    build_images: Annotated[
        bool, typer.Option("--build-images", help="Only build the containers' image, anew.")
    ] = False,
    clean: Annotated[
        bool, typer.Option("--clean", help="Only remove containers that dead harnesses left.")
    ] = False,
    determinism: Annotated[
        str | None,
        typer.Option(
            metavar="CHECKPOINT", help="How far greedy decoding of this model repeats itself."
        ),
    ] = None,
    benchmark: Annotated[
        str,
        typer.Option("-b", help="For --determinism.", autocompletion=_known_benchmarks),
    ] = "sanity",
    limit: Annotated[int | None, typer.Option("-L", "--limit", help="First problems only.")] = None,
    engine: Annotated[str | None, typer.Option(help="auto, vllm or local.")] = None,
    as_json: _Json = False,
) -> None:
    """Try what this machine can do: isolation, data, cache. Says what to do about the rest.

    \b
    harness doctor
    harness doctor --determinism MODEL
    """
    from harness import doctor as checks

    settings = _invocation.settings(eval__limit=limit, model__engine=engine)
    screen = _invocation.screen(settings)
    if determinism is not None:
        from harness.determinism import measure

        found = screen.watch(
            lambda: measure(determinism, benchmark, settings=settings, observer=screen)
        )
        screen.determinism(found, as_json)
        return
    if build_images or clean:
        findings = checks.clean() if clean else []
        if build_images:
            findings += screen.watch(lambda: checks.build_images(settings, screen.say))
    else:
        findings = screen.watch(lambda: checks.examine(settings, screen.say))
    screen.findings(findings, as_json)
    if any(not finding.ok and finding.needed for finding in findings):
        raise typer.Exit(2)


@app.command()
def completion(
    shell: Annotated[
        str,
        typer.Argument(
            metavar="SHELL", help="bash, zsh or fish.", autocompletion=lambda: list(_SHELLS)
        ),
    ],
) -> None:
    """Print a completion script, for the shell's start-up file.

    \b
    eval "$(harness completion bash)"
    harness completion fish > ~/.config/fish/completions/harness.fish
    """
    from typer._completion_shared import get_completion_script

    from harness.errors import UnknownName

    if shell not in _SHELLS:
        raise UnknownName("shell", shell, _SHELLS)
    print(get_completion_script(prog_name="harness", complete_var=_COMPLETE, shell=shell))


def _report(screen: "Screen", runs: "list[EvalRun]", as_json: bool, max_unscored: int) -> None:
    """The end of `eval` and `regrade`: the result on standard output, and the exit code."""
    _print_runs(screen, runs, as_json)
    num_unscored = sum(run.num_unscored for run in runs)
    if num_unscored > max_unscored:
        screen.say(
            f"incomplete: {num_unscored} recorded samples are unscored, which is our failure and "
            "not the model's. The same command, without a smaller --limit or -n, tries them again"
        )
        raise typer.Exit(4)


def _print_runs(screen: "Screen", runs: "list[EvalRun]", as_json: bool) -> None:
    from harness.summary import summary

    if as_json:
        screen.json({"runs": [summary(run).as_json() for run in runs]})
    else:
        screen.runs(runs)


def main() -> NoReturn:
    """The command `harness`."""
    if _COMPLETE in os.environ:  # else typer does it, at the price of two options of its own
        from typer._completion_classes import completion_init

        completion_init()
    from harness import errors

    try:
        code = app(prog_name="harness", standalone_mode=False) or 0
    except TyperException as error:
        _fail_usage(error)
    except (errors.StorageError, errors.ModelError) as error:
        _fail(str(error), 4)
    except (errors.UserError, errors.EnvironmentRefused, errors.SandboxUnavailable) as error:
        _fail(str(error), 2)
    except errors.SandboxError as error:
        _fail(f"the sandbox broke down: {error}. Repeat the command to go on", 4)
    if code == 130:  # what typer makes of KeyboardInterrupt
        again = shlex.join(["harness", *(word for word in sys.argv[1:] if word != "--fresh")])
        _fail(f"interrupted; what is recorded is kept. To go on: {again}", 130)
    sys.exit(code)


def _fail_usage(error: TyperException) -> NoReturn:
    """Says in one line what is wrong with the command that was typed."""
    said = error.format_message()
    context: typer.Context | None = getattr(error, "ctx", None)
    if context is None or said.startswith("Usage:"):  # no verb: the help itself
        print(said, file=sys.stderr)
        sys.exit(error.exit_code)
    option: str = getattr(error, "option_name", "")
    if option in (name for known in context.find_root().command.params for name in known.opts):
        said = f"{option} goes before the verb: harness {option} … {context.info_name} …"
    _fail(f"{said[:1].lower()}{said[1:]} (see {context.command_path} -h)", error.exit_code)


def _fail(message: str, code: int) -> NoReturn:
    print(f"harness: {message}", file=sys.stderr)
    sys.exit(code)
