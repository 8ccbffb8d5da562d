"""Connects to the world: public addresses, the host, the cloud's metadata service, the neighbours.

Must fail: there is no network but a loopback of this worker's own.
"""

# ends: completed
import socket

ADDRESSES = [
    ("169.254.169.254", 80),
    ("100.100.100.200", 80),
    ("1.1.1.1", 53),
    ("1.1.1.1", 443),
    ("10.0.0.1", 22),
    ("172.17.0.1", 22),
    ("172.17.0.1", 2375),
    ("192.168.0.1", 80),
    ("127.0.0.1", 22),
    ("127.0.0.1", 2375),
    ("0.0.0.0", 22),
    ("fd00:ec2::254", 80),
    ("2606:4700:4700::1111", 443),
    ("::1", 22),
    ("::ffff:1.1.1.1", 80),
]


def ENTRY():
    reached = []
    for host, port in ADDRESSES:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as way:
            way.settimeout(0.3)
            try:
                way.connect((host, port))
                reached.append((host, port))
            except OSError:
                pass
    return reached
