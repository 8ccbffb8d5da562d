"""Symbolic and hard links that lead the sweep elsewhere, to itself, or to files of the system.

Must fail: links are deleted, never followed; another's files can't be linked.
"""

# ends: completed
import os


def ENTRY():
    linked = []
    for folder in ("/tmp", "/dev/shm"):
        os.chdir(folder)
        os.symlink("/usr", "usr")
        os.symlink("/proc/self/root", "root")
        os.symlink("loop", "loop")
        os.symlink("..", ".swept-1-1")
        os.symlink("/nowhere", "-rf")
        os.mkdir("folder")
        os.symlink("/usr/lib", "folder/lib")
        os.symlink("../folder", "folder/again")
        open("file", "w").close()
        for number in range(100):
            os.link("file", f"hard{number}")
        for path in ("/etc/passwd", "/bin/sh", os.__file__):
            try:
                os.link(path, "stolen")
                linked.append(path)
            except OSError:
                pass
    return linked
