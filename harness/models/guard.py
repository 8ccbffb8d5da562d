"""Runs a command, and ends all that it started when the harness goes, however it goes.

    python guard.py COMMAND…        (the harness holds the other end of standard input)

Standard input is a pipe that nobody writes to: it ends when the harness closes it or dies, kill -9
included. Then the command and all its descendants are ended: asked first, killed after a moment.
So they are when the command ends by itself, or when the guard is told to by SIGTERM.

Run as a file of its own, on the standard library alone. On Linux descendants are found even when
their parents are gone (the guard adopts them); elsewhere the process group has to do.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_GRACE_S = 3.0
_LOOK_S = 0.2


def main(command: list[str]) -> int:
    """The exit code of the command; 143 where it was ended."""
    on_linux = sys.platform == "linux"
    if on_linux:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, _leave)
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=_die_with_the_guard if on_linux else None,  # noqa: PLW1509 — no threads here
    )
    try:
        while child.poll() is None:
            readable, _, _ = select.select([0], [], [], _LOOK_S)
            if readable and not os.read(0, 4096):
                return 143
        return child.returncode
    finally:
        end(child)


def _leave(number: int, frame: object) -> None:
    sys.exit(128 + number)


def _die_with_the_guard() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def end(child: "subprocess.Popen[bytes]") -> None:
    """Ends the child's group and all descendants of ours."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _signal(child, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_S
    while time.monotonic() < deadline:
        _reap(child)
        if not _descendants() and child.returncode is not None:
            return
        time.sleep(0.05)
    for _ in range(100):  # what is killed may have started another in the meantime
        _signal(child, signal.SIGKILL)
        _reap(child)
        if not _descendants() and child.returncode is not None:
            return
        time.sleep(0.05)


def _signal(child: "subprocess.Popen[bytes]", number: int) -> None:
    if child.returncode is None:
        with contextlib.suppress(OSError):
            os.killpg(child.pid, number)
    for pid in _descendants():
        with contextlib.suppress(OSError):
            os.kill(pid, number)


def _reap(child: "subprocess.Popen[bytes]") -> None:
    child.poll()
    with contextlib.suppress(ChildProcessError):
        while child.returncode is not None and os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _descendants() -> set[int]:
    """Living processes below this one, from /proc; empty where there is none."""
    found: set[int] = set()
    to_do = [os.getpid()]
    while to_do:
        pid = to_do.pop()
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                children = {int(word) for word in (task / "children").read_text().split()}
                to_do += children - found
                found |= children
    return {pid for pid in found if not _is_dead(pid)}


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
