"""Fills as many pipes and sockets as there are descriptors: memory of the kernel, not of a process.

Must fail: the kernel limits a user's pipes, descriptors are few, and all goes with the job.
"""

# ends: completed
import fcntl
import os
import socket


def ENTRY():
    num_bytes = 0
    held = []
    try:
        for _ in range(240):
            reading, writing = os.pipe()
            held += [reading, writing]
            try:
                fcntl.fcntl(writing, 1031, 1 << 20)  # F_SETPIPE_SZ
            except OSError:
                pass
            os.set_blocking(writing, False)
            num_bytes += os.write(writing, bytes(1 << 20))
    except OSError:
        pass
    for descriptor in held:
        os.close(descriptor)
    held = []
    try:
        for _ in range(240):
            pair = socket.socketpair()
            held.append(pair)
            pair[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            pair[0].setblocking(False)
            num_bytes += pair[0].send(bytes(1 << 18))
    except OSError:
        pass
    return [num_bytes] if num_bytes > 512 << 20 else []
