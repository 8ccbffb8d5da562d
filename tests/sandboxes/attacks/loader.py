"""The attack suite: each file in a folder here IS a program, as a sandbox gets it.

    for attack in CHEATS + HOSTILE:
        run(attack.program("has_close_elements"))

Never imported: read as text. ENTRY stands for the entry point's name. The docstring says what is
tried and why it must fail; then come comment lines, read here:

    # ends: wrong_answer timeout     cheats: the statuses that a judge may give; hostile: the `End`s;
                                     unittests: left out, any but a pass will do
    # variants: int str list         for each of these words one attack, the word in VARIANT's place
    # limits: wall_s=1 processes=32  hostile only; else LIMITS
    # returns: anything              hostile only; else it returns the list of what it reached: []

Those of stdio/ are cheats too, run whole for a problem that wants `a - b` and `a + b` on two lines.

A cheat wants a pass. It is called with a problem's inputs, and knows more than a model could: the
names of the agent's modules, its frames, the number of the channel's descriptor. A hostile program
wants harm, and is called once without arguments. The cheats of unittests/ stand beside a unittest
file. All are bounded in time and size by their limits.
"""

import contextlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandboxes.agent import codec
from sandboxes.protocol import End, Execution

LIMITS: dict[str, Any] = {"wall_s": 20.0, "cpu_s": 20.0, "memory_mb": 256, "processes": 64}
"""Of a hostile program: wide enough to end by itself, on a busy machine too."""
_FOLDER = Path(__file__).parent
_FIELD = re.compile(r"^# (ends|variants|limits|returns): (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Attack:
    name: str
    """File and variant: `exit_by_signal[SIGTERM]`."""
    text: str = field(repr=False)
    ends: frozenset[str]
    """What may become of it: values of `records.Status` (cheats) or of `protocol.End`."""
    limits: dict[str, Any]
    returns_anything: bool

    def program(self, entry_point: str = "f") -> str:
        return re.sub(r"\bENTRY\b", entry_point, self.text)

    def harm(self, execution: Execution) -> str:
        """Why this is not how a hostile program may end; empty where it is."""
        if execution.end not in self.ends:
            return f"{execution.end}: {execution.detail}\n{execution.stderr}"
        answers: list[object] = []
        for returned in execution.values:
            # Reading it must end too, and well: whoever grades reads it.
            with contextlib.suppress(codec.CodecError):
                answers.append(
                    codec.decode(returned.frame) if returned.frame else returned.exception
                )
        if execution.end == End.COMPLETED and not self.returns_anything and answers != [[]]:
            return f"it reached {answers!r}"
        return ""


def _attacks(folder: str) -> list[Attack]:
    return [
        attack for path in sorted((_FOLDER / folder).glob("*.py")) for attack in _variants_of(path)
    ]


def _variants_of(path: Path) -> list[Attack]:
    text = path.read_text()
    words: dict[str, list[str]] = {}
    for name, line in _FIELD.findall(text):
        words.setdefault(name, []).extend(line.split())
    limits = {
        name: float(value) if name.endswith("_s") else int(value)
        for name, value in (word.split("=") for word in words.get("limits", []))
    }
    return [
        Attack(
            name=f"{path.stem}[{variant}]" if variant else path.stem,
            text=re.sub(r"\bVARIANT\b", lambda _, word=variant: word, text),
            ends=frozenset(words.get("ends", [])),
            limits=LIMITS | limits,
            returns_anything=words.get("returns") == ["anything"],
        )
        for variant in words.get("variants", [""])
    ]


CHEATS = _attacks("cheats")
HOSTILE = _attacks("hostile")
UNITTESTS = _attacks("unittests")
STDIO = _attacks("stdio")
