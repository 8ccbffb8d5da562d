"""The contract of every sandbox, the fake included: jobs in, exactly one execution each out.

What only a real process can do (end by a signal, run out of time) is asked of the real ones.
"""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from sandboxes.agent import codec
from sandboxes.process import ProcessSandbox
from sandboxes.protocol import End, Execution, Job, Reply, Returned, SandboxUnavailable, Workers
from tests.sandboxes.jobs import job, marked, no_process_left, run, sandbox_named, values, witness

NAMES = marked("fake", "plain", "namespaces", "container")
REAL = marked("plain", "namespaces", "container")


@pytest.fixture(scope="module", params=NAMES)
def workers(request: pytest.FixtureRequest) -> Iterator[Workers]:
    with sandbox_named(request.param).open("python", 2) as opened:
        yield opened


@pytest.fixture(scope="module", params=REAL)
def real(request: pytest.FixtureRequest) -> Iterator[Workers]:
    """The sandboxes that run programs in processes of their own."""
    with sandbox_named(request.param).open("python", 2) as opened:
        yield opened


def test_every_job_gives_one_execution(workers: Workers):
    programs = [
        "def f(x): return x",
        "def f(x): raise ValueError(x)",
        "def f(x:",
        "def g(x): return x",
        "raise SystemExit(0)",
    ]
    jobs = [job(programs[n % 5], inputs=[(n,)], id=str(n)) for n in range(100)]
    executions = {execution.job_id: execution for execution in workers.run(jobs)}
    assert len(executions) == 100
    for n in range(100):
        execution = executions[str(n)]
        expected = [
            (End.COMPLETED, [n]),
            (End.COMPLETED, [f"ValueError: {n}"]),
            (End.SYNTAX, []),
            (End.EXCEPTION, []),
            (End.EXCEPTION, []),
        ][n % 5]
        assert (execution.end, values(execution)) == expected
        assert execution.num_values == len(execution.values)
        assert execution.level == workers.level


def test_values_come_in_order(workers: Workers):
    execution = run(workers, "def f(x): return x * x", inputs=[(x,) for x in range(3000)])
    assert execution.end == End.COMPLETED
    assert [v.index for v in execution.values] == list(range(3000))
    assert values(execution) == [x * x for x in range(3000)]


def test_on_values_sees_each_value_once_and_nothing_is_kept(workers: Workers):
    seen: list[Returned] = []

    def see(job_id: str, chunk: Sequence[Returned]) -> Reply:
        assert job_id == "job" and chunk
        seen.extend(chunk)
        return Reply.GO_ON

    execution = run(workers, "def f(x): return x", see, inputs=[(x,) for x in range(500)])
    assert [codec.decode(v.frame) for v in seen] == list(range(500))
    assert (execution.values, execution.num_values) == ((), 500)


def test_a_large_value_is_a_digest_until_it_is_asked_for(workers: Workers):
    seen: list[Returned] = []

    def see(job_id: str, chunk: Sequence[Returned]) -> Reply:
        seen.extend(chunk)
        is_first = chunk[-1].index == 1 and chunk[-1].frame[:1] == b"D"
        return Reply.FULL if is_first else Reply.GO_ON

    code = "def f(n): return 'x' * n"
    execution = run(workers, code, see, inputs=[(10,), (100_000,), (200_000,), (3,)])
    assert execution.end == End.COMPLETED
    assert [v.index for v in seen] == [0, 1, 1, 2, 3]
    digest, whole = codec.decode(seen[1].frame), codec.decode(seen[2].frame)
    assert isinstance(digest, codec.Digest) and digest.size == len(seen[2].frame)
    assert whole == "x" * 100_000
    assert isinstance(codec.decode(seen[3].frame), codec.Digest)


def test_without_on_values_large_values_are_whole(workers: Workers):
    execution = run(workers, "def f(n): return 'x' * n", inputs=[(100_000,), (1,), (70_000,)])
    assert values(execution) == ["x" * 100_000, "x", "x" * 70_000]
    assert execution.num_values == 3


def test_enough_ends_the_job(workers: Workers):
    num_seen = 0

    def see(job_id: str, chunk: Sequence[Returned]) -> Reply:
        nonlocal num_seen
        num_seen = chunk[-1].index + 1
        return Reply.ENOUGH

    # The endless second call is not reached by the fake, and killed in the others.
    code = "def f(n):\n if n == 1:\n  while True: pass\n return 'x' * 100_000"
    execution = run(workers, code, see, inputs=[(0,), (1,), (2,)])
    assert (execution.end, num_seen) == (End.ENOUGH, 1)


def test_an_exception_ends_the_job_or_does_not(workers: Workers):
    code = "def f(x): return 1 // x"
    stopped = run(workers, code, inputs=[(1,), (0,), (1,)])
    assert [bool(v.exception) for v in stopped.values] == [False, True]
    whole = run(workers, code, inputs=[(1,), (0,), (1,)], stop_at_exception=False)
    assert [bool(v.exception) for v in whole.values] == [False, True, False]
    assert stopped.end == whole.end == End.COMPLETED
    assert whole.values[1].exception.startswith("ZeroDivisionError: ")


def test_an_empty_bundle_only_loads_the_program(workers: Workers):
    assert run(workers, "def f(): return 1", inputs=[]).end == End.COMPLETED
    assert run(workers, "def f(: return 1", inputs=[]).end == End.SYNTAX


def test_no_jobs_no_executions(workers: Workers):
    assert list(workers.run([])) == []


@pytest.mark.parametrize(
    ("code", "end"),
    [
        ("def f(): return '\ud800'  # not UTF-8", End.SYNTAX),
        ("def f(): return '\0'", End.SYNTAX),
        ("f = " + "(" * 5000 + ")" * 5000, End.SYNTAX),
        ("# " + "x" * 1_000_000 + "\ndef f(): return 'one megabyte'", End.COMPLETED),
        ("x = 1\n" * 50_000 + "def f(): return x", End.COMPLETED),
        ("f = 5", End.COMPLETED),  # and its one answer is a TypeError
        ("", End.EXCEPTION),
        ("raise ValueError('\\ud800')", End.EXCEPTION),
        ("import nothing_of_that_name", End.EXCEPTION),
    ],
    ids="surrogate nul nested megabyte lines uncallable empty surrogate-message import".split(),
)
def test_any_text_is_a_program(workers: Workers, code: str, end: End):
    execution = run(workers, code)
    assert execution.end == end
    execution.detail.encode()
    if code == "f = 5":
        assert execution.values[0].exception.startswith("TypeError: ")
    witness(workers)


def test_an_odd_entry_point_is_only_missing(workers: Workers):
    for name in ("", "no such name", "\ud800", "\0", "__builtins__"):
        assert run(workers, "def f(): return 1", entry_point=name).end in (
            End.EXCEPTION,
            End.COMPLETED,
        )


def test_jobs_are_drawn_as_there_is_room(workers: Workers):
    num_drawn = 0

    def endless() -> Iterator[Job]:
        nonlocal num_drawn
        for num_drawn in itertools.count(1):
            yield job("def f(): return 1", id=str(num_drawn))

    executions = workers.run(endless())
    ids = [execution.job_id for execution in itertools.islice(executions, 10)]
    executions.close()  # type: ignore[attr-defined]
    assert len(set(ids)) == 10
    assert num_drawn <= 10 + 4 * 2 + 2
    assert not [t for t in threading.enumerate() if t.name.startswith("sandbox-worker")]
    witness(workers)


def test_an_exception_in_on_values_is_the_callers(workers: Workers):
    def see(job_id: str, chunk: Sequence[Returned]) -> Reply:
        raise KeyError("a bug of the grader")

    with pytest.raises(KeyError, match="a bug of the grader"):
        run(workers, "def f(): return 1", see)
    witness(workers)


def test_an_exception_among_the_jobs_is_the_callers(workers: Workers):
    def jobs() -> Iterator[Job]:
        yield job("def f(): return 1")
        raise KeyError("a bug of the loader")

    with pytest.raises(KeyError, match="a bug of the loader"):
        list(workers.run(jobs()))
    witness(workers)


def test_two_runs_may_overlap(workers: Workers):
    jobs = [job("def f(x): return x", inputs=[(n,)], id=str(n)) for n in range(30)]
    one, other = workers.run(jobs), workers.run(jobs)
    pairs = list(zip(one, other, strict=True))
    assert (
        {a.job_id for a, _ in pairs} == {b.job_id for _, b in pairs} == {str(n) for n in range(30)}
    )
    assert all(e.end == End.COMPLETED for pair in pairs for e in pair)


# --- standard input and output --------------------------------------------------------------


def exchanges(workers: Workers, code: str, *texts: str, **settings: Any) -> Execution:
    fields: dict[str, Any] = {
        "kind": "stdio",
        "entry_point": "",
        "inputs": [(text,) for text in texts],
    }
    return run(workers, code, **(fields | settings))


def test_a_program_is_run_whole_once_an_input(workers: Workers):
    code = "a, b = map(int, input().split())\nif __name__ == '__main__':\n    print(a + b)"
    execution = exchanges(workers, code, "1 2\n", "3 4", "-1 1\n\n")
    assert (execution.end, execution.num_values) == (End.COMPLETED, 3)
    assert values(execution) == [(b"3\n", 0), (b"7\n", 0), (b"0\n", 0)]


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("import sys\nprint(sys.stdin.read(), end='')", (b"x y\nz", 0)),
        ("import sys\nsys.stdout.buffer.write(sys.stdin.buffer.readline())", (b"x y\n", 0)),
        ("import sys\nprint([line for line in sys.stdin])", (b"['x y\\n', 'z']\n", 0)),
        (
            "print(input(), input())\ntry: input()\nexcept EOFError: print('end')",
            (b"x y z\nend\n", 0),
        ),
        ("import sys\nprint(1)\nsys.exit()\nprint(2)", (b"1\n", 0)),
        ("print(1)\nraise SystemExit(3)", (b"1\n", 3)),
        ("import sys\nsys.exit('words')", (b"", 1)),
        ("x = 1\ndef f():\n    global x\n    x += 1\nf()\nprint(x)", (b"2\n", 0)),
        ("print('\u00e9\u4e16')", ("é世\n".encode(), 0)),
        ("", (b"", 0)),
    ],
)
def test_what_a_program_reads_and_writes(workers: Workers, code: str, answer: tuple[bytes, int]):
    execution = exchanges(workers, code, "x y\nz")
    assert (execution.end, values(execution)) == (End.COMPLETED, [answer])


def test_an_exception_of_a_whole_program(workers: Workers):
    code = "print(1 // int(input()))"
    stopped = exchanges(workers, code, "1", "0", "1")
    assert [bool(v.exception) for v in stopped.values] == [False, True]
    whole = exchanges(workers, code, "1", "0", "1", stop_at_exception=False)
    assert [bool(v.exception) for v in whole.values] == [False, True, False]
    assert whole.values[1].exception.startswith("ZeroDivisionError: ")
    assert exchanges(workers, "print(1", "1").end == End.SYNTAX


def test_a_large_output_is_a_digest_first(workers: Workers):
    seen: list[Returned] = []

    def see(job_id: str, chunk: Sequence[Returned]) -> Reply:
        seen.extend(chunk)
        return Reply.FULL if len(seen) == 1 else Reply.GO_ON

    inputs = [("100000",), ("3",)]
    run(workers, "print('x' * int(input()))", see, kind="stdio", inputs=inputs)
    assert [v.index for v in seen] == [0, 0, 1]
    assert isinstance(codec.decode(seen[0].frame), codec.Digest)
    assert codec.decode(seen[1].frame) == (b"x" * 100_000 + b"\n", 0)


# --- the real ones --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "end"),
    [
        ("import os; os._exit(0)", End.KILLED),
        ("import os\ndef f(): os._exit(0)", End.KILLED),
        ("import os\ndef f(): os.abort()", End.KILLED),
        ("import ctypes\ndef f(): ctypes.string_at(0)", End.KILLED),
        ("def f(): return [0] * (1 << 40)", End.OUT_OF_MEMORY),
        ("def f():\n x = []\n while True: x.append(bytes(1 << 20))", End.OUT_OF_MEMORY),
        ("x = [0] * (1 << 40)", End.OUT_OF_MEMORY),
        ("import sys\ndef f(): sys.exit(0)", End.COMPLETED),
    ],
)
def test_how_programs_end(real: Workers, code: str, end: End):
    assert run(real, code, memory_mb=256).end == end
    witness(real)


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("import os\nos.write(1, b'a')\nos._exit(5)", (b"a", 5)),
        (
            "import subprocess\nprint('a', flush=True)\nsubprocess.run(['/bin/echo', 'b'])\nprint('c')",
            (b"a\nb\nc\n", 0),
        ),
        ("print(open('/dev/stdin').read() + open(0).read())", (b"12\n12\n\n", 0)),
        ("import threading\nthreading.Thread(target=lambda: print(input())).start()", (b"12\n", 0)),
        (
            "import atexit, io, os, sys\nsys.stdout = io.StringIO()\nprint(input())\n"
            "atexit.register(lambda: os.write(1, sys.stdout.getvalue().encode()))",
            (b"12\n", 0),
        ),
        ("import sys\nsys.stdout.write('a')\nsys.stdout.close()", (b"a", 0)),
        ("print(1)\nexit()", (b"1\n", 0)),
        (
            "import dataclasses\n@dataclasses.dataclass\nclass A: x: int\nprint(A(1))",
            (b"A(x=1)\n", 0),
        ),
        (
            "import sys\nsys.setrecursionlimit(10**6)\n"
            "def f(n): return f(n - 1) + 1 if n else 0\nprint(f(50_000))",
            (b"50000\n", 0),
        ),
        ("import __main__, sys\nx = 5\nprint(__main__.x, sys.argv)", (b"5 ['candidate.py']\n", 0)),
    ],
    ids="write subprocess reopened thread atexit closed exit dataclass recursion main".split(),
)
def test_what_only_a_real_process_writes(real: Workers, code: str, answer: tuple[bytes, int]):
    execution = exchanges(real, code, "12\n")
    assert (execution.end, values(execution)) == (End.COMPLETED, [answer]), execution.stderr


def test_nothing_of_one_run_is_left_for_the_next(real: Workers):
    code = (
        "import os, random, sys, time\n"
        "print(os.listdir('.'), hasattr(sys, 'seen'), random.random(), input(), flush=True)\n"
        "sys.seen = True\nopen('mark', 'w').close()\nos.makedirs('a/b')\n"
        "if os.fork() == 0:\n    time.sleep(0.05)\n    os.write(1, b'late')\n    time.sleep(60)"
    )
    started = time.monotonic()
    execution = exchanges(real, code, "same", "same", "same")
    first, *others = values(execution)
    assert isinstance(first, tuple) and first[0].startswith(b"[] False 0.")
    assert others == [first, first]
    assert time.monotonic() - started < 10
    witness(real)


def test_limits_of_a_run(real: Workers):
    slow = "n = int(input())\nwhile n: pass\nprint(n)"
    by_input = exchanges(real, slow, "0", "1", input_wall_s=(0.3, 0.3))
    assert (by_input.end, values(by_input)) == (End.TIMEOUT, [(b"0\n", 0)])
    deaf = "import signal, time\nsignal.alarm(0)\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\n"
    by_sleep = exchanges(real, deaf + "time.sleep(60)", "", input_wall_s=(0.3,))
    assert by_sleep.end == End.TIMEOUT and by_sleep.wall_s < 5
    memory = exchanges(real, "x = [0] * (1 << 40)", "", memory_mb=256)
    assert memory.end == End.OUT_OF_MEMORY
    flood = exchanges(real, "while True: print('x' * 1000)", "")
    assert flood.values[0].exception.startswith("OutputLimit: 64 MB")
    killed = exchanges(real, "import os\nprint(1, flush=True)\nos.kill(os.getpid(), 11)", "")
    assert killed.values[0].exception == "ended by SIGSEGV"


def test_a_referee_that_is_stopped_costs_half_a_second(real: Workers):
    code = "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)\nprint(input())"
    execution = exchanges(real, code, "1", wall_s=60)
    assert (execution.end, execution.detail) == (End.FORBIDDEN, "it stopped its referee")
    assert execution.wall_s < 5
    witness(real)


def test_time_limits(real: Workers):
    endless = "def f(x):\n while x: pass\n return x"
    by_input = run(real, endless, inputs=[(0,), (1,)], input_wall_s=(0.2, 0.2))
    assert (by_input.end, values(by_input)) == (End.TIMEOUT, [0])
    assert by_input.cpu_s < 2
    by_wall = run(real, "import time\ndef f(): time.sleep(99)", wall_s=0.5)
    assert by_wall.end == End.TIMEOUT and by_wall.wall_s < 4
    by_cpu = run(real, "while True: pass", wall_s=20, cpu_s=0.5)
    assert by_cpu.end == End.TIMEOUT and by_cpu.cpu_s < 2


def test_what_an_execution_cost(real: Workers):
    code = (
        "import sys\ndef f():\n print('out'); print('err', file=sys.stderr)\n x = b'x' * (50 << 20)"
    )
    execution = run(real, code)
    assert (execution.stdout, execution.stderr) == ("out\n", "err\n")
    assert execution.peak_rss_mb > 40
    assert 0 < execution.cpu_s < execution.wall_s + 1


@pytest.mark.parametrize("name", REAL)
def test_nothing_runs_after_the_block(name: str):
    with no_process_left():
        with sandbox_named(name).open("python", 2) as workers:
            jobs = (job("def f(): return 1", id=str(n)) for n in itertools.count())
            executions = workers.run(jobs)
            next(executions)
        # Not closed, not exhausted, only forgotten: the block's end is the end all the same.
        assert not [
            thread
            for thread in threading.enumerate()
            if thread.name.startswith("sandbox-worker") and not thread.join(5) and thread.is_alive()
        ]
    del executions


def test_plain_runs_only_by_consent():
    with (
        pytest.raises(SandboxUnavailable, match="allow_plain=true"),
        ProcessSandbox("plain").open("python", 1),
    ):
        pass


def test_an_unknown_environment_is_refused():
    with (
        pytest.raises(SandboxUnavailable, match="cobol"),
        sandbox_named("namespaces").open("cobol", 1),
    ):
        pass


def test_ids_may_repeat(workers: Workers):
    jobs = [job("def f(): return 1", id="same") for _ in range(5)]
    assert Counter(e.job_id for e in workers.run(jobs)) == {"same": 5}
