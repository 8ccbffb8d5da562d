"""Writes to the interpreter, its library, installed packages, the agent, /etc and /dev.

Must fail: all of it is read-only.
"""

# ends: completed
import json
import os
import sys


def ENTRY():
    written = []
    folders = {
        "/",
        "/usr",
        "/usr/bin",
        "/usr/local/bin",
        "/etc",
        "/bin",
        "/lib",
        "/opt",
        "/proc",
        "/dev",
        "/var",
    }
    folders |= {path for path in sys.path if path} | {sys.prefix, os.path.dirname(json.__file__)}
    for folder in folders:
        for step in (
            lambda folder=folder: open(f"{folder}/harmful", "w"),
            lambda folder=folder: os.mkdir(f"{folder}/harmful-folder"),
            lambda folder=folder: os.symlink("/tmp", f"{folder}/harmful-link"),
            lambda folder=folder: os.chmod(folder, 0o777),
        ):
            try:
                step()
                written.append(folder)
            except OSError:
                pass
    files = ["/etc/passwd", "/etc/hosts", "/etc/resolv.conf", "/etc/ld.so.preload", "/bin/sh"]
    files += [sys.executable, os.__file__, json.__file__]
    modules = list(sys.modules.values())
    files += [
        getattr(module, "__file__", None) for module in modules if "sandboxes" in repr(module)
    ]
    for path in filter(None, files):
        for mode in ("r+b", "ab"):
            try:
                open(path, mode).close()
                written.append(path)
            except OSError:
                pass
        for step in (
            os.unlink,
            lambda path: os.rename(path, path + "x"),
            lambda path: os.utime(path),
        ):
            try:
                step(path)
                written.append(path)
            except OSError:
                pass
    return written
