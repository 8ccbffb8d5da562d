"""What the sandbox tests share: jobs in a line, values in clear, processes as the host sees them."""

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sandboxes.agent import codec
from sandboxes.fake import FakeSandbox
from sandboxes.process import ProcessSandbox, why_no_namespaces
from sandboxes.protocol import Bundle, End, Execution, Job, Limits, OnValues, Sandbox, Workers


def marked(*names: str) -> list[Any]:
    """Names of sandboxes as parameters of a test; those of containers are marked `docker`."""
    import pytest

    return [
        pytest.param(name, marks=pytest.mark.docker) if name == "container" else name
        for name in names
    ]


ONCE: tuple[tuple[object, ...], ...] = ((),)
"""One call without arguments."""


def sandbox_named(name: str) -> Sandbox:
    """`fake`, `plain`, `namespaces` or `container`; skips the test where it can't be had."""
    import pytest  # not at the top: this file is also used where there is no pytest

    from tests.engine import docker_sandbox, why_no_docker

    if name == "fake":
        return FakeSandbox()
    if name == "plain":
        return ProcessSandbox("plain", allow_plain=True)
    if name == "namespaces":
        if reason := why_no_namespaces():
            pytest.skip(f"no namespaces here: {reason}")
        return ProcessSandbox("namespaces")
    assert name == "container", name
    if reason := why_no_docker():
        pytest.skip(reason)
    return docker_sandbox()


def job(code: str, inputs: Iterable[tuple[object, ...]] = ONCE, **settings: Any) -> Job:
    """A job whose entry point is `f`. Settings: the fields of `Limits` and of `Job`."""
    limits: dict[str, Any] = {"wall_s": 10.0, "cpu_s": 10.0, "memory_mb": 512} | {
        name: settings.pop(name) for name in list(settings) if name in Limits.__dataclass_fields__
    }
    bundle = Bundle.of([codec.encode(arguments, inline_limit=None) for arguments in inputs])
    fields: dict[str, Any] = {"id": "job", "entry_point": "f"} | settings
    return Job(code=code, bundle=bundle, limits=Limits(**limits), **fields)


def run(
    workers: Workers, code: str, on_values: OnValues | None = None, **settings: Any
) -> Execution:
    (execution,) = workers.run([job(code, **settings)], on_values)
    return execution


def values(execution: Execution) -> list[object]:
    """What it returned, decoded; the text of an exception where it raised."""
    return [codec.decode(v.frame) if v.frame else v.exception for v in execution.values]


def answer(workers: Workers, code: str, **settings: Any) -> Any:
    """What a program that must end well returns."""
    execution = run(workers, code, **settings)
    assert execution.end == End.COMPLETED, (
        f"{execution.end}: {execution.detail}\n{execution.stderr}"
    )
    (value,) = values(execution)
    return value


def witness(workers: Workers) -> None:
    """An honest program right after an attack: right, and in normal time."""
    started = time.monotonic()
    assert answer(workers, "def f(x): return x + 1", inputs=[(41,)]) == 42
    assert time.monotonic() - started < 5


def descendants(root: int | None = None) -> list[int]:
    """All processes below one (this one), parents first."""
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat") as stat:
            state, parent = stat.read().rpartition(")")[2].split()[:2]
            if state != "Z":
                children.setdefault(int(parent), []).append(int(name))
    found = [os.getpid() if root is None else root]
    for pid in found:
        found += children.get(pid, [])
    return found[1:]


def below(pid: int, depth: int) -> int | None:
    """The first child of the first child … of a process, once it exists."""
    for _ in range(depth):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children") as children:
            names = children.read().split()
            if names:
                pid = int(names[0])
                continue
        return None
    return pid


def eventually(condition: Callable[[], Any], within_s: float = 5.0) -> Any:
    """The first true value of a condition; its last one when time is up."""
    deadline = time.monotonic() + within_s
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


@contextlib.contextmanager
def no_process_left() -> Iterator[None]:
    """Whatever the block starts is gone when it ends, or within five seconds.

    Another pool may be replacing a worker in the background: it is let finish first.
    """
    before = set(descendants())
    while (time.sleep(0.7), set(descendants()))[1] != before:
        before = set(descendants())
    yield
    assert eventually(lambda: not set(descendants()) - before)
