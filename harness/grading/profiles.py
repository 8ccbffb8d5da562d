"""Grading profiles: the rules by which a returned value counts as right, by name.

A profile is a row of `PROFILES`. Parity profiles copy a released evaluator verdict by verdict,
its quirks included, each a named field here. Safety is not a profile: in all of them expected
values stay outside the sandbox, no method of a candidate's class is called, an exit code proves
nothing, and a program that swallows its time limit has timed out all the same.

Named deviations of the `evalplus-*` profiles from the released evaluator, for that reason: an
object with a lying `__eq__` fails, and so does every answer that can't cross the border, which
costs an iterator (`filter(…)`) in the eight tasks that EvalPlus compares as sets; a subclass of a
builtin is compared by what its builtin base holds; the special oracles see the inputs as they were
given, not as the candidate left them; a time limit can't be caught; time spent waiting for a free
core does not count.

Those of `livecodebench` from its released checker: the safety above; and a program that reads and
writes is run as a program. Theirs is pasted into a function, where `global` finds nothing, `open`
gives the input and only the last `if __name__ == "__main__":` is taken off, so right programs fail
there that pass here. In ours standard output is all that was written to it, by `os.write` and
sub-processes too, and each input has a fresh process. `Decimal` is given plain numbers alone
(no `sNaN`, which raises; no underscores and no digits of other scripts).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from harness.errors import UnknownName
from sandboxes.agent.unittests import POISON_S
from sandboxes.protocol import Limits

GRADER_VERSION = "2"
"""Changes when the same code could get another verdict. Part of every run's identity."""


ENCODED_PER_S = 10_000_000
"""Bytes of answers that any machine encodes in a second."""


@dataclass(frozen=True, slots=True)
class Profile:
    name: str
    comparison: Literal["evalplus", "livecodebench", "strict"]
    """The rules of calls.py. `evalplus`: Python's `==`, the publisher's oracles, and once a float
    is expected numpy's tolerance for all later inputs. `livecodebench`: Python's `==`, a tuple taken
    for a list. `strict`: equal types all the way down, floats within tolerance wherever they are.
    What a program printed is compared by the rules of stdio.py."""
    min_time_limit_s: float
    """An input's limit is the larger of this and `time_factor` times the reference's time."""
    time_factor: float = 4.0
    min_unittest_s: float = 10.0
    """The same for a whole unittest file, with what the program does while it loads."""
    max_suite_s: float = 60.0
    """All inputs of a suite together, before `grace_s`."""
    grace_s: float = 2.0
    memory_mb: int = 4096
    unittest_rules: Literal["", "bigcodebench"] = ""
    """Whose surroundings unittest files find (agent/unittest_rules.py)."""
    library_answers: bool = False
    """An answer to a unittest file may be what an installed library defines (a table, a figure), also
    where the canonical solution's is none."""
    flags_only: bool = False
    """Signs of tampering are told (`Verdict.flags`) and not held against the program."""
    never_pass: Mapping[str, str] = field(default_factory=dict[str, str])
    """Task ids that this evaluator can't pass, with the reason."""

    def limits(self, reference_s: tuple[float, ...], num_bytes: int) -> Limits:
        """What a suite may use, from the seconds that the reference took on each input.

        `num_bytes` is the size of the expected answers, encoded: an answer of a gigabyte (Mbpp/255)
        takes us long to encode, which is not the program's time.
        """
        each = tuple(max(self.min_time_limit_s, self.time_factor * s) for s in reference_s)
        wall_s = min(self.max_suite_s, sum(each)) + self.grace_s + num_bytes / ENCODED_PER_S
        return Limits(
            wall_s=wall_s,
            # A program may use both cores for a while; a busy loop in many threads may not.
            cpu_s=2 * wall_s,
            input_wall_s=each,
            memory_mb=self.memory_mb,
        )

    def unittest_limits(self, reference_s: float) -> Limits:
        """What a unittest file may use, from the seconds that it took with the reference.

        `input_wall_s` is for the run with the program; the two runs that look for tampering have
        limits of their own (agent/unittests.py), and the whole has room for all three.
        """
        run_s = max(self.min_unittest_s, self.time_factor * reference_s)
        wall_s = run_s + 2 * POISON_S + 2 * self.grace_s
        return Limits(
            wall_s=wall_s, cpu_s=2 * wall_s, input_wall_s=(run_s,), memory_mb=self.memory_mb
        )


_FIND_ZERO = (
    "EvalPlus 0.3.1 checks the root and then skips the line that records it, so that a full "
    "run never passes"
)

_BIGCODEBENCH = Profile(
    name="bigcodebench-0.2",
    comparison="strict",
    min_time_limit_s=1.0,
    # 240 s, which its alarm and its kill round up; the reference's time has no say below that.
    min_unittest_s=242.0,
    time_factor=1.0,
    unittest_rules="bigcodebench",
    library_answers=True,
)

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            name="evalplus-0.3.1",
            comparison="evalplus",
            min_time_limit_s=1.0,
            never_pass={"HumanEval/32": _FIND_ZERO},
        ),
        Profile(
            name="evalplus-master",
            comparison="evalplus",
            min_time_limit_s=4.0,
        ),
        _BIGCODEBENCH,
        replace(_BIGCODEBENCH, name="bigcodebench-0.2-flags", flags_only=True),
        Profile(
            name="livecodebench",
            comparison="livecodebench",
            min_time_limit_s=6.0,
            time_factor=0.0,  # a reference's time is unknown, and asked for by nobody
            max_suite_s=3600.0,  # none: the limit is one of each input
        ),
        Profile(name="strict", comparison="strict", min_time_limit_s=4.0),
    )
}


def profile_named(name: str) -> Profile:
    """Look a profile up.

    Raises:
        UnknownName: there is none of that name; the message says which one is close.
    """
    if name not in PROFILES:
        raise UnknownName("profile", name, PROFILES)
    return PROFILES[name]
