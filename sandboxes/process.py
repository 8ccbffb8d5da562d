"""The process sandbox: Linux namespaces, no daemon, no image.

Levels, best first: `namespaces` (agent/namespaces.py: as root with a user for each worker's
jobs, else with nested user namespaces) and `plain` (rlimits, a session and a private directory
only: no protection against a program that means harm, so only by consent).

Workers of the environment `python` run on the base interpreter of this Python, with the standard
library and the numpy that is installed beside the harness; nothing else of site-packages is visible
in namespaces. Those of another one run on what was built for it (environments.py).
"""

import contextlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from sandboxes import environments
from sandboxes.agent.supervisor import num_oom_kills
from sandboxes.pool import WorkerPool
from sandboxes.protocol import Bundle, Job, Limits, Reply, SandboxUnavailable
from sandboxes.worker import Connection, Death, Lost, Worker, job_uid

Level = Literal["namespaces", "plain"]
_TMP_MB = 256
_ROOT = Path(__file__).resolve().parent.parent
WORKER_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/tmp",
    "TMPDIR": "/tmp",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
}
"""All that a worker's processes find in their environment."""


class ProcessSandbox:
    """Workers as processes of this machine. `level` None takes the best that works here."""

    def __init__(
        self,
        level: Level | None = None,
        *,
        allow_plain: bool = False,
        environments: Path | None = None,
    ) -> None:
        """`environments` is the folder in which others than `python` are built."""
        self._level: Level | None = level
        self._allow_plain = allow_plain
        self._environments = environments

    @contextmanager
    def open(self, environment: str, workers: int) -> Generator[WorkerPool]:
        """See `protocol.Sandbox`. `environment` is `python`, or one that is built."""
        base = self._base(environment)
        level = self._level or ("namespaces" if why_no_namespaces() is None else "plain")
        if level == "plain" and not self._allow_plain:
            raise SandboxUnavailable(
                "only plain isolation is possible here, and it does not hold a program that means "
                f"harm ({why_no_namespaces() or 'asked for'}). "
                "Consent with: --set sandbox.allow_plain=true"
            )
        if level == "namespaces" and (reason := why_no_namespaces()) is not None:
            raise SandboxUnavailable(f"namespaces can't be made here: {reason}")
        pool = WorkerPool(
            lambda slot: _start(level, slot, base),
            num_workers=workers,
            level=level,
            environment=base.digest,
        )
        try:
            yield pool
        finally:
            pool.close()

    def _base(self, environment: str) -> "_Base":
        if environment == "python":
            return _own_base()
        if self._environments is None:
            raise SandboxUnavailable(f"the process sandbox has no environment {environment!r}")
        return _base_of(environments.find(environment, self._environments))


class _Base(NamedTuple):
    """What workers run on."""

    digest: str
    """What verdicts depend on of it."""
    python: str
    prefix: str
    """The folder of the interpreter, visible under its own path."""
    shown: dict[str, Path]
    """Further folders, by the path under which they are seen in namespaces."""
    packages: Path | None
    """The folder to import from, as it lies on this machine."""
    variables: dict[str, str]
    """In namespaces, and on top of those that all workers have."""
    plain_variables: dict[str, str]


_PACKAGES = "/opt/packages"


def _own_base() -> _Base:
    folders = _packages()
    return _Base(
        digest=environment_digest(),
        python=_base_interpreter(),
        prefix=sys.base_prefix,
        shown={f"{_PACKAGES}/{path.name}": path for path in folders},
        packages=folders[0].parent if folders else None,
        variables={},
        plain_variables={},
    )


def _base_of(built: environments.FolderEnvironment) -> _Base:
    packages = built.path / "packages"
    inside = {name: f"/opt/{name}" for name in environments.SHARED}
    outside = {name: str(path) for name, path in built.shared.items()}
    return _Base(
        digest=built.digest,
        python=built.python,
        prefix=built.prefix,
        shown={_PACKAGES: packages} | {f"/opt/{name}": path for name, path in built.shared.items()},
        packages=packages,
        variables=environments.variables(_PACKAGES, inside, built.python),
        plain_variables=environments.variables(str(packages), outside, built.python),
    )


def environment_digest() -> str:
    """What the verdicts of this sandbox depend on: `python-3.11.7+numpy-2.4.6`."""
    version = platform.python_version()
    try:
        return f"python-{version}+numpy-{importlib.metadata.version('numpy')}"
    except importlib.metadata.PackageNotFoundError:
        return f"python-{version}"


_NO_OP = Job("probe", "def probe(): pass", "probe", Bundle.of([]), Limits(wall_s=10, cpu_s=10))
_probed: dict[str, str | None] = {}


def why_no_namespaces() -> str | None:
    """None where a worker in namespaces starts and runs a job, else the reason. Tried once."""
    if "reason" not in _probed:
        _probed["reason"] = _probe()
    return _probed["reason"]


def _probe() -> str | None:
    if sys.platform != "linux":
        return f"{sys.platform} has no Linux namespaces"
    try:
        connection = _start("namespaces", 0, _own_base())
    except OSError as error:
        return f"no worker can be started: {error}"
    try:
        worker = Worker(connection, "namespaces")
        worker.run(_NO_OP, lambda job_id, chunk: Reply.GO_ON)
    except Lost as error:
        return str(error)
    finally:
        connection.kill()
        connection.close()
    return None


def _start(level: Level, slot: int, base: _Base) -> Connection:
    """Start one supervisor in its own session, with nothing of our environment."""
    oom_kills_before = num_oom_kills()
    ours, theirs = socket.socketpair()
    complaints = tempfile.TemporaryFile()
    scratch = tempfile.mkdtemp(prefix="harness-plain-") if level == "plain" else None
    environment = WORKER_ENVIRONMENT | base.variables
    if scratch:
        own = {"HOME": scratch, "TMPDIR": scratch}
        environment = WORKER_ENVIRONMENT | base.plain_variables | own
    with theirs:
        process = subprocess.Popen(
            # Not -I: it would ignore PYTHONHASHSEED too. The environment is ours anyway.
            [base.python, "-s", "-S", "-c", *_arguments(level, slot, base)],
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=complaints,
            env=environment,
            cwd=scratch or "/",
            start_new_session=True,
        )

    def kill() -> None:
        with contextlib.suppress(OSError):
            ours.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=2)  # the end of its input ends a healthy supervisor
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)

    def close() -> None:
        ours.close()
        complaints.close()

    def autopsy() -> Death:
        complaints.seek(0)
        lines = complaints.read().decode("utf-8", "replace").strip().splitlines()
        return Death(lines[-1] if lines else "", num_oom_kills() > oom_kills_before)

    return Connection(ours, kill, close, autopsy)


def _arguments(level: Level, slot: int, base: _Base) -> list[str]:
    """Program text and arguments of a fresh interpreter that becomes a supervisor."""
    enter = (
        # Not -P: older interpreters lack it. The libraries' folder comes last, by the agent.
        "import sys; sys.path = [sys.argv[1], *[p for p in sys.path if p.startswith(sys.prefix)]]; "
        "import json; from sandboxes.agent import {module}; del sys.path[0]; {call}"
    )
    if level == "plain":
        settings = "supervisor.Settings('plain', 0, nested=False)"
        call = f"sys.path += json.loads(sys.argv[2]); supervisor.main({settings})"
        folders = [str(base.packages)] if base.packages else []
        return [enter.format(module="supervisor", call=call), str(_ROOT), json.dumps(folders)]
    root = {
        "python_prefix": base.prefix,
        "hidden": _hidden(base.prefix),
        "shown": {target: str(path) for target, path in base.shown.items()},
        "packages": _PACKAGES,
        "tmp_mb": _TMP_MB,
        "job_uid": _job_uid(slot),
    }
    call = f"namespaces.main(json.loads(sys.argv[2]), {os.geteuid() == 0})"
    return [enter.format(module="namespaces", call=call), str(_ROOT), json.dumps(root)]


def _base_interpreter() -> str:
    """The interpreter under a virtual environment: the venv's own folder stays outside."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def _hidden(prefix: str) -> list[str]:
    """What is to be covered where it lies inside the visible folders: installed packages, among
    which a benchmark may be, and this project with its solutions."""
    variables = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix}
    folders = {sysconfig.get_path(name, vars=variables) for name in ("purelib", "platlib")}
    for root in ("/usr/lib", "/usr/local/lib", f"{prefix}/lib"):
        for pattern in ("python3*/site-packages", "python3*/dist-packages"):
            folders |= {str(path) for path in Path(root).glob(pattern)}
    if not Path(prefix).is_relative_to(_ROOT):
        folders.add(str(_ROOT))
    return sorted(folders)


def _packages() -> list[Path]:
    """numpy's directories: the package and its shared libraries."""
    found = importlib.util.find_spec("numpy")
    if found is None or found.origin is None:
        return []
    package = Path(found.origin).parent
    libraries = package.parent / "numpy.libs"
    return [path for path in (package, libraries) if path.is_dir()]


def _job_uid(slot: int) -> int:
    if os.geteuid() != 0:
        return 65533  # inside a namespace of its own
    full_range = " 4294967295" in Path("/proc/self/uid_map").read_text()
    return job_uid(slot, full_range=full_range)
