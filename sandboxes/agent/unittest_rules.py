"""The surroundings that a published evaluator gives to a unittest file, rule by rule.

`bigcodebench` is BigCodeBench 0.2.5. Answers pass or fail there by what it does to the process, so
parity needs the same here; none of it is protection, which is the business of others:

    names       the module has `sys`, `os` and `environ` before the program runs, and says that it
                is the file `__test__.py`
    exit        `exit` and `quit` are there, and are None
    streams     output goes to a stream without a file number, which reading from raises OSError;
                processes that are started write into pipes
    commands    a command with `kill` in it does nothing and succeeds; the output of one with `ps`
                in it is empty (in a text that is any text with these letters, `https` among them)
    processes   `subprocess.Popen` is a function; what it starts has a session of its own, is never
                killed but asked to terminate, and runs on where `communicate` times out
    signals     none reaches a process that the program did not start. Those of `multiprocessing` get
                theirs here, where the evaluator withholds it, and hangs by chance (BigCodeBench/205)
    exec        does nothing
    folder      the working directory is a new and empty one

Part of unittest_child.py's process; nothing here is trusted, and a program may undo it.
"""

import contextlib
import io
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any

_os: Any = os
_subprocess: Any = subprocess


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def enter(rules: str, namespace: "dict[str, Any]") -> None:
    """Before the program is loaded into `namespace`."""
    if rules == "bigcodebench":
        _bigcodebench(namespace)


def _bigcodebench(namespace: "dict[str, Any]") -> None:
    import builtins

    names = {"__file__": "__test__.py", "__package__": None}
    namespace.update(names, sys=sys, os=os, environ=os.environ)
    _bind(builtins, exit=None, quit=None)
    os.chdir(tempfile.mkdtemp())
    _guard_signals_and_commands(_guard_processes())
    stream = _Deaf()
    sys.stdout = sys.stderr = sys.stdin = stream


def _bind(module: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(module, name, value)


class _Deaf(io.StringIO):
    """Takes what is written, and can't be read."""

    def read(self, *args: object) -> str:
        raise OSError

    def readline(self, *args: object) -> str:  # type: ignore[override]
        raise OSError

    def readlines(self, *args: object) -> "list[str]":
        raise OSError

    def readable(self) -> bool:
        return False


def _has_kill(command: Any) -> bool:
    """Of a text: these letters anywhere. Of a list: this word in it."""
    return "kill" in command or "killall" in command


def _guard_processes() -> "list[int]":
    """`Popen` and `run`; the processes that are started, as they come."""
    started: list[int] = []
    really_run, real_popen = _subprocess.run, _subprocess.Popen

    class Popen(real_popen):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            _say(f"Popen: {args}")
            kwargs["preexec_fn"] = os.setsid
            real_popen.__init__(self, *args, **kwargs)
            started.append(self.pid)

        def communicate(self, *args: Any, **kwargs: Any) -> Any:
            try:
                return real_popen.communicate(self, *args, **kwargs)
            except subprocess.TimeoutExpired:
                return None, None

        def kill(self) -> None:
            os.kill(self.pid, signal.SIGTERM)

        terminate = kill

    def with_pipes(kwargs: "dict[str, Any]") -> "dict[str, Any]":
        if kwargs.get("capture_output"):
            return {key: kwargs[key] for key in kwargs if key not in ("stdout", "stderr")}
        return {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | kwargs

    def popen(*args: Any, **kwargs: Any) -> Any:
        return Popen(*args, **with_pipes(kwargs))

    def run(*args: Any, **kwargs: Any) -> Any:
        _say(f"run: {args}")
        if _has_kill(args[0]):
            return subprocess.CompletedProcess(args, 0, b"", b"")
        return really_run(*args, **with_pipes(kwargs))

    _bind(subprocess, Popen=popen, run=run)
    return started


def _parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return int(stat.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def _guard_signals_and_commands(started: "list[int]") -> None:
    ourselves, our_group = os.getpid(), os.getpgid(0)
    really_kill, really_killpg = os.kill, os.killpg
    system, popen = _os.system, _os.popen
    call, check_output = _subprocess.call, _subprocess.check_output

    def kill(pid: int, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.getpgid(pid)
            if pid == ourselves or pid in started or _parent(pid) == ourselves:
                really_kill(pid, number)

    def killpg(group: int, number: int) -> None:
        if group == our_group or group in {os.getpgid(pid) for pid in started}:
            really_killpg(group, number)

    def unless_kill(function: "Callable[..., Any]") -> "Callable[..., Any]":
        def guarded(command: Any, *args: Any, **kwargs: Any) -> Any:
            _say(f"command: {command}")
            return 0 if _has_kill(command) else function(command, *args, **kwargs)

        return guarded

    def guarded_check_output(command: Any, *args: Any, **kwargs: Any) -> Any:
        _say(f"command: {command}")
        return b"" if "ps" in command else check_output(command, *args, **kwargs)

    def guarded_popen(command: Any) -> Any:
        _say(f"command: {command}")
        return popen("echo" if _has_kill(command) else command)

    def execute(*args: Any, **kwargs: Any) -> None:
        _say(f"exec: {args}")

    _bind(
        os,
        kill=kill,
        killpg=killpg,
        system=unless_kill(system),
        popen=guarded_popen,
        execv=execute,
        execvp=execute,
        execvpe=execute,
    )
    _bind(subprocess, call=unless_kill(call), check_output=guarded_check_output)
