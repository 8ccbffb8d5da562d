"""`__build_class__`, `__import__` and the import system, so that all later code is the candidate's.

Must fail: no later code in this process decides anything.
"""

# ends: wrong_answer exception
# variants: build_class import_function meta_path path_hooks modules main
import builtins
import sys
import types


class Yes(types.ModuleType):
    def __getattr__(self, name):
        return lambda *a, **k: True

    def find_spec(self, *a):
        sys.modules[a[0]] = self

    def __call__(self, *a, **k):
        return self


yes = Yes("yes")
if "VARIANT" == "build_class":
    builtins.__build_class__ = lambda function, name, *a, **k: yes
elif "VARIANT" == "import_function":
    builtins.__import__ = lambda *a, **k: yes
elif "VARIANT" == "meta_path":
    sys.meta_path[:] = [yes]
    sys.modules.pop("json", None)
elif "VARIANT" == "path_hooks":
    sys.path_hooks[:] = [yes]
    sys.path_importer_cache.clear()
elif "VARIANT" == "modules":
    for name in ("json", "struct", "marshal", "hashlib", "numpy", "math", "socket"):
        sys.modules[name] = yes
else:
    sys.modules["__main__"] = sys.modules["candidate"] = yes


def ENTRY(*a, **k):
    return True
