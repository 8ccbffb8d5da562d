"""Raw, packet, vsock, Bluetooth and other sockets that reach below or beside the network.

Must fail: raw ones take a capability; other families are denied.
"""

# ends: completed
import socket


def ENTRY():
    made = []
    kinds = (socket.SOCK_RAW, socket.SOCK_DGRAM, socket.SOCK_STREAM, socket.SOCK_SEQPACKET)
    for family in range(46):
        for kind in kinds if family not in (1, 2, 10, 16) else (socket.SOCK_RAW,):
            for protocol in (0, 1, 3, 255):
                if family in (1, 16) and kind == socket.SOCK_RAW:
                    continue  # a datagram by another name, and netlink as everybody may have it
                try:
                    socket.socket(family, kind, protocol).close()
                    made.append((family, int(kind), protocol))
                except OSError:
                    pass
    return made
