"""Runs every setuid and setgid program that can be found, and looks whose they become.

Must fail: no new privileges, and file systems mounted nosuid.
"""

# ends: completed
import os
import subprocess


def ENTRY():
    me = os.getuid()
    gained = []
    for folder in ("/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/lib/openssh", "/usr/libexec"):
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            path = os.path.join(folder, name)
            if os.path.isfile(path) and os.stat(path).st_mode & 0o6000:
                quiet = {
                    "stdin": subprocess.PIPE,
                    "stdout": subprocess.DEVNULL,
                    "stderr": subprocess.DEVNULL,
                }
                child = subprocess.Popen([path], **quiet)
                try:
                    with open(f"/proc/{child.pid}/status") as status:
                        ids = status.read().split("Uid:")[1].split()[:4]
                    gained += [path] * any(int(number) != me for number in ids)
                except OSError:
                    pass
                child.kill()
                child.wait()
    return gained
