"""Makes a setuid program of its own in every writable folder, and gives it capabilities.

Must fail: nobody but the job's user owns it, and nosuid holds where it lies.
"""

# ends: completed
import os
import shutil
import subprocess


def ENTRY():
    gained = []
    for folder in ("/tmp", "/dev/shm"):
        path = f"{folder}/id"
        shutil.copy("/usr/bin/id", path)
        for step in (
            lambda path=path: os.chown(path, 0, 0),
            lambda path=path: os.setxattr(path, "security.capability", b"\1\0\0\2" + b"\xff" * 16),
        ):
            try:
                step()
                gained.append(path)
            except OSError:
                pass
        os.chmod(path, 0o6755)
        try:
            said = subprocess.run([path, "-u"], capture_output=True, text=True).stdout.strip()
        except OSError:
            continue
        if said != str(os.getuid()):
            gained.append(said)
    return gained
