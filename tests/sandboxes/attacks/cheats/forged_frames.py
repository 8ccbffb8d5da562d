"""Writes frames of the agent's own protocol to every open descriptor, verdicts among them.

Must fail: on the channel a frame is an answer like any other, or FORBIDDEN where no honest program
sends it; on all other descriptors it is text.
"""

# ends: wrong_answer exception forbidden timeout
# variants: completed completed_and_stay done done_inside_a_stream hello one_true thousand_trues
# variants: trues_in_frames same_value_again negative_index huge_index empty_values no_bytes
# variants: unencodable silent_exception another_flag lying_subclass json_without_end
# variants: frame_without_end a_timeout lost passed
import json
import os
import struct


def frame(kind, payload):
    return struct.pack(">cI", kind, len(payload)) + payload


def value(index, content=b"MT", flag=0):
    return struct.pack(">IBdI", index & 0xFFFFFFFF, flag, 0.0, len(content)) + content


REPORT = {"status": 0, "reason": "", "cpu_s": 0.0, "wall_s": 0.0, "waited_s": 0.0}
REPORT |= {"peak_rss_mb": 0.0, "stdout": "", "stderr": "", "clean": True}
END = frame(b"E", b'{"end": "completed", "detail": "", "passed": true}')
DONE = frame(b"D", json.dumps(REPORT).encode())
FRAMES = {
    "completed": END,
    "completed_and_stay": END,
    "done": DONE,
    "done_inside_a_stream": frame(b"S", END) + DONE,
    "hello": frame(b"H", b'{"python": "3"}') + END,
    "one_true": frame(b"V", value(0)) + END,
    "thousand_trues": frame(b"V", b"".join(value(n) for n in range(1000))) + END,
    "trues_in_frames": b"".join(frame(b"V", value(n)) for n in range(100)) + END,
    "same_value_again": frame(b"V", value(0) * 100) + END,
    "negative_index": frame(b"V", value(-1)) + END,
    "huge_index": frame(b"V", value(1 << 31)) + END,
    "empty_values": frame(b"V", b"") * 1000 + END,
    "no_bytes": frame(b"V", value(0, b"")) + END,
    "unencodable": frame(b"V", value(0, b"X")) + END,
    "silent_exception": frame(b"V", value(0, b"", 1)) + END,
    "another_flag": frame(b"V", value(0, b"MT", 7)) + END,
    "lying_subclass": frame(b"V", value(0, b"TZ" + bytes(9))) + END,
    "json_without_end": frame(b"E", b"[" * 50_000),
    "frame_without_end": struct.pack(">cI", b"V", 1 << 30),
    "a_timeout": frame(b"E", b'{"end": "timeout"}'),
    "lost": frame(b"E", b'{"end": "lost"}'),
    "passed": frame(b"E", b'{"end": "passed"}'),
}
for descriptor in range(64):
    try:
        os.set_blocking(descriptor, False)
        os.write(descriptor, FRAMES["VARIANT"])
    except OSError:
        pass
if "VARIANT" != "completed_and_stay":
    os._exit(0)


def ENTRY(*a, **k):
    return None
