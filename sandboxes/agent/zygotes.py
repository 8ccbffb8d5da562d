"""The supervisor's zygotes: the light one, and one for each group of libraries that jobs named.

A fork of a process with pandas, matplotlib and scikit-learn in it costs ten times that of a bare
one, and tensorflow loads for seconds: so programs that name little have a light parent, and the
others that of their group, which is started with the first of them. Groups are for unittest jobs
alone: only the light zygote holds inputs.

Not here: what a zygote does (zygote.py), what is in a group (the environment's `warm_libraries`).
"""

import os
import socket

from sandboxes.agent import wire


class Zygotes:
    def __init__(self, light: socket.socket, pid: int) -> None:
        self.light = light
        self._open: dict[str, tuple[socket.socket, int]] = {"": (light, pid)}
        self.pids = [pid]

    def of(self, libraries: str) -> "tuple[socket.socket, int]":
        """The zygote with these libraries, started if there is none yet; its process number."""
        if libraries not in self._open:
            ours, theirs = socket.socketpair()
            with theirs:
                frame = wire.pack(wire.LIBRARIES, libraries.encode())
                socket.send_fds(self.light, [frame], [theirs.fileno()])
                pid = int.from_bytes(receive_exactly(self.light, 4), "big")
            self.pids.append(pid)
            self._open[libraries] = ours, pid
        return self._open[libraries]


def receive_exactly(source: socket.socket, count: int) -> bytes:
    """Bytes from a zygote; its death is the worker's."""
    received = b""
    while len(received) < count:
        piece = source.recv(count - len(received))
        if not piece:
            os._exit(3)
        received += piece
    return received
