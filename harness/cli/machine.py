"""The verbs about the machine: data, doctor and completion."""

from typing import Annotated

import typer

from harness.cli.app import Json, app, invocation, known_benchmarks

COMPLETE = "_HARNESS_COMPLETE"
"""The variable by which a shell asks for completions."""
_SHELLS = ("bash", "zsh", "fish")

data_app = typer.Typer(
    help="Benchmark files: where they are, and how to get them.\n\n"
    "\b\n"
    "harness data ls                which are here, and whether they are the publishers'\n"
    "harness data pull humaneval+   fetch what is not",
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.add_typer(data_app, name="data")


@data_app.command("ls")
def data_ls(as_json: Json = False) -> None:
    """Which benchmark files are here, and whether their contents are the publishers'.

    \b
    harness data ls
    HARNESS_DATA=/some/folder harness data ls
    """
    from harness.benchmarks import data

    settings = invocation.settings()
    states = data.ls(data.DataFolders.from_settings(settings))
    invocation.screen(settings).files(states, as_json)


@data_app.command("pull")
def data_pull(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Benchmarks; default: all that have files.",
            autocompletion=known_benchmarks,
        ),
    ] = None,
) -> None:
    """Fetch benchmark files from their publishers; what is here already is not fetched again.

    \b
    harness data pull
    harness data pull humaneval+ mbpp+
    """
    from harness.benchmarks import data

    settings = invocation.settings()
    screen = invocation.screen(settings)
    folders = data.DataFolders.from_settings(settings)
    pulled = screen.watch(lambda: data.pull(names or [], folders, progress=screen.downloading))
    screen.pulled(pulled)


@app.command()
def doctor(
    build_images: Annotated[
        bool, typer.Option("--build-images", help="Only build the containers' image, anew.")
    ] = False,
    build_env: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Only build an environment as a folder, for machines without containers: "
            "bigcodebench.",
        ),
    ] = None,
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
        typer.Option("-b", help="For --determinism.", autocompletion=known_benchmarks),
    ] = "sanity",
    limit: Annotated[int | None, typer.Option("-L", "--limit", help="First problems only.")] = None,
    engine: Annotated[str | None, typer.Option(help="auto, vllm or local.")] = None,
    as_json: Json = False,
) -> None:
    """Try what this machine can do: isolation, data, cache. Says what to do about the rest.

    \b
    harness doctor
    harness doctor --determinism MODEL
    """
    from harness import doctor as checks

    settings = invocation.settings(eval__limit=limit, model__engine=engine)
    screen = invocation.screen(settings)
    if determinism is not None:
        from harness.determinism import measure

        found = screen.watch(
            lambda: measure(determinism, benchmark, settings=settings, observer=screen)
        )
        screen.determinism(found, as_json)
        return
    if build_images or build_env is not None or clean:
        findings = checks.clean() if clean else []
        if build_env is not None:
            name = build_env
            findings += screen.watch(lambda: checks.build_environment(name, settings, screen.say))
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
    print(get_completion_script(prog_name="harness", complete_var=COMPLETE, shell=shell))
