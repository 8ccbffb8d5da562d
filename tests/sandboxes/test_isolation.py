"""What a program can reach from inside a worker, and what it leaves: nothing.

One test a rule of the sandbox, each written so that it fails where the rule is broken. The
attacks are small and bounded; after each a witness, an honest program, runs on the same worker.
"""

import os
import platform
import secrets
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.benchmarks import DataFolders, load
from harness.grading import Judge, Submission, profile_named
from sandboxes.agent import seccomp
from sandboxes.protocol import End, Sandbox, Workers
from tests.sandboxes.jobs import answer, job, marked, run, sandbox_named, values, witness

IS_X86 = platform.machine() in ("x86_64", "AMD64")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: jobs with a user of their own")


@pytest.fixture(params=marked("namespaces", "container"))
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return sandbox_named(request.param)


@pytest.fixture
def worker(sandbox: Sandbox) -> Iterator[Workers]:
    """One worker, so that what one job does the next one feels."""
    with sandbox.open("python", 1) as opened:
        yield opened
        witness(opened)


@pytest.fixture
def in_namespaces() -> Iterator[Workers]:
    """For what only a root directory that was built by hand can promise."""
    with sandbox_named("namespaces").open("python", 1) as opened:
        yield opened
        witness(opened)


# --- 1: blind, also against residue ----------------------------------------------------------

SCAN = """
import ctypes, gc, re
def f():
    "All words like Q7M-<24 hex digits> in this process: the heap, freed blocks, and by gc."
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # dumpable again: or /proc/self/mem is not ours
    mine = "Q7M-" + "c" * 24
    pattern = re.compile(rb"Q7M-[0-9a-f]{24}")
    found, num_bytes = set(), 0
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps:
            span, mode, *_ = line.split()
            start, stop = (int(part, 16) for part in span.split("-"))
            if "r" not in mode or stop - start > 1 << 28 or "[v" in line:
                continue
            try:
                memory.seek(start)
                content = memory.read(stop - start)
            except OSError:
                content = b""
            num_bytes += len(content)
            found.update(pattern.findall(content))
    for thing in gc.get_objects():
        if type(thing) in (list, dict, tuple):
            found.update(pattern.findall(repr(thing)[:10000].encode("utf-8", "replace")))
    if num_bytes < 1 << 20 or mine.encode() not in found:
        raise ValueError(f"the scanner is blind itself: {num_bytes} bytes, {found}")
    found.discard(mine.encode())
    if found:
        raise ValueError("FOUND " + repr(found))
    return "nothing"
"""


def marker() -> str:
    """A word that the scanner recognises, and that is in no source."""
    return "Q7M-" + secrets.token_hex(12)


def test_an_earlier_program_and_its_output_are_nowhere_in_memory(worker: Workers):
    for _ in range(3):
        source, printed = marker(), marker()
        code = f"# {source}\nimport os\ndef f(n):\n print({printed!r}); return 'Q7M-' + os.urandom(12).hex() * n"
        execution = run(worker, code, inputs=[(1,), (10_000,)])
        assert execution.end == End.COMPLETED and printed in execution.stdout
    assert answer(worker, SCAN) == "nothing"


def test_the_scanner_finds_what_is_there(worker: Workers):
    inputs = [(marker(),)]
    code = SCAN.replace("def f():", "def f(x):")
    (text,) = values(run(worker, code, inputs=inputs))
    assert str(text).startswith("ValueError: FOUND") and inputs[0][0] in str(text)


def test_a_canonical_solution_is_nowhere_in_memory(sandbox: Sandbox, tmp_path: Path):
    problem = load("sanity", data=DataFolders.from_env()).problems[0]
    secret = marker()
    arguments = ", ".join(f"a{n}" for n in range(len(problem.suites[0].inputs[0])))
    solution = f"# {secret}\ndef {problem.entry_point}({arguments}): return {secret!r}"
    fields = {name: getattr(problem, name) for name in problem.__dataclass_fields__}
    fields |= {"solution": solution, "sha256": secrets.token_hex(32)}
    suite = problem.suites[0]
    fields["suites"] = (type(suite)(name=suite.name, inputs=suite.inputs[:1]),)
    problem = type(problem)(**fields)
    scan = SCAN.replace("def f():", f"def {problem.entry_point}({arguments}):")
    with Judge.open(sandbox, profile_named("strict"), cache=tmp_path, num_workers=1) as judge:
        judge.prepare([problem])
        scanned, honest = sorted(
            judge.grade([Submission(problem, scan, 0), Submission(problem, solution, 1)]),
            key=lambda verdict: verdict.index,
        )
    assert honest.passed and not scanned.passed
    failure = next(iter(scanned.suites.values())).failure
    assert failure is not None and failure.got == "'nothing'"


# --- 3: another user --------------------------------------------------------------------------

SPY = """
import ctypes, os
def f():
    "What of the other processes can be opened, traced or signalled."
    libc, reached = ctypes.CDLL(None, use_errno=True), []
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        if pid == int(os.readlink("/proc/self")):
            continue
        for name in ("mem", "environ", "maps", "oom_score_adj", "fd", "fdinfo", "root", "cwd", "exe"):
            path = f"/proc/{pid}/{name}"
            for way in (lambda: os.open(path, os.O_RDWR), lambda: open(path).read(),
                        lambda: os.listdir(path), lambda: os.readlink(path)):
                try:
                    way()
                    if name != "oom_score_adj":  # which everybody may read
                        reached.append(path)
                except OSError:
                    pass
        if pid == os.getpid():  # nested, our own number is another's in this /proc
            continue
        for number in (0, 2, 9, 19):
            try:
                os.kill(pid, number)
                reached.append((pid, number))
            except OSError:
                pass
        if libc.ptrace(16, pid, 0, 0) == 0:
            reached.append((pid, "ptrace"))
        for call in (lambda: os.sched_setaffinity(pid, {0}), lambda: os.setpriority(0, pid, 19),
                     lambda: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))):
            try:
                call()
                reached.append((pid, "slowed down"))
            except OSError:
                pass
    return reached, sorted(os.listdir("/proc/self/fd")), os.getuid()
"""


def test_the_worker_is_out_of_reach(worker: Workers):
    reached, descriptors, uid = answer(worker, SPY)
    assert reached == []
    # 0 to 2, the channel, and the listing itself.
    assert descriptors == ["0", "1", "2", "3", "4"]
    assert uid not in (0, os.getuid())


@as_root
def test_two_workers_have_two_users(sandbox: Sandbox):
    with sandbox.open("python", 2) as workers:
        code = "import os, time\ndef f(): time.sleep(0.2); return os.getuid()"
        executions = workers.run([job(code, id=str(n)) for n in range(4)])
        assert len({values(execution)[0] for execution in executions}) == 2


def test_no_privilege_is_left(worker: Workers):
    status = answer(
        worker,
        "def f():\n"
        " status = dict(line.split(':\\t') for line in open('/proc/self/status').read().splitlines())\n"
        " return status",
    )
    assert int(status["CapPrm"], 16) == int(status["CapEff"], 16) == 0
    assert int(status["CapInh"], 16) == int(status["CapAmb"], 16) == 0
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


def test_mounts_are_read_only(in_namespaces: Workers):
    flags = answer(
        in_namespaces,
        "import os\ndef f():\n"
        " mounts = [line.split()[4] for line in open('/proc/self/mountinfo')]\n"
        " return {path: os.statvfs(path).f_flag for path in mounts}",
    )
    writable = {path for path, flag in flags.items() if not flag & os.ST_RDONLY}
    devices = {"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"}
    assert writable == {"/tmp", "/dev/shm", "/proc"} | devices
    assert all(
        flags[path] & os.ST_NOSUID for path in flags if path in ("/", "/usr", "/tmp", "/dev/shm")
    )


def test_only_the_scratch_folders_take_files(worker: Workers):
    """Tried in every folder there is, POSIX queues among them."""
    code = """
import os
def f():
    taken = []
    for folder, inner, _ in os.walk("/"):
        if folder == "/proc":
            inner[:] = ["self"]
        try:
            os.close(os.open(os.path.join(folder, "harness-x"), os.O_CREAT | os.O_WRONLY))
            taken.append(folder)
        except OSError: pass
    return sorted(taken)
"""
    assert answer(worker, code, wall_s=60) == ["/dev/shm", "/tmp"]


SETUID = """
import os, subprocess
def f():
    ids = []
    for folder in ("/usr/bin", "/usr/sbin", "/bin", "/sbin"):
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            path = os.path.join(folder, name)
            if os.path.isfile(path) and os.stat(path).st_mode & 0o6000:
                child = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
                try:
                    status = open(f"/proc/{child.pid}/status").read()
                    ids += status.split("Uid:")[1].split()[:4]
                except OSError:
                    pass
                child.kill()
                child.wait()
    return os.getuid(), sorted(set(map(int, ids)))
"""


def test_setuid_programs_gain_nothing(worker: Workers):
    uid, ids = answer(worker, SETUID)
    assert ids in ([], [uid])


# --- 4: everything dies with the job ------------------------------------------------------------

WHO = "import os\ndef f(): return len([n for n in os.listdir('/proc') if n.isdigit()]), os.listdir('/tmp')"
DAEMONS = """
import os, time, threading
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            os.closerange(0, 64)
            end = time.time() + 60
            while time.time() < end:
                open(f"/tmp/alive-{os.getpid()}", "a").close()
        os._exit(0)
for _ in range(20):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
def f(): return 1
"""
FORK_BOMB = """
import os, signal, time
for number in range(1, 32):
    if number not in (9, 14, 17, 19):
        signal.signal(number, signal.SIG_IGN)
num = 0
for _ in range(300):
    try:
        if os.fork() == 0:
            end = time.time() + 60
            while time.time() < end:
                try:
                    os.fork()
                except OSError:
                    time.sleep(0.01)
            os._exit(0)
        num += 1
    except OSError:
        pass
def f(): return num
"""


def test_daemons_and_threads_die_with_their_job(worker: Workers):
    num_before, _ = answer(worker, WHO)
    assert answer(worker, DAEMONS) == 1
    assert answer(worker, WHO) == (num_before, [])


def test_daemons_that_leave_no_trace_die_too(worker: Workers):
    """Those above write files, and a worker that can't be wiped is replaced: so they die anyway."""
    code = """
import os, time
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 64)
            time.sleep(60)
        os._exit(0)
def f(): return 1
"""
    num_before, _ = answer(worker, WHO)
    assert answer(worker, code) == 1
    assert answer(worker, WHO) == (num_before, [])


def test_a_fork_bomb_dies_with_its_job(worker: Workers):
    num_before, _ = answer(worker, WHO)
    execution = run(worker, FORK_BOMB, processes=32, wall_s=20, cpu_s=20)
    assert execution.end == End.COMPLETED
    (num_children,) = values(execution)
    assert isinstance(num_children, int) and num_children <= 32
    assert execution.wall_s < 15
    assert answer(worker, WHO)[0] == num_before


def test_a_child_of_the_zygote_can_not_be_made(worker: Workers):
    """CLONE_PARENT: nobody but the zygote could reap it, and the sweep would wait in vain."""
    number = 56 if IS_X86 else 220
    code = f"import ctypes\ndef f(): return ctypes.CDLL(None).syscall({number}, 0x8011, 0, 0, 0, 0)"
    execution = run(worker, code)
    assert values(execution) == [-1]
    assert execution.wall_s < 5


# --- 5: nothing is left behind --------------------------------------------------------------------

LITTER = """
import os, mmap, subprocess, sys, time
def deep(folder, levels):
    os.chdir(folder)
    for _ in range(levels):
        os.mkdir("d"); os.chdir("d")
    os.chdir(folder)
def f(what):
    for folder in ("/tmp", "/dev/shm"):
        os.chdir(folder)
        if what == "deep":
            deep(folder, 5000 if folder == "/tmp" else 1500)
        elif what == "closed":
            for n in range(20):
                os.makedirs(f"a{n}/b/c"); open(f"a{n}/b/c/x", "w").close()
                for path in (f"a{n}/b/c/x", f"a{n}/b/c", f"a{n}/b", f"a{n}"):
                    os.chmod(path, 0)
        elif what == "many":
            for n in range(20000 if folder == "/tmp" else 2000):
                open(f"{n}", "w").close()
        elif what == "odd":
            os.mkfifo("fifo"); os.symlink("/usr", "link"); os.symlink("loop", "loop")
            os.symlink("/nowhere", "-rf"); open("file", "w").close(); os.link("file", "hard")
            open(b"\\xff\\n\\x1b[2J", "w").close(); os.mkdir(".swept-1-1"); open(".swept-1-1/x", "w").close()
            __import__("socket").socket(__import__("socket").AF_UNIX).bind("sock")
        elif what == "full":
            try:
                with open("big", "wb") as big:
                    while True: big.write(bytes(1 << 20))
            except OSError: pass
        elif what == "held":
            open("held", "w").write("secret")
            if os.fork() == 0:
                handle = open("held"); os.setsid(); time.sleep(60)
    return what
"""


@pytest.mark.parametrize("what", "deep closed many odd full held".split())
def test_no_file_is_left(worker: Workers, what: str):
    execution = run(worker, LITTER, inputs=[(what,)])
    assert values(execution) == [what]
    look = """
import os
def f():
    spaces = [os.statvfs(folder) for folder in ("/tmp", "/dev/shm")]
    used = [(s.f_blocks - s.f_bfree, s.f_files - s.f_ffree) for s in spaces]
    return [os.listdir(f) for f in ("/tmp", "/dev/shm")], used, os.getpid()
"""
    listed, used, pid = answer(worker, look)
    assert listed == [[], []]
    assert used == [(0, 1), (0, 1)]
    assert pid > 3 or os.geteuid() != 0, "a new worker: the old one was not swept clean"


def test_the_system_is_read_only(worker: Workers):
    code = f"""
import os, sys
def f():
    written = []
    for folder in {sorted({"/", "/usr", "/usr/lib", "/etc", "/proc", "/dev", "/opt", sys.base_prefix})!r}:
        try:
            open(os.path.join(folder, "x"), "w"); written.append(folder)
        except OSError: pass
    for path in (os.__file__, sys.executable, "/etc/passwd", "/etc/hosts", "/proc/sysrq-trigger",
                 "/proc/sys/kernel/hostname", "/proc/sys/kernel/core_pattern", "/proc/sys/vm/drop_caches",
                 "/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/ns_last_pid"):
        try:
            os.write(os.open(path, os.O_WRONLY), b"1"); written.append(path)
        except OSError: pass
    return written
"""
    assert answer(worker, code) == []


# --- 5, 11: system calls ---------------------------------------------------------------------------


def test_denied_system_calls(worker: Workers):
    """System V IPC, queues, keyrings, mounts, namespaces, ptrace, io_uring … and memory files."""
    column = 0 if IS_X86 else 1
    numbers = {name: row[column] for name, row in seccomp.DENIED_SYSCALLS.items()}
    code = f"""
import ctypes
def f():
    libc = ctypes.CDLL(None, use_errno=True)
    outcome = {{}}
    for name, number in {numbers!r}.items():
        ctypes.set_errno(0)
        outcome[name] = libc.syscall(number, 0, 0, 0, 0, 0), ctypes.get_errno()
    return outcome
"""
    outcome = answer(worker, code)
    assert outcome == dict.fromkeys(numbers, (-1, 1))
    assert {"shmget", "mq_open", "keyctl", "mount", "unshare", "ptrace", "memfd_create"} <= set(
        numbers
    )


def test_no_namespace_by_clone(worker: Workers):
    code = """
import ctypes, platform
def f():
    libc, number = ctypes.CDLL(None), 56 if platform.machine() == "x86_64" else 220
    flags = (0x10000000, 0x20000000, 0x20000, 0x40000000, 0x8000000, 0x4000000, 0x2000000)
    return [libc.syscall(number, flag | 17, 0, 0, 0, 0) for flag in flags] + [libc.syscall(435, 0, 0)]
"""
    assert answer(worker, code) == [-1] * 8


# --- 6: memory ---------------------------------------------------------------------------------------

SWARM = """
import os, time
for _ in range(20):
    if os.fork() == 0:
        held = b"x" * (100 << 20)
        time.sleep(60)
time.sleep(60)
"""
SHARED = "import mmap\ndef f():\n m = mmap.mmap(-1, 3 << 30)\n for i in range(0, 3 << 30, 4096): m[i] = 1"
HIDDEN_SWARM = """
import ctypes, mmap, os, time
for _ in range(16):
    if os.fork() == 0:
        shared = mmap.mmap(-1, 150 << 20)
        for i in range(0, 150 << 20, 1 << 20):
            shared[i : i + (1 << 20)] = b"x" * (1 << 20)
        shared.madvise(mmap.MADV_DONTNEED)  # held, and not resident
        time.sleep(60)
time.sleep(60)
"""


@pytest.mark.parametrize("code", [SWARM, HIDDEN_SWARM], ids=["swarm", "hidden"])
def test_many_processes_share_one_memory_limit(worker: Workers, code: str):
    execution = run(worker, code, memory_mb=256)
    assert execution.end == End.OUT_OF_MEMORY
    assert execution.wall_s < 8


def test_shared_memory_is_limited_too(worker: Workers):
    execution = run(worker, SHARED, memory_mb=256)
    assert execution.peak_rss_mb < 900
    assert "Cannot allocate" in execution.values[0].exception


def test_a_job_is_the_first_to_be_killed(worker: Workers):
    assert answer(worker, "def f(): return open('/proc/self/oom_score_adj').read()") == "1000\n"


# --- 7: no secrets --------------------------------------------------------------------------------------


def test_nothing_of_the_host_is_visible(monkeypatch: pytest.MonkeyPatch):
    secret = marker()
    monkeypatch.setenv("HARNESS_MARKER", secret)
    project = str(Path(__file__).resolve().parents[2])
    places = [
        "/home",
        "/srv",
        "/var",
        "/run",
        "/etc/shadow",
        "/etc/ssl",
        "/sys",
        "/boot",
    ]
    places += [
        project,
        str(Path.home() / ".ssh"),
        str(Path.home() / ".bashrc"),
        str(Path.home() / ".cache"),
    ]
    code = f"""
import importlib.util, os, sys
def f():
    seen = [path for path in {places!r} if os.path.exists(path)]
    seen += [name for name in ("evalplus", "harness", "sandboxes.worker", "pytest", "pydantic")
             if importlib.util.find_spec(name.partition(".")[0])
             and (name.partition(".")[0] not in sys.modules or importlib.util.find_spec(name))]
    packages = [name for path in sys.path if "-packages" in path and os.path.isdir(path)
                for name in os.listdir(path)]
    return seen, packages, dict(os.environ), sys.argv, os.getcwd()
"""
    with sandbox_named("namespaces").open("python", 1) as workers:
        seen, packages, environment, argv, folder = answer(workers, code)
    assert (seen, packages) == ([], [])
    assert secret not in repr(environment)
    assert {"HOME", "TMPDIR", "PYTHONHASHSEED", "TZ"} <= set(environment)
    assert (argv, folder) == (["-c"], "/tmp")


def test_solutions_inside_the_interpreters_folder_are_covered(in_namespaces: Workers):
    code = """
import glob, sys
def f():
    roots = {sys.base_prefix + "/lib", "/usr/lib", "/usr/local/lib"}
    return [path for root in roots for path in glob.glob(root + "/python3*/*-packages/*")]
"""
    assert answer(in_namespaces, code) == []


# --- 8: determinism -----------------------------------------------------------------------------------------


def test_chance_is_the_same_everywhere(sandbox: Sandbox):
    code = """
import random, time
try:
    import numpy
    drawn = numpy.random.random(3).tolist()
except ImportError:
    drawn = None
def f():
    time.sleep(0.05)
    return hash("x"), list({"a", "b", "c", "d"}), random.random(), drawn, time.tzname
"""
    answers: list[object] = []
    for _ in range(2):
        with sandbox.open("python", 2) as workers:
            for execution in workers.run([job(code, id=str(n), seed=7) for n in range(8)]):
                answers += values(execution)
            (other,) = values(run(workers, code, seed=8))
    assert len(answers) == 16 and all(one == answers[0] for one in answers)
    assert other != answers[0]


# --- 9: output limits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", ["x" * 99 + "\n", "x" * 100, "\0\ud800 ÿ" * 25], ids="lines one-line garbage".split()
)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_fifty_megabytes_of_output(worker: Workers, line: str, stream: str):
    code = f"""
import sys
def f():
    out = sys.{stream}.buffer
    piece = {line!r}.encode("utf-8", "replace") * 10_000
    for _ in range(50_000_000 // len(piece)):
        out.write(piece)
    return 1
"""
    execution = run(worker, code, wall_s=30)
    assert values(execution) == [1]
    text = getattr(execution, stream)
    assert 60_000 < len(text.encode()) < 140_000 and "bytes …" in text
    assert execution.wall_s < 20


# --- network ------------------------------------------------------------------------------------------------------


def test_no_way_out(worker: Workers):
    name = "\0harness-" + secrets.token_hex(8)
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as abstract:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        abstract.bind(name)
        abstract.listen()
        code = f"""
import socket
def f():
    reached = []
    for family, address in ((socket.AF_INET, ("127.0.0.1", {tcp.getsockname()[1]})),
                            (socket.AF_INET, ("1.1.1.1", 53)), (socket.AF_INET, ("169.254.169.254", 80)),
                            (socket.AF_INET6, ("2606:4700::1111", 53)), (socket.AF_UNIX, {name!r}),
                            (socket.AF_UNIX, "/var/run/docker.sock")):
        with socket.socket(family) as way:
            way.settimeout(1)
            try:
                way.connect(address); reached.append(address)
            except OSError: pass
    for family, kind in ((socket.AF_INET, socket.SOCK_RAW), (17, socket.SOCK_RAW), (40, socket.SOCK_STREAM)):
        try:
            socket.socket(family, kind); reached.append(family)
        except OSError: pass
    try:
        reached.append(socket.getaddrinfo("example.org", 80))
    except OSError: pass
    return reached, [name for _, name in socket.if_nameindex()]
"""
        assert answer(worker, code) == ([], ["lo"])
