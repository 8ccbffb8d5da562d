"""Resolves names, as a way to tell something to the one who serves them.

Must fail: no resolver is configured or reachable.
"""

# ends: completed
import socket


def ENTRY():
    reached = []
    for name in (
        "example.org",
        "secret-in-a-name.example.com",
        "host.docker.internal",
        "metadata.google.internal",
    ):
        try:
            reached.append(socket.getaddrinfo(name, 80))
        except OSError:
            pass
    return reached
