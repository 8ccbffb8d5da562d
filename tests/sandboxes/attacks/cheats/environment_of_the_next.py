"""`PYTHON*` and loader variables, for this process and any that it could start in our name.

Must fail: the environment of a worker's processes is a fixed list, made before any job.
"""

# ends: wrong_answer exception
import ctypes
import os
import sys

with open("/tmp/sitecustomize.py", "w") as custom:
    custom.write("import builtins\nbuiltins.PASSED = True\n")
libc = ctypes.CDLL(None)
for name, setting in {
    "PYTHONPATH": "/tmp",
    "PYTHONSTARTUP": "/tmp/sitecustomize.py",
    "PYTHONOPTIMIZE": "2",
    "PYTHONHASHSEED": "1",
    "PYTHONBREAKPOINT": "os._exit",
    "LD_PRELOAD": "/tmp/x.so",
    "HARNESS_PASS": "1",
}.items():
    os.environ[name] = setting
    libc.setenv(name.encode(), setting.encode(), 1)


def ENTRY(*a, **k):
    if not hasattr(__builtins__, "PASSED") and os.environ.get("AGAIN") is None:
        os.environ["AGAIN"] = "1"
        os.execv(sys.executable or "/usr/bin/python3", ["python3", "-c", "raise SystemExit(0)"])
    return True
