"""Time limits hold whatever a program does, and count what it did, not how busy the machine was."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from sandboxes.process import ProcessSandbox, why_no_namespaces
from sandboxes.protocol import End, Workers
from tests.sandboxes.jobs import run, values, witness

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or why_no_namespaces() is not None,
    reason=f"no namespaces here: {why_no_namespaces()}",
)


@pytest.fixture(scope="module")
def worker() -> Iterator[Workers]:
    with ProcessSandbox("namespaces").open("python", 1) as opened:
        yield opened


ENDLESS = {
    "python": "while True: pass",
    "power": "9 ** (10 ** 9)",
    "text of an int": "import sys; sys.set_int_max_str_digits(0); str(1 << 20_000_000)",
    "regular expression": "import re; re.match('(a+)+$', 'a' * 50 + 'b')",
    "sleep": "import time; time.sleep(1000)",
    "deadlock": "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "swallowed": "\n while True:\n  try:\n   while True: pass\n  except BaseException: pass",
    "finally": "\n try:\n  while True: pass\n finally:\n  while True: pass",
    "alarm ignored": "import signal; signal.signal(14, signal.SIG_IGN)\n while True: pass",
    "alarm handled": "import signal; signal.signal(14, lambda *_: None)\n while True: pass",
    "alarm blocked": "import signal; signal.pthread_sigmask(0, range(1, 65))\n while True: pass",
    "timer off": "import signal; signal.setitimer(signal.ITIMER_REAL, 0)\n while True: pass",
    "stopped": "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    "descriptors closed": "import os; os.closerange(0, 512)\n while True:\n  try:\n"
    "   while True: pass\n  except OSError: pass",
    "clock lies": "import time; time.monotonic = time.time = time.perf_counter = lambda: 0.0\n"
    " while True: pass",
    "threads": "import threading, time\n"
    " [threading.Thread(target=time.sleep, args=(99,)).start() for _ in range(8)]",
}
"""Bodies of a function that never returns (or a program that never ends, the last)."""


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS.keys())
def test_no_program_outlives_its_limits(worker: Workers, body: str):
    started = time.monotonic()
    code = f"def f():\n {body.strip()}"
    execution = run(worker, code, wall_s=0.8, cpu_s=1.6, input_wall_s=(0.3,))
    ends = {
        ENDLESS["threads"]: End.COMPLETED,  # its answer was there: threads die with the process
        ENDLESS["descriptors closed"]: End.KILLED,  # by its timer, which can no longer say so
    }
    assert execution.end == ends.get(body, End.TIMEOUT)
    assert execution.cpu_s < 4
    assert time.monotonic() - started < 10
    witness(worker)


@pytest.mark.parametrize("where", ["load", "del", "encode"])
def test_time_counts_outside_of_calls_too(worker: Workers, where: str):
    code = {
        "load": "while True: pass\ndef f(): pass",
        "del": "class T:\n def __del__(self):\n  while True: pass\ndef f():\n T()",
        "encode": "class T:\n def __repr__(self):\n  while True: pass\ndef f(): return T()",
    }[where]
    execution = run(worker, code, wall_s=0.8, cpu_s=1.6, input_wall_s=(0.3,))
    assert execution.end == End.TIMEOUT
    witness(worker)


BURNERS = {
    # Whose processes nobody counts: the children of dead parents, and of parents who ignore them.
    "orphans": "if os.fork() == 0:\n  if os.fork():\n   os._exit(0)\n  end = time.time() + 30\n"
    "  while time.time() < end: pass\n  os._exit(0)",
    "children": "if os.fork() == 0:\n  end = time.time() + 30\n  while time.time() < end: pass\n"
    "  os._exit(0)",
    "mayflies": "if os.fork() == 0:\n  while os.fork(): os._exit(0)\n  end = time.time() + 0.05\n"
    "  while time.time() < end: pass\n  os._exit(0)",
}


@pytest.mark.parametrize("burner", BURNERS.values(), ids=BURNERS.keys())
def test_own_load_buys_no_time(worker: Workers, burner: str):
    """Waiting for a core that one's own children keep busy is no excuse."""
    code = f"""
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(20):
 {burner}
end = time.time() + 30
while time.time() < end: pass
def f(): return 1
"""
    execution = run(worker, code, wall_s=1.5, cpu_s=30)
    assert execution.end == End.TIMEOUT
    assert execution.wall_s < 5
    witness(worker)


def test_cpu_of_orphans_is_the_jobs(worker: Workers):
    code = f"import os, time\nfor _ in range(4):\n {BURNERS['orphans']}\ntime.sleep(60)"
    execution = run(worker, code, wall_s=20, cpu_s=1)
    assert execution.end == End.TIMEOUT
    assert execution.wall_s < 15 and 0.9 < execution.cpu_s < 4


@contextlib.contextmanager
def busy_machine(num_processes: int) -> Iterator[None]:
    burn = "import time\nend = time.time() + 30\nwhile time.time() < end: pass"
    # A session each: kernels that share cores out by session would give us one of our own.
    burners = [
        subprocess.Popen([sys.executable, "-c", burn], start_new_session=True)
        for _ in range(num_processes)
    ]
    try:
        yield
    finally:
        for burner in burners:
            burner.send_signal(signal.SIGKILL)
            burner.wait()


def test_a_busy_machine_times_nobody_out(worker: Workers):
    """A need of 0.5 s under limits of 0.9 s, on cores of which it gets a third."""
    code = """
import time
def f():
    end = time.process_time() + 0.5
    while time.process_time() < end: pass
    return 1
"""
    with busy_machine(3 * (os.cpu_count() or 1)):
        execution = run(worker, code, wall_s=0.9, cpu_s=2, input_wall_s=(0.9,))
    assert (execution.end, values(execution)) == (End.COMPLETED, [1])
    assert execution.wall_s > 0.5
