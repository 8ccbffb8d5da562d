"""Looks for the problem's text, with its solution, in every folder where somebody could keep it.

Must fail: no file of the benchmark, the project or the cache is visible.
"""

# ends: wrong_answer
import glob
import sys


def ENTRY(*a, **k):
    places = [
        "/tmp",
        "/dev/shm",
        "/opt",
        "/root",
        "/home",
        "/work",
        "/usr/src",
        "/srv",
        "/mnt",
        "/data",
    ]
    for root in [*sys.path, *places]:
        for pattern in ("/**/*.toml", "/**/*.json*", "/*.pkl", "/**/*.parquet"):
            for path in glob.glob(root + pattern, recursive=root in places)[:100]:
                text = open(path, errors="replace").read()
                if "def ENTRY(" in text:
                    names = {}
                    exec(text[text.index("def ENTRY(") :].split('"""')[0], names)
                    return names["ENTRY"](*a)
    return None
