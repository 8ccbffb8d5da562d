"""Raises its own limits, and asks for a negative nice value and a lower OOM score.

Must fail: hard limits can't be raised without a capability.
"""

# ends: completed
import os
import resource


def ENTRY():
    raised = []
    for name in dir(resource):
        if name.startswith("RLIMIT_"):
            which = getattr(resource, name)
            _, hard = resource.getrlimit(which)
            if hard != resource.RLIM_INFINITY:
                for limit in (resource.RLIM_INFINITY, hard + 1):
                    try:
                        resource.setrlimit(which, (limit, limit))
                        raised.append(name)
                    except (OSError, ValueError):
                        pass
    try:
        os.nice(-5)
        raised.append("nice")
    except OSError:
        pass
    try:
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write("-1000")
        raised.append("oom_score_adj")
    except OSError:
        pass
    return raised
