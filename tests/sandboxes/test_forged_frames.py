"""A job may write what it likes on its channel: that is an answer, or it is FORBIDDEN.

It must not pass for more than it says, crash or stop the harness, fill its memory, or make us
lose the worker: a program that can choose to be lost has chosen not to be graded.
"""

import resource
import struct
import sys
import time
from collections.abc import Iterator, Sequence

import pytest

from sandboxes.agent import codec, wire
from sandboxes.process import ProcessSandbox, why_no_namespaces
from sandboxes.protocol import End, Execution, Job, Reply, Returned, Workers
from sandboxes.worker import _Answers  # pyright: ignore[reportPrivateUsage]
from tests.sandboxes.jobs import job, run, values, witness

needs_namespaces = pytest.mark.skipif(
    sys.platform != "linux" or why_no_namespaces() is not None,
    reason=f"no namespaces here: {why_no_namespaces()}",
)

FORGE = """
import os, struct, socket, json, time
channel = socket.socket(fileno=3)
def frame(kind, payload): return struct.pack(">cI", kind, len(payload)) + payload
def value(index, content=b"MT", flag=0): return struct.pack(">IBdI", index, flag, 0.0, len(content)) + content
def send(*frames): channel.sendall(b"".join(frames))
def end(**record): return frame(b"E", json.dumps(record).encode())
DIGEST = struct.pack(">cBQ32s", b"D", 0, 1 << 30, b"x" * 32)
def f(x): return x
"""

FORBIDDEN = {
    "deep json": "send(frame(b'E', b'[' * 60_000))",
    "long json": "send(frame(b'E', b'[' + b'[],' * 200_000))",
    "not json": "send(frame(b'E', b'\\xff{'))",
    "a list of ends": "send(frame(b'E', b'[1]'))",
    "no end": "send(end(end='lost'))",
    "an end that is a list": "send(end(end=['completed']))",
    "passed": "send(end(end='passed'))",
    "unknown kind": "send(frame(b'Q', b''))",
    "done": "send(frame(b'D', json.dumps({'status': 0, 'clean': True}).encode()))",
    "negative index": "send(frame(b'V', value(0xFFFFFFFF)))",
    "huge index": "send(frame(b'V', value(1 << 31)))",
    "skipped index": "send(frame(b'V', value(1)))",
    "repeated index": "send(frame(b'V', value(0) + value(0)))",
    "cut value": "send(frame(b'V', value(0)[:-1]))",
    "cut head": "send(frame(b'V', value(0)[:7]))",
    "value beyond its frame": "send(frame(b'V', struct.pack('>IBdI', 0, 0, 0.0, 1 << 31)))",
    "two gigabytes announced": "send(struct.pack('>cI', b'V', 1 << 31))",
    "a megabyte unasked": "send(frame(b'V', value(0, b'Ms' + struct.pack('<I', 1 << 20) + bytes(1 << 20))))",
    "more answers than inputs": "send(*[frame(b'V', value(n)) for n in range(100_000)])",
    "digests without end": "send(*[frame(b'V', value(n // 2, DIGEST)) for n in range(100_000)])",
    "noise": "send(os.urandom(1 << 20))",
}
HARMLESS = {
    "nothing": ("", End.KILLED),
    "half a frame": ("send(frame(b'V', value(0))[:9])", End.KILLED),
    "empty frames": ("send(frame(b'V', b'') * 10_000)", End.KILLED),
    "an exception with a surrogate": (
        "send(end(end='exception', detail='\\ud800\\0\\x1b[2J' + 'x' * 9000))",
        End.EXCEPTION,
    ),
    "a detail that is none": ("send(end(end='exception', detail=[[[]]]))", End.EXCEPTION),
    "completed at once": ("send(end(end='completed'))", End.COMPLETED),
    "completed and more": (
        "send(end(end='completed'), frame(b'V', value(0)), end(end='exception'))",
        End.COMPLETED,
    ),
    "wrong values": (
        "send(frame(b'V', b''.join(value(n) for n in range(10))), end(end='completed'))",
        End.COMPLETED,
    ),
    "a value that is none": ("send(frame(b'V', value(0, os.urandom(99))))", End.KILLED),
    "a raised gigabyte": ("send(frame(b'V', value(0, b'\\xff' * 200_000, 1)))", End.KILLED),
    "a raised nothing": ("send(frame(b'V', value(0, b'', 1)))", End.KILLED),
}


@pytest.fixture(scope="module")
def worker() -> Iterator[Workers]:
    with ProcessSandbox("namespaces").open("python", 1) as opened:
        yield opened


def forged(worker: Workers, body: str, wall_s: float = 5) -> Execution:
    """Run a forger on ten inputs, every value asked for in full: honest values are True."""

    def see(job_id: str, chunk: Sequence[Returned]) -> Reply:
        for answer in chunk:
            assert answer.index < 10 and len(answer.exception) <= 500
        return Reply.FULL

    inputs = [(True,)] * 10
    started = time.monotonic()
    execution = run(worker, f"{FORGE}\n{body}\nos._exit(0)", see, inputs=inputs, wall_s=wall_s)
    assert time.monotonic() - started < 10
    execution.detail.encode()
    return execution


@needs_namespaces
@pytest.mark.parametrize("body", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_what_no_honest_program_sends(worker: Workers, body: str):
    execution = forged(worker, body)
    assert execution.end == End.FORBIDDEN
    assert execution.num_values <= 10
    witness(worker)


@needs_namespaces
@pytest.mark.parametrize(("body", "end"), HARMLESS.values(), ids=HARMLESS.keys())
def test_what_is_only_an_answer(worker: Workers, body: str, end: End):
    execution = forged(worker, body)
    assert (execution.end, len(execution.detail) <= 2000) == (end, True)
    assert execution.num_values <= 10
    witness(worker)


@needs_namespaces
@pytest.mark.parametrize("pause_s", [0, 0.004])
def test_replies_that_nobody_reads(worker: Workers, pause_s: float):
    """The worker does not wait for a job that takes no reply, so its clock goes on."""

    def see(job_id: str, chunk: Sequence[Returned]) -> Reply:
        return Reply.GO_ON

    body = (
        "for n in range(700):\n"
        f"  send(frame(b'V', value(n, DIGEST))); time.sleep({pause_s})\n"
        "time.sleep(60)"
    )
    started = time.monotonic()
    execution = run(worker, f"{FORGE}\n{body}", see, inputs=[(1,)] * 700, wall_s=4)
    assert execution.end in (End.TIMEOUT, End.FORBIDDEN)
    assert time.monotonic() - started < 15
    witness(worker)


@needs_namespaces
def test_a_slow_drip_ends_with_the_clock(worker: Workers):
    body = "for byte in frame(b'V', value(0) * 9):\n  send(bytes([byte])); time.sleep(0.2)"
    execution = run(worker, f"{FORGE}\n{body}", inputs=[(1,)], wall_s=1)
    assert execution.end == End.TIMEOUT
    witness(worker)


@needs_namespaces
def test_the_harness_keeps_its_memory(worker: Workers):
    """Two gigabytes of frames, asked and unasked: they are refused long before."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    drip = "\nfor _ in range(2000): channel.sendall(bytes(1 << 20))"
    forged(worker, "channel.sendall(struct.pack('>cI', b'V', (1 << 31) - 1))" + drip)
    forged(worker, "channel.sendall(struct.pack('>cI', b'E', 200 << 20))" + drip)
    forged(worker, "while True: channel.sendall(frame(b'V', b'') * 100_000)", wall_s=1)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 100 * 1024
    witness(worker)


@needs_namespaces
def test_a_forged_digest_is_asked_for_once(worker: Workers):
    """What comes instead of the full value is the answer, also where it is a digest again."""
    num_asked = 0

    def see(job_id: str, chunk: Sequence[Returned]) -> Reply:
        nonlocal num_asked
        num_asked += len(chunk)
        return Reply.FULL

    body = "while True:\n  send(frame(b'V', value(0, DIGEST)))\n  channel.recv(1)"
    execution = run(worker, f"{FORGE}\n{body}", see, inputs=[(1,)], wall_s=2)
    assert execution.end in (End.FORBIDDEN, End.TIMEOUT)
    assert num_asked == 2
    witness(worker)


@needs_namespaces
def test_every_descriptor_is_a_dead_end(worker: Workers):
    """Frames of all kinds on all that is open: streams are text, the channel is an answer."""
    code = """
import os, struct
def frame(kind, payload): return struct.pack(">cI", kind, len(payload)) + payload
for descriptor in range(512):
    for kind in b"HSDVEBJXR":
        try:
            os.write(descriptor, frame(bytes([kind]), b"{}"))
        except OSError:
            pass
def f(x): return x
"""
    execution = run(worker, code, inputs=[(1,)])
    assert execution.end == End.FORBIDDEN
    assert execution.values == ()
    witness(worker)


# --- the parser itself, without a process ----------------------------------------------------------


def answers(num_inputs: int = 3) -> tuple[_Answers, list[Returned]]:
    seen: list[Returned] = []

    def see(job_id: str, chunk: Sequence[Returned]) -> Reply:
        seen.extend(chunk)
        return Reply.GO_ON

    some_job: Job = job("", inputs=[()] * num_inputs)
    return _Answers(some_job, see), seen


def value(index: int, frame: bytes) -> bytes:
    return wire.VALUE.pack(index, wire.RETURNED, 0.0, len(frame)) + frame


def test_a_stream_may_come_in_any_pieces():
    true = codec.encode(True)
    stream = wire.pack(wire.VALUES, value(0, true) + value(1, true)) + wire.pack(
        wire.VALUES, value(2, true)
    )
    for size in (1, 2, 7, len(stream)):
        parser, seen = answers()
        for start in range(0, len(stream), size):
            assert parser.feed(stream[start : start + size]) is None
        assert [(v.index, v.frame) for v in seen] == [(0, true), (1, true), (2, true)]


def test_any_bytes_are_values_or_a_refusal():
    import random

    chance = random.Random(0)
    for _ in range(3000):
        parser, seen = answers()
        for _ in range(4):
            kind = chance.choice([b"V", b"E", b"S", b"D", b"\0"])
            content = chance.choice(
                [
                    chance.randbytes(chance.randrange(60)),
                    struct.pack(">IBdI", chance.randrange(4), 0, float("nan"), chance.randrange(9))
                    + chance.randbytes(chance.randrange(9)),
                    b'{"end": "completed"}',
                ]
            )
            parser.feed(wire.pack(kind, content))
        assert len(seen) <= 3


@needs_namespaces
def test_a_forger_gets_what_it_sent(worker: Workers):
    body = (
        "send(frame(b'V', b''.join(value(n) for n in range(3))), end(end='completed'))\nos._exit(0)"
    )
    execution = run(worker, f"{FORGE}\n{body}", inputs=[(5,)] * 3)
    assert (execution.end, values(execution)) == (End.COMPLETED, [True] * 3)
