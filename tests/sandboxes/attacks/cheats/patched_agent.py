"""The agent's own modules: every function that encodes gives the frame of True.

Must fail: a frame of True is just the answer True.
"""

# ends: wrong_answer forbidden exception
import sys

for module_name, module in list(sys.modules.items()):
    if module_name.startswith("sandboxes"):
        for name in ("encode", "_marshalled", "encode_frame", "describe"):
            if hasattr(module, name):
                setattr(module, name, lambda *a, **k: b"MT")


def ENTRY(*a, **k):
    return None
