"""Try what this machine can do, and say what to do about the rest.

Each check really does the thing: in every layer that the machine has (containers, namespaces) a
dozen small attacks are run and watched failing, a file is written to the cache.
"""

import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.benchmarks import data
from harness.config import Settings
from harness.errors import SandboxError, SandboxUnavailable
from harness.isolation import containers, environments_folder
from sandboxes import engine, environment_build
from sandboxes.agent import codec
from sandboxes.process import ProcessSandbox, environment_digest, why_no_namespaces
from sandboxes.protocol import Bundle, End, Execution, Job, Limits, Sandbox


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried."""

    subject: str
    ok: bool
    text: str
    needed: bool = True
    """Without it nothing can be measured."""


def examine(settings: Settings, say: Callable[[str], None] = lambda text: None) -> list[Finding]:
    """Try everything once. Takes a few seconds, and a minute more where an image is built."""
    return [
        Finding("python", True, f"{environment_digest()} on {platform.platform()}"),
        *_isolation(settings, say),
        _writable("home", settings.home),
        _writable("cache", settings.cache),
        *_files(settings),
    ]


def build_images(settings: Settings, say: Callable[[str], None]) -> list[Finding]:
    """Build the images anew, so that the first evaluation need not.

    Raises:
        SandboxUnavailable: no engine answers, or the build fails.
    """
    prepared = containers(settings, say).prepare("python", anew=True)
    return [Finding("image", True, prepared.tag)]


def build_environment(name: str, settings: Settings, say: Callable[[str], None]) -> list[Finding]:
    """Build an environment as a folder, for the process sandbox.

    Raises:
        SandboxUnavailable: there is none of that name, or a step of the build fails.
    """
    wanted = settings.sandbox
    sources = environment_build.Sources(
        python=wanted.python,
        wheels=wanted.wheels,
        nltk_data=wanted.nltk_data,
        with_scikit_image=wanted.build_scikit_image,
    )
    path = environment_build.build(name, environments_folder(settings), sources, say)
    return [Finding("environment", True, str(path))]


def clean() -> list[Finding]:
    """Remove the containers that dead harnesses left.

    Raises:
        SandboxUnavailable: no engine answers.
    """
    num_removed = engine.remove_leftovers(engine.connect())
    return [Finding("containers", True, f"{num_removed} left over, removed")]


def _isolation(settings: Settings, say: Callable[[str], None]) -> Iterator[Finding]:
    """All layers are tried; one of them is needed, or consent to do without."""
    docker = containers(settings, say)
    no_containers = no_namespaces = None
    try:
        docker.prepare("python")
    except SandboxUnavailable as error:
        no_containers = str(error)
    no_namespaces = why_no_namespaces()
    neither = bool(no_containers and no_namespaces)
    yield Finding(
        "containers", no_containers is None, no_containers or "an engine answers", needed=False
    )
    yield Finding(
        "namespaces",
        no_namespaces is None,
        "can be made" if no_namespaces is None else f"{no_namespaces}{_CONSENT if neither else ''}",
        needed=neither and not settings.sandbox.allow_plain,
    )
    if no_containers is None:
        yield from _layer("container", docker)
    if no_namespaces is None:
        yield from _layer("namespaces", ProcessSandbox("namespaces"))
    if neither and settings.sandbox.allow_plain:
        yield from _layer("plain", ProcessSandbox("plain", allow_plain=True))


def _layer(level: str, sandbox: Sandbox) -> Iterator[Finding]:
    try:
        with sandbox.open("python", 1) as workers:
            ends = {execution.job_id: execution for execution in workers.run(_probes())}
    except SandboxError as error:
        yield Finding(level, ok=False, text=str(error))
        return
    for name, (wanted, text, _) in _PROBES.items():
        answer = _answer(ends[name])
        held = answer == wanted
        said = text if held else f"{text}: DID NOT HOLD ({answer})"
        yield Finding(f"{level}: {name}", held, said, needed=level != "plain")


_CONSENT = ". For programs that you trust: --set sandbox.allow_plain=true"

_PROBES: "dict[str, tuple[object, str, str]]" = {
    # what is tried: (what must come of it, in words, the program)
    "a right program": (42, "runs", "def f(): return 6 * 7"),
    "numpy": (
        42,
        "can be imported",
        "import numpy\ndef f(): return int(numpy.arange(7).sum() * 2)",
    ),
    "a hang": (End.TIMEOUT, "is stopped", "def f():\n    while True: pass"),
    "memory": (End.OUT_OF_MEMORY, "is limited", "def f(): return len(bytearray(1 << 40))"),
    "os._exit(0)": (End.KILLED, "is no answer", "import os\ndef f(): os._exit(0)"),
    "network": (
        42,
        "can't be reached",
        """
import socket
def f():
    try: socket.create_connection(('192.0.2.1', 80), timeout=1)
    except OSError: return 42
""",
    ),
    "host files": (
        42,
        "can't be seen",
        # This very file is on the host, and in no sandbox.
        f"import os\ndef f(): return 0 if os.path.exists({__file__!r}) else 42",
    ),
    "the supervisor": (
        42,
        "can't be touched",
        """
import os
def f():
    for reach in (lambda: os.kill(1, 9), lambda: open('/proc/1/mem', 'rb'), lambda: os.listdir('/proc/1/fd')):
        try: reach()
        except OSError: pass
        else: return 0
    return 42
""",
    ),
    "tracing": (
        42,
        "is denied",
        """
import ctypes
def f(): return 42 if ctypes.CDLL(None).ptrace(0, 0, 0, 0) == -1 else 0
""",
    ),
    "new namespaces": (
        42,
        "are denied",
        """
import ctypes
def f(): return 42 if ctypes.CDLL(None).unshare(0x10000000) == -1 else 0
""",
    ),
    "the system's files": (
        42,
        "are read-only",
        """
import os
def f():
    for path in (os.__file__, '/etc/passwd', '/usr/x', '/x'):
        try: open(path, 'a').close()
        except OSError: pass
        else: return 0
    return 42
""",
    ),
    "a fork bomb": (
        42,
        "is limited",
        """
import os, time
def f():
    for _ in range(1000):
        try:
            if os.fork() == 0: time.sleep(60); os._exit(0)
        except OSError: return 42
    return 0
""",
    ),
    "a daemon": (
        42,
        "is left behind",
        """
import os, time
def f():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0: time.sleep(60)
        os._exit(0)
    open('/tmp/left', 'w').write('x'); open('/dev/shm/left', 'w').write('x')
    return 42
""",
    ),
    "what the last two left": (
        42,
        "is gone",
        """
import os
def f():
    others = [n for n in os.listdir('/proc') if n.isdigit() and int(n) > 1]
    return 42 if len(others) <= 3 and not os.listdir('/tmp') + os.listdir('/dev/shm') else 0
""",
    ),
}


def _probes() -> Iterator[Job]:
    bundle = Bundle.of([codec.encode(())])
    for name, (_, _, code) in _PROBES.items():
        limits = Limits(wall_s=5.0, cpu_s=5.0, input_wall_s=(1.5,))
        yield Job(id=name, code=code, entry_point="f", bundle=bundle, limits=limits)


def _answer(execution: Execution) -> object:
    if execution.end == End.COMPLETED and execution.values and execution.values[0].frame:
        return codec.decode(execution.values[0].frame)
    return execution.end


def _writable(subject: str, folder: Path) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(b"x")
        free_gb = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize / 1e9
    except OSError as error:
        return Finding(subject, ok=False, text=f"{folder} can't be written: {error.strerror}")
    return Finding(subject, ok=True, text=f"{folder.resolve()}, {free_gb:.0f} GB free")


def _files(settings: Settings) -> Iterator[Finding]:
    for state in data.ls(data.DataFolders.from_settings(settings)):
        ok = state.state == "ok"
        text = str(state.path) if ok else f"{state.state}: harness data pull {state.name}"
        yield Finding(state.name, ok, text, needed=False)
