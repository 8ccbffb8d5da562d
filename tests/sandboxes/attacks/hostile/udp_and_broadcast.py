"""Datagrams to resolvers, to everybody on the link, by multicast; and whatever answers.

Must fail: no route leads out.
"""

# ends: completed
import socket

QUERY = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03org\x00\x00\x01\x00\x01"


def ENTRY():
    reached = []
    for host, port in (
        ("8.8.8.8", 53),
        ("255.255.255.255", 67),
        ("224.0.0.251", 5353),
        ("239.255.255.250", 1900),
        ("172.17.0.1", 53),
        ("169.254.169.253", 53),
    ):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            way.settimeout(0.1)
            try:
                way.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                way.sendto(QUERY, (host, port))
                reached.append((host, way.recv(512)))
            except OSError:
                pass
    return reached
