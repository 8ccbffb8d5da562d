"""The exception tree.

    HarnessError                    everything that we raise on purpose
    ├── UserError                   exit 2: the message says what to type next
    │   ├── ConfigError             a setting that is unknown, malformed or contradictory
    │   ├── UnknownName             a benchmark, profile, run … that does not exist: did you mean
    │   ├── DataError               a benchmark or samples file that is missing, torn or wrong
    │   └── RunMismatch             a named run whose identity differs from what is asked
    ├── NotComparable               exit 3: two runs that share nothing, or mean different things
    ├── EnvironmentRefused          exit 2: the ground truth fails here, so nothing is scored
    ├── StorageError                exit 4: the run directory can't be written; what is there stays
    ├── ModelError                  exit 4: who writes the replies is gone for good; what came stays
    └── SandboxError                (from sandboxes.protocol) the machine's fault: retried, UNSCORED
        └── SandboxUnavailable      exit 2: no sandbox of the wanted level can be opened here

A model's failure is never an exception: it is a Verdict. A bug of ours is none of these and
keeps its traceback.
"""

import difflib
from collections.abc import Iterable

from sandboxes.protocol import SandboxError, SandboxUnavailable

__all__ = [
    "ConfigError",
    "DataError",
    "EnvironmentRefused",
    "HarnessError",
    "ModelError",
    "NotComparable",
    "RunMismatch",
    "SandboxError",
    "SandboxUnavailable",
    "StorageError",
    "UnknownName",
    "UserError",
]


_MAX_SHOWN = 16
"""Names in one message."""


class HarnessError(Exception):
    """Base of the tree."""


class UserError(HarnessError):
    """The user can mend it; the message says how."""


class ConfigError(UserError):
    pass


class UnknownName(UserError):
    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        shown = ", ".join(known[:_MAX_SHOWN])
        if len(known) > _MAX_SHOWN:
            shown += f" … ({len(known)} in all)"
        hint = f"did you mean {close[0]}?" if close else f"there are: {shown or 'none'}"
        super().__init__(f"unknown {kind} {name!r}: {hint}")


class DataError(UserError):
    pass


class RunMismatch(UserError):
    pass


class NotComparable(HarnessError):
    pass


class EnvironmentRefused(HarnessError):
    pass


class StorageError(HarnessError):
    pass


class ModelError(HarnessError):
    pass
