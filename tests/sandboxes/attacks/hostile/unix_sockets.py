"""Connects to the sockets of services by their paths, the engine's first, and to all abstract ones.

Must fail: no such path is visible, and abstract names are those of this network namespace.
"""

# ends: completed
import glob
import socket

PATHS = [
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/podman/podman.sock",
    "/run/containerd/containerd.sock",
    "/run/systemd/private",
    "/run/dbus/system_bus_socket",
    "/tmp/.X11-unix/X0",
    "\0/tmp/.X11-unix/X0",
    "\0/containerd-shim",
    "\0dbus",
]


def ENTRY():
    reached = []
    with open("/proc/net/unix") as known:
        names = [line.split()[7] for line in known.readlines()[1:] if len(line.split()) > 7]
    paths = PATHS + ["\0" + name[1:] if name[0] == "@" else name for name in names]
    for path in paths + glob.glob("/run/**/*.sock", recursive=True):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
            with socket.socket(socket.AF_UNIX, kind) as way:
                way.settimeout(0.3)
                try:
                    way.connect(path)
                    reached.append(path)
                except OSError:
                    pass
    return reached
