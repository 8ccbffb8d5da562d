"""Workers die, harnesses die: every job still has one right end, and nothing is left running."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

import sandboxes
from sandboxes.agent import codec, wire
from sandboxes.pool import WorkerPool
from sandboxes.process import ProcessSandbox, why_no_namespaces
from sandboxes.protocol import End, Execution, Reply, Returned, SandboxError
from sandboxes.worker import Connection, Death
from tests.sandboxes.jobs import (
    answer,
    below,
    descendants,
    eventually,
    job,
    no_process_left,
    run,
    values,
    witness,
)

ROOT = Path(__file__).resolve().parents[2]
needs_namespaces = pytest.mark.skipif(
    sys.platform != "linux" or why_no_namespaces() is not None,
    reason=f"no namespaces here: {why_no_namespaces()}",
)
SLOW = """
import time
def f(x):
    if x == 5: time.sleep(1)
    return x
"""


def supervisor_and_job(outer: int) -> tuple[int, int, int]:
    """Host pids of supervisor, zygote and job below the process that we started; waits for them."""
    pids = eventually(
        lambda: tuple(filter(None, (below(outer, depth) for depth in (1, 2, 3)))), 10
    ) or (0, 0, 0)
    while len(pids) < 3:
        pids = tuple(filter(None, (below(outer, depth) for depth in (1, 2, 3))))
        time.sleep(0.005)
    return pids[0], pids[1], pids[2]


# --- a worker dies -----------------------------------------------------------------------------------


@needs_namespaces
@pytest.mark.parametrize("victim", ["supervisor", "zygote"])
def test_a_job_whose_worker_was_killed_runs_again(victim: str):
    seen: list[Returned] = []

    def see(job_id: str, chunk: Sequence[Returned]) -> Reply:
        seen.extend(chunk)
        return Reply.GO_ON

    with no_process_left(), ProcessSandbox("namespaces").open("python", 1) as workers:
        witness(workers)
        (outer,) = eventually(lambda: [p for p in descendants() if below(p, 2)][:1])

        def kill_in_mid_job() -> None:
            supervisor, zygote, _ = supervisor_and_job(outer)
            time.sleep(0.3)
            os.kill(supervisor if victim == "supervisor" else zygote, signal.SIGKILL)

        killer = threading.Thread(target=kill_in_mid_job)
        killer.start()
        execution = run(workers, SLOW, see, inputs=[(x,) for x in range(10)])
        killer.join()
        assert execution.end == End.COMPLETED
        assert execution.wall_s < 10
        # Those of the first attempt are not shown twice.
        assert [codec.decode(v.frame) for v in seen] == list(range(10))
        witness(workers)


@needs_namespaces
def test_the_second_loss_is_final_and_the_next_job_runs():
    with no_process_left(), ProcessSandbox("namespaces").open("python", 1) as workers:
        stop = threading.Event()

        def kill_all() -> None:
            while not stop.wait(0.2):
                for pid in descendants():
                    with contextlib.suppress(OSError):
                        os.kill(pid, signal.SIGKILL)

        killer = threading.Thread(target=kill_all)
        code = "import time\ndef f(): time.sleep(30)"
        started = time.monotonic()
        killer.start()
        try:
            (execution,) = workers.run([job(code, wall_s=40)])
        except SandboxError as error:  # killed before it had said hello, three times over
            execution = Execution("job", End.LOST, detail=str(error))
        finally:
            stop.set()
            killer.join()
        assert execution.end == End.LOST
        assert "died" in execution.detail
        assert time.monotonic() - started < 20
        witness(workers)


class ScriptedSupervisor:
    """The other end of a worker's stream, as a thread: each start plays the next script."""

    def __init__(self, *scripts: Callable[[socket.socket], None]) -> None:
        self._scripts = iter(scripts)
        self.num_started = 0

    def start(self, slot: int) -> Connection:
        script = next(self._scripts, None)
        if script is None:
            raise SandboxError("no more workers")
        self.num_started += 1
        ours, theirs = socket.socketpair()

        def play() -> None:
            with theirs, contextlib.suppress(OSError):
                theirs.sendall(wire.pack(wire.HELLO, b'{"python": "3"}'))
                script(theirs)

        thread = threading.Thread(target=play)
        thread.start()

        def kill() -> None:
            with contextlib.suppress(OSError):
                ours.shutdown(socket.SHUT_RDWR)
            thread.join()

        return Connection(ours, kill, ours.close, lambda: Death("its last words"))

    def pool(self) -> WorkerPool:
        return WorkerPool(self.start, num_workers=1, level="scripted", environment="none")


def answering(*frames: bytes, clean: bool = True) -> Callable[[socket.socket], None]:
    """A supervisor whose jobs give these answers, for ever."""

    def script(stream: socket.socket) -> None:
        reader = wire.FrameReader(1 << 20)
        report = {
            "status": 0,
            "reason": "",
            "cpu_s": 0.0,
            "wall_s": 0.0,
            "waited_s": 0.0,
            "peak_rss_mb": 0.0,
            "stdout": "",
            "stderr": "",
            "clean": clean,
        }
        while piece := stream.recv(1 << 16):
            for kind, _ in reader.feed(piece):
                if kind == wire.JOB:
                    for frame in frames:
                        stream.sendall(wire.pack(wire.STREAM, frame))
                    stream.sendall(wire.pack(wire.DONE, json.dumps(report).encode()))

    return script


def value(index: int, frame: bytes) -> bytes:
    head = wire.VALUE.pack(index, wire.RETURNED, 0.0, len(frame))
    return wire.pack(wire.VALUES, head + frame)


COMPLETED = wire.pack(wire.END, b'{"end": "completed"}')


def dying_after(*frames: bytes) -> Callable[[socket.socket], None]:
    def script(stream: socket.socket) -> None:
        reader = wire.FrameReader(1 << 20)
        while wire.JOB not in (kind for kind, _ in reader.feed(stream.recv(1 << 16))):
            pass
        for frame in frames:
            stream.sendall(wire.pack(wire.STREAM, frame))

    return script


def test_half_an_answer_twice_is_not_a_whole_one():
    """A program that gets its worker killed half-way may not count its first half again."""
    one, two = value(0, codec.encode("a")), value(1, codec.encode("b"))
    supervisor = ScriptedSupervisor(dying_after(one), answering(one, two, COMPLETED))
    seen: list[object] = []

    def see(job_id: str, chunk: Sequence[Returned]) -> Reply:
        seen.extend(codec.decode(v.frame) for v in chunk)
        return Reply.GO_ON

    pool = supervisor.pool()
    execution = run(pool, "", see, inputs=[(), ()])
    pool.close()
    assert (execution.end, seen, supervisor.num_started) == (End.COMPLETED, ["a", "b"], 2)


def test_a_digest_that_was_asked_for_is_asked_for_again():
    whole = codec.encode("x" * 100_000, inline_limit=None)
    digest = codec.encode("x" * 100_000)
    supervisor = ScriptedSupervisor(
        dying_after(value(0, digest)), answering(value(0, digest), value(0, whole), COMPLETED)
    )
    seen: list[bytes] = []

    def see(job_id: str, chunk: Sequence[Returned]) -> Reply:
        seen.extend(v.frame[:1] for v in chunk)
        return Reply.FULL

    pool = supervisor.pool()
    # The script does not wait for the reply between the two, so they may come as one piece:
    # what counts is that the second attempt is shown the digest again.
    run(pool, "", see, inputs=[()])
    pool.close()
    assert seen[:2] == [b"D", b"D"]


def test_an_unclean_worker_is_replaced():
    scripts = [answering(COMPLETED, clean=False), answering(COMPLETED), answering(COMPLETED)]
    supervisor = ScriptedSupervisor(*scripts)
    pool = supervisor.pool()
    assert [run(pool, "", inputs=[]).end for _ in range(3)] == [End.COMPLETED] * 3
    pool.close()
    assert supervisor.num_started == 2


def test_a_worker_is_replaced_after_so_many_jobs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sandboxes.worker._MAX_JOBS", 3)
    supervisor = ScriptedSupervisor(*[answering(COMPLETED)] * 3)
    pool = supervisor.pool()
    assert len(list(pool.run(job("", inputs=[], id=str(n)) for n in range(7)))) == 7
    pool.close()
    assert supervisor.num_started == 3


def test_a_supervisor_that_speaks_nonsense_is_lost():
    def nonsense(stream: socket.socket) -> None:
        stream.recv(1 << 16)
        stream.sendall(b"\xff" * 100)

    supervisor = ScriptedSupervisor(nonsense, nonsense)
    pool = supervisor.pool()
    assert run(pool, "", inputs=[]).end == End.LOST
    pool.close()


def test_a_job_that_can_not_be_set_up_is_not_to_blame(tmp_path: Path):
    """Were it graded, every program would be wrong on a machine where this fails."""
    shutil.copytree(ROOT / "sandboxes", tmp_path / "sandboxes")
    zygote = tmp_path / "sandboxes/agent/zygote.py"
    text = zygote.read_text()
    assert "    _set_limits(job, held)\n" in text
    broken = text.replace("    _set_limits(job, held)\n", "    raise OSError('no luck')\n")
    zygote.write_text(broken)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from sandboxes.process import ProcessSandbox\n"
        "from sandboxes.protocol import Bundle, Job, Limits\n"
        "with ProcessSandbox('plain', allow_plain=True).open('python', 1) as workers:\n"
        "    (e,) = workers.run([Job('j', 'def f(): pass', 'f', Bundle.of([]), Limits(9, 9))])\n"
        "print(e.end, e.detail)"
    )
    command = [sys.executable, "-P", "-c", script, str(tmp_path)]
    finished = subprocess.run(command, capture_output=True, text=True, cwd="/")
    assert finished.stdout.startswith("lost"), finished.stderr
    assert "no luck" in finished.stdout


# --- the harness dies --------------------------------------------------------------------------------------

HARNESS = """
import sys, time
sys.path.insert(0, sys.argv[1])
from sandboxes.process import ProcessSandbox
from sandboxes.protocol import Bundle, Job, Limits
code = '''
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("daemon", "w").write("x")
        time.sleep(60)
    os._exit(0)
time.sleep(60)
'''
bundle, limits = Bundle.of([]), Limits(wall_s=60, cpu_s=60)
jobs = [Job(str(n), code, "f", bundle, limits) for n in range(20)]
with ProcessSandbox(sys.argv[2], allow_plain=True).open("python", 2) as workers:
    print("open", flush=True)
    for execution in workers.run(jobs):
        print(execution.end, execution.detail, flush=True)
"""


@pytest.mark.parametrize("level", ["namespaces", "plain"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_outlives_the_harness(level: str, number: signal.Signals, tmp_path: Path):
    if level == "namespaces" and why_no_namespaces():
        pytest.skip(f"no namespaces here: {why_no_namespaces()}")
    command = [sys.executable, "-P", "-c", HARNESS, str(ROOT), level]
    mounts = mounts_of_ours()
    harness = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert harness.stdout is not None
    assert harness.stdout.readline() == "open\n"
    # Two workers, each with supervisor, zygote, job and the job's daemon; and who started them.
    num_expected = 10 if level == "namespaces" else 8
    found = eventually(lambda: (p := descendants(harness.pid)) and len(p) >= num_expected and p, 20)
    time.sleep(0.2)
    harness.send_signal(number)
    harness.wait(timeout=10)
    assert harness.returncode != 0
    harness.stdout.close()
    assert found
    assert eventually(lambda: not [pid for pid in found if is_alive(pid)])
    assert mounts_of_ours() == mounts
    assert eventually(lambda: not list(tmp_path.iterdir()))


def mounts_of_ours() -> list[str]:
    """Without those of an engine, which come and go as others use it."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line for line in lines if "docker" not in line]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# --- as an ordinary user -------------------------------------------------------------------------------------

ORDINARY = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from jobs import answer, run, values, witness
from sandboxes.process import ProcessSandbox, why_no_namespaces
assert os.getuid() != 0
if why_no_namespaces():
    print(json.dumps({"reason": why_no_namespaces()}))
    raise SystemExit
spy, daemons = (open(path).read() for path in sys.argv[2:])
who = "import os\\ndef f(): return [n for n in os.listdir('/proc') if n.isdigit()], os.listdir('/tmp')"
with ProcessSandbox("namespaces").open("python", 1) as workers:
    witness(workers)
    said = {"before": answer(workers, who)}
    said["spy"] = answer(workers, spy)
    witness(workers)
    said["oom"] = answer(workers, "def f(): return open('/proc/self/oom_score_adj').read()")
    said["daemons"] = answer(workers, daemons)
    said["after"] = answer(workers, who)
    said["exit"] = run(workers, "import os; os._exit(0)").end
    said["abort"] = run(workers, "import os\\ndef f(): os.abort()").end
    said["endless"] = run(workers, "while True: pass", wall_s=0.5).end
    said["memory"] = run(workers, "def f():\\n x = []\\n while True: x.append(bytes(1 << 20))").end
    said["raised"] = values(run(workers, "def f(): raise ValueError(1)"))
    for mode in (0, 0o500, 0o1777):
        mark = f"os.setxattr('/tmp', 'user.x', b'1'); os.chmod('/tmp', {mode}); os.utime('/tmp', (1, 1))"
        run(workers, f"import os\\ndef f(): {mark}; os.chmod('/dev/shm', {mode})")
        witness(workers)
        seen = answer(workers, "import os\\ndef f():\\n open('/tmp/x', 'w'); open('/dev/shm/x', 'w'); return os.listxattr('/tmp')")
        assert seen == [], seen
    said["kill"] = answer(workers, "import os\\ndef f():\\n try: os.kill(-1, 9)\\n except OSError: pass")
    witness(workers)
    print(json.dumps(said))
"""


def python_of_everybody() -> str | None:
    """An interpreter that a user without rights can start, new enough to run the harness's side."""
    for path in (sys.executable, "/usr/bin/python3"):
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            check = (
                "import os, sys; base = os.path.realpath(sys._base_executable); "
                "sys.exit(sys.version_info < (3, 11) or not os.access(base, os.X_OK))"
            )
            subprocess.run([*AS_NOBODY, path, "-c", check], check=True, capture_output=True)
            return path
    return None


AS_NOBODY = (
    ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
)


def test_namespaces_of_an_ordinary_user():
    """One user is all there is, so each job is in a user and pid namespace of its own."""
    from tests.sandboxes.test_isolation import DAEMONS, SPY

    python = python_of_everybody() if sys.platform == "linux" else None
    if python is None:
        pytest.skip("no Python 3.11 that an ordinary user can run: nested namespaces untried")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        shutil.copytree(Path(sandboxes.__file__).parent, f"{folder}/sandboxes")
        shutil.copy(ROOT / "tests/sandboxes/jobs.py", folder)
        for name, text in (("spy", SPY), ("daemons", DAEMONS)):
            Path(folder, name).write_text(text)
        for path in Path(folder).rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        command = [*AS_NOBODY, python, "-P", "-c", ORDINARY, folder]
        command += [f"{folder}/spy", f"{folder}/daemons"]
        finished = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=120)
    assert finished.returncode == 0, finished.stderr
    said = json.loads(finished.stdout)
    if "reason" in said:
        pytest.skip(f"an ordinary user has no namespaces here: {said['reason']}")
    reached, descriptors, uid = said["spy"]
    assert (reached, uid != 0) == ([], True)
    assert descriptors == ["0", "1", "2", "3", "4"]
    assert said["oom"] == "1000\n"
    assert said["daemons"] == 1
    (before, _), (after, files) = said["before"], said["after"]
    assert (len(after), files) == (len(before), [])
    assert said["exit"] == said["abort"] == "killed"
    assert said["endless"] == "timeout"
    assert said["memory"] == "out_of_memory"
    assert said["raised"] == ["ValueError: 1"]


@needs_namespaces
def test_workers_start_again_after_close():
    with ProcessSandbox("namespaces").open("python", 2) as workers:
        witness(workers)
        workers.close()
        assert answer(workers, "def f(): return 1") == 1


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before = set(descendants())
    yield
    assert eventually(lambda: not set(descendants()) - before)


@needs_namespaces
def test_values_survive_a_busy_killer():
    """Jobs in a row while a worker dies now and then: each has its right values, once."""
    with ProcessSandbox("namespaces").open("python", 2) as workers:
        done = threading.Event()

        def kill_now_and_then() -> None:
            while not done.wait(0.7):
                for pid in descendants()[-1:]:
                    with contextlib.suppress(OSError):
                        os.kill(pid, signal.SIGKILL)

        killer = threading.Thread(target=kill_now_and_then)
        killer.start()
        code = "import time\ndef f(x): time.sleep(0.01); return x"
        jobs = [job(code, inputs=[(n,), (n + 1,)], id=str(n)) for n in range(120)]
        executions = {e.job_id: e for e in workers.run(jobs)}
        done.set()
        killer.join()
    assert len(executions) == 120
    for n in range(120):
        execution = executions[str(n)]
        if execution.end == End.COMPLETED:
            assert values(execution) == [n, n + 1]
        else:  # the killer hit the job itself, which is the job's own end
            assert execution.end in (End.KILLED, End.LOST)
