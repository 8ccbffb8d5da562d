"""What only containers have: an engine that may be shut, an image, a stream within a stream."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from sandboxes import container, image
from sandboxes import engine as engines
from sandboxes.container import AttachedStream, DockerSandbox
from sandboxes.protocol import SandboxUnavailable
from tests.engine import BASE_IMAGE, WHEELS, docker_sandbox, engine_environment, engine_in_sight
from tests.sandboxes.jobs import answer, eventually, witness

ROOT = Path(__file__).resolve().parents[2]
docker = pytest.mark.docker


# --- an engine that does not answer: one line, and what to do ------------------------------------


def test_no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    why = engines.why_no_engine()
    assert why == f"no Docker engine answers at {tmp_path}/docker.sock (No such file or directory)"
    with (
        pytest.raises(SandboxUnavailable, match="no Docker engine answers"),
        DockerSandbox().open("python", 1),
    ):
        pass


def test_a_socket_that_nobody_listens_to():
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as dead:
        dead.bind(f"{folder}/docker.sock")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", f"unix://{folder}/docker.sock")
            assert "Connection refused" in str(engines.why_no_engine())


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody without permission")
def test_no_permission():
    script = (
        "import os, socket, sys\n"
        "server = socket.socket(socket.AF_UNIX); server.bind(sys.argv[1] + '/docker.sock')\n"
        "server.listen(); os.chmod(sys.argv[1] + '/docker.sock', 0o600)\n"
        "from sandboxes.engine import why_no_engine\n"
        "os.environ['DOCKER_HOST'] = 'unix://' + sys.argv[1] + '/docker.sock'\n"
        "os.setuid(65534)\n"
        "print(why_no_engine())"
    )
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        done = subprocess.run(
            [sys.executable, "-c", script, folder], capture_output=True, text=True, cwd=ROOT
        )
    assert "add yourself to the group `docker`" in done.stdout, done.stderr


@docker
def test_a_base_that_is_not_to_be_had():
    with (
        engine_in_sight(),
        pytest.raises(SandboxUnavailable, match=r"sandbox\.base_image"),
        DockerSandbox(base="localhost:1/no/such:image").open("python", 1),
    ):
        pass


@docker
def test_an_image_that_is_not_there():
    with (
        engine_in_sight(),
        pytest.raises(SandboxUnavailable, match="docker pull no/such:image"),
        DockerSandbox().open("no/such:image", 1),
    ):
        pass


@docker
def test_a_runtime_that_is_not_there():
    sandbox = DockerSandbox(base=BASE_IMAGE, wheels=WHEELS, runtime="no-such-runtime")
    with (
        engine_in_sight(),
        pytest.raises(SandboxUnavailable, match="no-such-runtime"),
        sandbox.open("python", 1),
    ):
        pass


def test_an_unknown_environment():
    with pytest.raises(SandboxUnavailable, match=r"'cobol'; there are: .*python"):
        image.image_named("cobol")


# --- the image -------------------------------------------------------------------------------------


def test_a_tag_says_what_is_inside(tmp_path: Path):
    one, other = image.image_named("python"), image.image_named("python", base="python:3.12-slim")
    assert one.tag.startswith(f"harness-python:{one.recipe}-")
    assert one.tag == image.image_named("python", wheels=tmp_path).tag
    assert one.recipe != other.recipe
    assert one.tag.rpartition("-")[2] == other.tag.rpartition("-")[2]  # the same agent


@docker
def test_an_image_with_another_agent_is_refused(monkeypatch: pytest.MonkeyPatch):
    with docker_sandbox().open("python", 1) as workers:
        witness(workers)
    with engine_in_sight():
        prepared = DockerSandbox(base=BASE_IMAGE, wheels=WHEELS).prepare("python")
        prepared.engine.close()
        monkeypatch.setattr(container, "agent_digest", lambda folder: "of another agent")
        with (
            pytest.raises(SandboxUnavailable, match="doctor --build-images"),
            DockerSandbox().open(prepared.tag, 1),
        ):
            pass


@docker
def test_our_image_by_its_reference():
    with engine_in_sight():
        prepared = DockerSandbox(base=BASE_IMAGE, wheels=WHEELS).prepare("python")
        prepared.engine.close()
        with DockerSandbox().open(prepared.tag, 1) as workers:
            witness(workers)
            assert "+image-" in workers.environment


# --- a container -------------------------------------------------------------------------------------


@docker
def test_what_the_engine_was_asked_for():
    """Seen from the engine's side: all that the threat model says of a container."""
    with engine_in_sight():
        engine: Any = engines.connect()
    with contextlib.closing(engine), docker_sandbox().open("python", 1) as workers:
        witness(workers)
        mine = [
            row["Id"]
            for row in engine.containers(all=True, filters={"label": engines.LABEL})
            if f"/{os.getpid()}/" in row["Labels"][engines.LABEL]
        ]
        (host, config) = [
            engine.inspect_container(mine[0])[key] for key in ("HostConfig", "Config")
        ]
    assert len(mine) == 1
    assert host["NetworkMode"] == "none" and host["IpcMode"] == "private"
    assert host["ReadonlyRootfs"] and host["AutoRemove"] and not host["Privileged"]
    assert sorted(host["CapAdd"]) in (
        ["KILL", "SETGID", "SETUID"],
        ["CAP_KILL", "CAP_SETGID", "CAP_SETUID"],
    )
    assert host["CapDrop"] == ["ALL"] or len(host["CapDrop"]) > 30
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["Memory"] == host["MemorySwap"] > 1 << 30
    assert host["PidsLimit"] == 512
    assert not host["Binds"] and not host.get("Mounts")
    assert host["LogConfig"]["Type"] == "none"
    assert config["StdinOnce"] and not config["Tty"]


@docker
def test_a_memory_limit_of_the_container_is_the_jobs_end():
    """More than the container has, held by a job that its own limit would let: the kernel's kill."""
    with engine_in_sight():
        sandbox = DockerSandbox(base=BASE_IMAGE, wheels=WHEELS, memory_mb=256)
        with sandbox.open("python", 1) as workers:
            code = "def f():\n held = []\n while True: held.append(bytearray(1 << 20))"
            from tests.sandboxes.jobs import run

            assert run(workers, code, memory_mb=2048).end == "out_of_memory"
            witness(workers)


@docker
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_container_outlives_the_harness(number: signal.Signals):
    script = (
        "import sys\n"
        "from tests.engine import docker_sandbox\n"
        "from tests.sandboxes.jobs import job\n"
        "with docker_sandbox().open('python', 2) as workers:\n"
        "    runs = workers.run(job('def f(): return 1', id=str(n)) for n in range(10**6))\n"
        "    for _ in range(20): next(runs)\n"
        "    print('open', flush=True)\n"
        "    for _ in runs: pass\n"
    )
    harness = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=engine_environment(),
    )
    assert harness.stdout is not None
    with harness.stdout:
        assert harness.stdout.readline() == "open\n"
    assert len(_of(harness.pid)) == 2
    harness.send_signal(number)
    harness.wait(10)
    assert eventually(lambda: not _of(harness.pid))


def _of(pid: int) -> list[str]:
    with engine_in_sight():
        engine = engines.connect()
    with contextlib.closing(engine):
        rows = engine.containers(all=True, filters={"label": engines.LABEL})
    return [row["Id"] for row in rows if f"/{pid}/" in row["Labels"][engines.LABEL]]


@docker
def test_a_container_that_was_made_and_never_started_is_removed():
    with engine_in_sight():
        sandbox = DockerSandbox(base=BASE_IMAGE, wheels=WHEELS)
        engine, tag, _ = sandbox.prepare("python")
    with contextlib.closing(engine):
        dead = subprocess.Popen(["true"])
        dead.wait()
        owner = engines.owner().split("/")
        labels = {engines.LABEL: f"{owner[0]}/{dead.pid}/12345"}
        made = engine.create_container(tag, ["python3"], labels=labels)
        mine = engine.create_container(tag, ["python3"], labels={engines.LABEL: "/".join(owner)})
        try:
            assert engines.remove_leftovers(engine) >= 1
            ids = [
                row["Id"] for row in engine.containers(all=True, filters={"label": engines.LABEL})
            ]
            assert made["Id"] not in ids and mine["Id"] in ids
        finally:
            engine.remove_container(mine["Id"], force=True)


def test_of_other_machines_only_what_does_not_run_is_left_over():
    is_left_over = engines.is_left_over
    assert not is_left_over("another-host/1/1", "running", 1e6)
    assert not is_left_over("another-host/1/1", "created", 5)
    assert is_left_over("another-host/1/1", "created", 120)
    assert is_left_over("nonsense", "exited", 120)


@docker
def test_closing_is_quick():
    with docker_sandbox().open("python", 2) as workers:
        assert answer(workers, "def f(): return 1") == 1
        started = time.monotonic()
    assert time.monotonic() - started < 5


# --- the stream ---------------------------------------------------------------------------------------


def frames(*parts: tuple[int, bytes]) -> bytes:
    return b"".join(
        bytes([kind, 0, 0, 0]) + len(part).to_bytes(4, "big") + part for kind, part in parts
    )


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 100, 10_000])
def test_output_and_complaints_are_told_apart(size: int):
    whole = frames(
        (1, b"a" * 300), (2, b"trouble\n"), (1, b""), (1, b"b"), (2, b"more"), (1, b"c" * 9)
    )
    ours, theirs = socket.socketpair()
    stream = AttachedStream(ours)
    with contextlib.closing(stream), theirs:
        received = b""
        theirs.sendall(whole)
        theirs.shutdown(socket.SHUT_WR)
        while piece := stream.recv(size):
            received += piece
        assert received == b"a" * 300 + b"b" + b"c" * 9
        assert stream.complaints == b"trouble\nmore"
        stream.sendall(b"to the worker")
        assert theirs.recv(100) == b"to the worker"
