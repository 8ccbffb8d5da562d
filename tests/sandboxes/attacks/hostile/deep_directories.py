"""Directories in directories, far below what a path can name, closed to everybody on the way.

Must fail: the sweep moves them up one by one, and needs no path.
"""

# ends: completed
import os


def ENTRY():
    for folder in ("/tmp", "/dev/shm"):
        os.chdir(folder)
        for _ in range(3000 if folder == "/tmp" else 1500):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
        open("bottom", "w").close()
        os.chmod(".", 0)
        for _ in range(20):
            os.chdir("/")
    for number in range(20):
        os.makedirs(f"/tmp/closed{number}/b/c")
        for path in (f"/tmp/closed{number}/b/c", f"/tmp/closed{number}/b", f"/tmp/closed{number}"):
            os.chmod(path, 0)
    return []
