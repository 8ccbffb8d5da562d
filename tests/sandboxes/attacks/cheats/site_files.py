"""`sitecustomize`, `usercustomize` and `.pth` files in every place that a Python looks at.

Must fail: these places are read-only, hidden, or swept before the next program.
"""

# ends: wrong_answer
import os
import site
import sys

LINE = "import os; os._exit(0)\n"


def ENTRY(*a, **k):
    places = [*sys.path, sys.prefix, os.path.dirname(os.__file__), "/tmp", os.path.expanduser("~")]
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    places += [os.path.expanduser(f"~/.local/lib/{version}/site-packages"), *site.PREFIXES]
    written = []
    for place in filter(None, places):
        for name in ("sitecustomize.py", "usercustomize.py", "cheat.pth", "pyvenv.cfg", "json.py"):
            try:
                os.makedirs(place, exist_ok=True)
                with open(os.path.join(place, name), "w") as handle:
                    handle.write(LINE)
                written.append(place)
            except OSError:
                pass
    return sorted(set(written))
