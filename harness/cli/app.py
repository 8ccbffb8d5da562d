"""The application: its global options, and what several verbs share.

Not here: the verbs (measure.py, look.py, machine.py).
"""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import harness

if TYPE_CHECKING:
    from harness.config import Settings
    from harness.records import EvalRun
    from harness.screen import Screen
    from leaderboards.comparison import Comparison

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


class Invocation:
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


invocation = Invocation()


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
    invocation.config_file = config
    invocation.sets = sets or []
    invocation.overrides = {
        "home": home,
        "display.verbosity": verbosity,
        "display.color": "never" if no_color else None,
    }


# --- what the shell proposes: nothing rather than an error ----------------------------------


def known_runs() -> list[str]:
    from harness import config
    from harness.errors import UserError
    from harness.store import Store

    try:
        runs = Store(config.load().home).runs()
    except UserError:
        return []
    return ["last", *(run.id for run in reversed(runs))]


def known_benchmarks() -> list[str]:
    from harness import benchmarks

    return sorted(benchmarks.BUILT_IN)


def known_profiles() -> list[str]:
    from harness.grading import PROFILES

    return sorted(PROFILES)


def known_types() -> list[str]:
    from harness.problem_types import TYPES

    return list(TYPES)


def known_statuses() -> list[str]:
    from harness.records import Status

    return list(Status)


Json = Annotated[bool, typer.Option("--json", help="JSON, and nothing else, on standard output.")]
Run = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run: last, its ID or a unique prefix.",
        autocompletion=known_runs,
    ),
]
Type = Annotated[
    str | None,
    typer.Option(
        "--type",
        help="Only problems of this type (harness ls types), or several with commas between.",
        autocompletion=known_types,
    ),
]
Isolation = Annotated[
    str | None,
    typer.Option(
        help="auto, container, namespaces or plain.",
        autocompletion=lambda: ["auto", "container", "namespaces", "plain"],
    ),
]


def print_runs(
    screen: "Screen",
    runs: "list[EvalRun]",
    as_json: bool,
    settings: "Settings",
    comparisons: "Sequence[Comparison]" = (),
) -> None:
    """Runs with their rates, over all and by problem type, and what each is against its baseline."""
    from harness import type_rates, types_screen
    from harness.benchmarks import DataFolders
    from harness.summary import summary

    data = DataFolders.from_settings(settings)
    by_type = {run.id: type_rates.by_type(run, type_rates.types_of(run, data=data)) for run in runs}
    if as_json:
        rows = [
            summary(run).as_json()
            | {"by_type": {row.type: row.as_json() for row in by_type[run.id]}}
            for run in runs
        ]
        screen.json({"runs": rows} | ({"comparisons": list(comparisons)} if comparisons else {}))
        return
    tables = {run_id: types_screen.rates(rows) for run_id, rows in by_type.items() if len(rows) > 1}
    screen.runs(runs, tables)
    if comparisons:
        from leaderboards import report

        for comparison in comparisons:
            screen.show("", *report.against_baseline(comparison))
