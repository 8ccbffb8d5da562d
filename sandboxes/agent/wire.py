"""Frames between harness, supervisor, zygote and job: one kind byte, a length, a payload.

The same few lines run on both sides. A reader never trusts a declared length: above its limit
it raises `WireError`, and the side that trusts nobody ends the job.
"""

import struct

HEADER = struct.Struct(">cI")
VALUE = struct.Struct(">IBdI")
"""Head of one answer inside a VALUES frame: input number, flag, seconds, length."""

RETURNED, RAISED = 0, 1

# harness -> supervisor (-> zygote)
BUNDLE, JOB, ENOUGH, REPLY = b"B", b"J", b"X", b"R"
# supervisor -> zygote
LIBRARIES = b"L"
# supervisor -> harness
HELLO, STREAM, DONE, DOZE = b"H", b"S", b"D", b"Z"
# job -> harness, inside STREAM
VALUES, END, TEST = b"V", b"E", b"T"
# of DOZE
ASLEEP, AWAKE = b"z", b"w"
# replies to a digest
GO_ON, FULL = b"c", b"f"


class WireError(Exception):
    """A frame that an honest peer does not send."""


def pack(kind: bytes, payload: bytes = b"") -> bytes:
    return HEADER.pack(kind, len(payload)) + payload


class FrameReader:
    """Cuts a stream of bytes into frames, whatever the pieces it arrives in."""

    def __init__(self, max_payload: int) -> None:
        self.max_payload = max_payload
        """Of the next frame. May be changed between two calls of `feed`."""
        self._buffer = bytearray()

    def feed(self, piece: bytes) -> "list[tuple[bytes, bytes]]":
        """Take a piece, give the frames that it completed.

        Raises:
            WireError: a frame declares more than `max_payload` bytes.
        """
        self._buffer += piece
        frames: list[tuple[bytes, bytes]] = []
        start = 0
        while len(self._buffer) - start >= HEADER.size:
            kind, length = HEADER.unpack_from(self._buffer, start)
            if length > self.max_payload:
                raise WireError(f"a frame of {length} bytes, above {self.max_payload}")
            end = start + HEADER.size + length
            if len(self._buffer) < end:
                break
            frames.append((kind, bytes(self._buffer[start + HEADER.size : end])))
            start = end
        del self._buffer[:start]
        return frames
