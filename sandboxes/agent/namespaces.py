"""Start a worker in Linux namespaces: a root of its own, no network, no host processes.

Run by process.py as a fresh interpreter; becomes the supervisor. Everything below is done once
a worker, not once a job. What a job sees: the interpreter and the system's libraries, read-only;
numpy, or the environment's folders; /proc of its own pid namespace; four devices; small private /tmp and /dev/shm. No home
directory, no installed packages of the user, and nothing of this project.
"""

import os
import sys
from typing import TypedDict

from sandboxes.agent import linux, supervisor, zygote

_NEW_ROOT = "/sys"
"""Covered by a tmpfs in our own mount namespace: it exists everywhere, and nothing is left."""
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/etc/ld.so.cache")
_DEVICES = ("null", "zero", "urandom", "random")


class Root(TypedDict):
    """What the worker's file system holds; from the harness process."""

    python_prefix: str
    """The base interpreter, visible under its own path."""
    hidden: "list[str]"
    """Directories inside the visible ones that are covered: site-packages, this project."""
    shown: "dict[str, str]"
    """Further directories, by the path under which they are seen: numpy, or an environment's."""
    packages: str
    """Of these paths the one that programs import from."""
    tmp_mb: int
    job_uid: int


def main(root: Root, as_root: bool) -> None:
    """Enter the namespaces, build the root directory, drop privileges, and serve."""
    user, group = os.getuid(), os.getgid()
    flags = (
        linux.CLONE_NEWNS
        | linux.CLONE_NEWPID
        | linux.CLONE_NEWNET
        | linux.CLONE_NEWIPC
        | linux.CLONE_NEWUTS
    )
    linux.unshare(flags if as_root else flags | linux.CLONE_NEWUSER)
    if not as_root:
        linux.map_user(0, user, group)
    worker = os.fork()
    if worker:
        os.closerange(0, 3)
        _, status = os.waitpid(worker, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    linux.die_with_parent()
    zygote.preload()
    _build_root(root)
    linux.bring_up_loopback()
    linux.no_new_privileges()
    # A nested job makes a user namespace: every capability it could have ends at that border.
    # To map our root into it takes SETFCAP (user_namespaces(7), since Linux 5.12).
    needed = linux.SUPERVISOR_CAPABILITIES
    linux.keep_capabilities(needed if as_root else (*needed, linux.CAP_SETFCAP))
    sys.path[:] = [path for path in sys.path if path.startswith(root["python_prefix"])]
    sys.path.append(root["packages"])
    sys.path_importer_cache.clear()  # it knows that there is no such folder: until now
    del sys.argv[1:]
    supervisor.main(supervisor.Settings("namespaces", root["job_uid"], nested=not as_root))


def _build_root(root: Root) -> None:
    linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", _NEW_ROOT, "tmpfs", linux.MS_NOSUID, "mode=755,size=4m")
    for path in _SYSTEM:
        _show(path, path)
    if not root["python_prefix"].startswith("/usr"):
        _show(root["python_prefix"], root["python_prefix"])
    for path in root["hidden"]:
        if os.path.isdir(_NEW_ROOT + path):
            linux.mount("tmpfs", _NEW_ROOT + path, "tmpfs", linux.MS_RDONLY, "mode=755,size=4k")
    for target, path in root["shown"].items():
        _show(path, target)
    os.makedirs(_NEW_ROOT + root["packages"], exist_ok=True)
    _make_dev()
    _make_etc(root["job_uid"])
    os.mkdir(_NEW_ROOT + "/proc")
    private = linux.MS_NOSUID | linux.MS_NODEV
    linux.mount("proc", _NEW_ROOT + "/proc", "proc", private | 8)  # 8: MS_NOEXEC
    os.mkdir(_NEW_ROOT + "/tmp")
    size = root["tmp_mb"]
    linux.mount(
        "tmpfs", _NEW_ROOT + "/tmp", "tmpfs", private, f"mode=1777,size={size}m,nr_inodes=65536"
    )
    linux.pivot_into(_NEW_ROOT)
    linux.mount("", "/", None, linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | linux.MS_NOSUID)
    os.chdir("/tmp")


def _show(source: str, target: str) -> None:
    """Make a host path visible, read-only, under `target`; links are made again as links."""
    target = _NEW_ROOT + target
    if not os.path.exists(source):
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
        return
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        open(target, "w").close()
    linux.mount(source, target, None, linux.MS_BIND | linux.MS_REC)
    linux.make_read_only(target)


def _make_dev() -> None:
    os.mkdir(_NEW_ROOT + "/dev")
    for name in _DEVICES:
        open(f"{_NEW_ROOT}/dev/{name}", "w").close()
        linux.mount(f"/dev/{name}", f"{_NEW_ROOT}/dev/{name}", None, linux.MS_BIND)
    for name, to in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{to}", f"{_NEW_ROOT}/dev/{name}")
    os.mkdir(_NEW_ROOT + "/dev/shm")
    options = "mode=1777,size=64m,nr_inodes=4096"
    flags = linux.MS_NOSUID | linux.MS_NODEV
    linux.mount("tmpfs", _NEW_ROOT + "/dev/shm", "tmpfs", flags, options)


def _make_etc(job_uid: int) -> None:
    os.makedirs(_NEW_ROOT + "/etc", exist_ok=True)
    for name, text in (
        ("passwd", f"root:x:0:0::/:/bin/sh\njob:x:{job_uid}:{job_uid}::/tmp:/bin/sh\n"),
        ("group", f"root:x:0:\njob:x:{job_uid}:\n"),
        ("hosts", "127.0.0.1 localhost\n"),
    ):
        with open(f"{_NEW_ROOT}/etc/{name}", "w") as handle:
            handle.write(text)
