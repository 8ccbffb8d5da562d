"""Which sandbox the settings lead to on this machine, and what the user must know of it.

Not here: the sandboxes themselves (sandboxes/), or trying them out (doctor.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.config import Settings
from sandboxes.container import DockerSandbox
from sandboxes.process import ProcessSandbox, why_no_namespaces
from sandboxes.protocol import Sandbox, SandboxUnavailable


@dataclass(frozen=True, slots=True)
class Isolation:
    """The sandbox that the settings lead to on this machine."""

    sandbox: Sandbox
    is_plain: bool
    note: str
    """What the user must know of it; empty where it is the best there is."""


def containers(settings: Settings, say: Callable[[str], None]) -> DockerSandbox:
    """The Docker sandbox of the settings, whether there is an engine or not."""
    wanted = settings.sandbox
    return DockerSandbox(
        base=wanted.base_image,
        bases={"bigcodebench": wanted.bigcodebench_base_image},
        wheels=wanted.wheels,
        nltk_data=wanted.nltk_data,
        with_scikit_image=wanted.build_scikit_image,
        memory_mb=wanted.memory_mb,
        runtime=wanted.runtime,
        say=say,
    )


def environments_folder(settings: Settings) -> Path:
    """Where environments are built as folders, for the process sandbox."""
    return settings.cache / "environments"


def choose_sandbox(
    settings: Settings,
    sandbox: Sandbox | None = None,
    *,
    ours_only: bool = False,
    environment: str = "python",
    say: Callable[[str], None] = lambda text: None,
) -> Isolation:
    """The sandbox of the settings, or the given one, which its owner has judged.

    `ours_only`: every program is ours, so that plain isolation needs no consent. `environment` is
    the one that will be opened. `say` hears of what takes long, an image that is built. Opening the sandbox raises SandboxUnavailable where it
    can't be had; this does not.
    """
    if sandbox is not None:
        return Isolation(sandbox, is_plain=False, note="")
    wanted = settings.sandbox
    reason = ""
    if wanted.kind in ("auto", "container"):
        docker = containers(settings, say)
        if wanted.kind == "container":
            return Isolation(docker, is_plain=False, note="")
        try:
            docker.prepare(environment)
        except SandboxUnavailable as error:
            reason = str(error)
        else:
            return Isolation(docker, is_plain=False, note="sandbox: containers")
    is_plain = wanted.kind == "plain" or (wanted.kind == "auto" and why_no_namespaces() is not None)
    level = None if wanted.kind == "auto" else wanted.kind
    process = ProcessSandbox(
        level,
        allow_plain=wanted.allow_plain or ours_only,
        environments=environments_folder(settings),
    )
    note = f"sandbox: namespaces ({reason})" if reason else ""
    if is_plain:
        by_consent = "plain isolation, by your consent: a program that means harm can do it"
        note = by_consent if wanted.allow_plain else ""
    return Isolation(process, is_plain, note)
