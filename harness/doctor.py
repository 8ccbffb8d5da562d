"""Try what this machine can do, and say what to do about the rest.

Each check really does the thing: programs are run in the sandbox, a hang is stopped, an attempt
to reach the network or the host's files is watched failing, a file is written to the cache.
"""

import os
import platform
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.benchmarks import data
from harness.config import Settings
from harness.errors import SandboxError
from harness.evaluation import choose_sandbox
from sandboxes.agent import codec
from sandboxes.process import environment_digest, why_no_namespaces
from sandboxes.protocol import Bundle, End, Execution, Job, Limits


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried."""

    subject: str
    ok: bool
    text: str
    needed: bool = True
    """Without it nothing can be measured."""


def examine(settings: Settings) -> list[Finding]:
    """Try everything once. Takes a few seconds."""
    return [
        Finding("python", True, f"{environment_digest()} on {platform.platform()}"),
        *_isolation(settings),
        _writable("home", settings.home),
        _writable("cache", settings.cache),
        *_files(settings),
    ]


def _isolation(settings: Settings) -> Iterator[Finding]:
    reason = why_no_namespaces()
    yield Finding(
        "isolation",
        ok=reason is None,
        text="namespaces" if reason is None else f"no namespaces: {reason}. {_CONSENT}",
        needed=not settings.sandbox.allow_plain,
    )
    isolation = choose_sandbox(settings)
    if reason is not None and not settings.sandbox.allow_plain:
        return
    level = "plain" if isolation.is_plain else "namespaces"
    try:
        with isolation.sandbox.open("python", 1) as workers:
            ends = {execution.job_id: execution for execution in workers.run(_probes())}
    except SandboxError as error:
        yield Finding(level, ok=False, text=str(error))
        return
    for name, wanted, text in _EXPECTED:
        held = _answer(ends[name]) == wanted
        yield Finding(
            f"{level}: {name}", held, text if held else f"{text}: DID NOT HOLD", level != "plain"
        )


_CONSENT = "For programs that you trust: --set sandbox.allow_plain=true"
_PROBES = {
    "a right program": "def f(): return 6 * 7",
    "numpy": "import numpy\ndef f(): return int(numpy.arange(7).sum() * 2)",
    "a hang": "def f():\n    while True: pass",
    "memory": "def f(): return len(bytearray(1 << 40))",
    "network": (
        "import socket\n"
        "def f():\n"
        "    try: socket.create_connection(('192.0.2.1', 80), timeout=1)\n"
        "    except OSError: return 42\n"
    ),
    # This very file is on the host, and in no sandbox.
    "host files": f"import os\ndef f(): return 0 if os.path.exists({__file__!r}) else 42",
    "the supervisor": (
        "import os\n"
        "def f():\n"
        "    try: os.kill(1, 9); open('/proc/1/mem', 'rb')\n"
        "    except OSError: return 42\n"
    ),
}
_EXPECTED = (
    ("a right program", 42, "runs"),
    ("numpy", 42, "can be imported"),
    ("a hang", End.TIMEOUT, "is stopped"),
    ("memory", End.OUT_OF_MEMORY, "is limited"),
    ("network", 42, "can't be reached"),
    ("host files", 42, "can't be seen"),
    ("the supervisor", 42, "can't be touched"),
)


def _probes() -> Iterator[Job]:
    bundle = Bundle.of([codec.encode(())])
    for name, code in _PROBES.items():
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
