"""Configures the network by netlink and ioctl: addresses, routes, interfaces, a tunnel.

Must fail: it takes a capability over the network namespace.
"""

# ends: completed
import fcntl
import os
import socket
import struct


def ENTRY():
    done = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        netlink.settimeout(1)
        for kind, body in (
            (16, struct.pack("BxHiII", 0, 0, 1, 0, 1)),  # RTM_NEWLINK: the loopback down
            (20, struct.pack("BBBBi", 2, 8, 0, 0, 1) + struct.pack("HH4B", 8, 2, 10, 9, 9, 9)),
            (24, struct.pack("BBBBBBBBI", 2, 0, 0, 0, 254, 3, 0, 1, 0)),
        ):
            flags = 1 | 4 | 0x400  # a request, with an answer, that creates
            netlink.send(struct.pack("IHHII", 16 + len(body), kind, flags, 1, 0) + body)
            if struct.unpack_from("i", netlink.recv(4096), 16)[0] == 0:
                done.append(kind)
    with socket.socket() as any_socket:
        try:
            fcntl.ioctl(any_socket.fileno(), 0x8914, struct.pack("16sH14x", b"lo", 0))
            done.append("loopback down")
        except OSError:
            pass
    try:
        fcntl.ioctl(os.open("/dev/net/tun", os.O_RDWR), 0x400454CA, struct.pack("16sH14x", b"x", 1))
        done.append("tunnel")
    except OSError:
        pass
    return done
