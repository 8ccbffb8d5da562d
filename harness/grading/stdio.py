"""Compare what a program wrote to standard output with what is expected, outside of its reach.

`StdioJudge` follows one program through the inputs of a suite, and says `enough` at the first wrong
answer. Rules, by the profile's comparison:

    livecodebench   both texts are stripped and split into lines, each line is stripped; as many
                    lines must be there; two lines agree when they are equal, or when all their
                    words are decimal numbers and equal as such (`1.0` is `1`, `1e3` is `1000`)
    all others      white space at the ends of lines and empty lines at the end don't count; all
                    else must be equal, but that numbers with a point or an exponent may differ by
                    the problem's tolerance, where it has one; the exit status must be 0

Lengths are compared first: neither missing nor further lines are overlooked.

Not here: which program runs when (judge.py), where expected texts come from (truth.py).
"""

import re
from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import cast

from harness.grading.profiles import Profile
from harness.grading.truth import SuiteTruth
from harness.records import Failure, Problem, Status
from sandboxes.agent import codec
from sandboxes.protocol import Reply, Returned

_SHOWN = 400
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_SLACK_BYTES = 1 << 20
"""White space that an output may have more than the expected one, and still be read."""


class StdioJudge:
    """One program on one suite: counts what passed, keeps the first failure; ends as SuiteJudge."""

    def __init__(
        self, profile: Profile, problem: Problem, truth: SuiteTruth, *, to_the_end: bool = False
    ) -> None:
        self._to_the_end = to_the_end
        self._num_failed = 0
        self._is_strict = profile.comparison != "livecodebench"
        self._problem = problem
        self._truth = truth
        self.num_passed = 0
        self.failed: Status | None = None
        self.failure: Failure | None = None

    @property
    def num_run(self) -> int:
        return self.num_passed + self._num_failed

    def see(self, chunk: Sequence[Returned]) -> Reply:
        """Judge the next outputs, in order; the reply to the sandbox."""
        for answer in chunk:
            if answer.index >= len(self._truth.frames):
                self._fail(answer, Status.FORBIDDEN, "more answers than inputs")
                return Reply.ENOUGH
            reply = self._see_one(answer)
            if reply != Reply.GO_ON:
                return reply
        return Reply.GO_ON

    def _see_one(self, answer: Returned) -> Reply:
        if answer.exception:
            return self._fail(answer, Status.EXCEPTION, answer.exception)
        expected = self._expected(answer.index)
        if answer.frame[:1] == b"D":
            size = codec.digest_size(answer.frame)
            if size <= 4 * len(expected.encode("utf-8", "replace")) + _SLACK_BYTES:
                return Reply.FULL
            return self._fail(answer, Status.WRONG_ANSWER, f"<{size:,} bytes>")
        written = exchange(answer.frame)
        if written is None:
            return self._fail(answer, Status.FORBIDDEN, "an answer of another kind")
        text, exit_status = written
        if self._is_strict and exit_status:
            return self._fail(answer, Status.EXCEPTION, f"exit status {exit_status}")
        difference = self._difference(text, expected)
        if difference:
            return self._fail(answer, Status.WRONG_ANSWER, f"{difference}: {text}")
        self.num_passed += 1
        return Reply.GO_ON

    def _expected(self, index: int) -> str:
        return cast(str, codec.decode(self._truth.whole(index)))

    def _difference(self, text: str, expected: str) -> str:
        if self._is_strict:
            return strict_difference(text, expected, self._problem.atol)
        return livecodebench_difference(text, expected)

    def _fail(self, answer: Returned, status: Status, got: str) -> Reply:
        reply = Reply.GO_ON if self._to_the_end else Reply.ENOUGH
        self._num_failed += 1
        if self.failed is not None:
            return reply
        self.failed = status
        if answer.index < len(self._truth.frames):
            (given,) = self._problem.suite(self._truth.name).inputs[answer.index]
            self.failure = Failure(
                test=answer.index,
                input=_cut(cast(str, given)),
                expected=_cut(self._expected(answer.index)),
                got=_cut(got),
            )
        return reply


def exchange(frame: bytes) -> tuple[str, int] | None:
    """Standard output and exit status; None where the job sent anything else."""
    try:
        value = codec.decode(frame)
    except codec.CodecError:
        return None
    match value:
        case (bytes() as output, int() as status) if type(value) is tuple:
            return output.decode("utf-8", "replace"), status
        case _:
            return None


def livecodebench_difference(text: str, expected: str) -> str:
    """Where the two differ by LiveCodeBench's rules; empty where they agree.

    >>> livecodebench_difference("1.0 2 \\n", "1 2"), livecodebench_difference("1", "1\\n2")
    ('', '1 lines instead of 2')
    """
    ours, theirs = _stripped_lines(text), _stripped_lines(expected)
    if len(ours) != len(theirs):
        return f"{len(ours)} lines instead of {len(theirs)}"
    with localcontext() as context:
        context.clear_traps()
        for number, (line, known) in enumerate(zip(ours, theirs, strict=True), start=1):
            if line != known and not _equal_numbers(line, known):
                return f"line {number}"
    return ""


def _stripped_lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().split("\n")]


def _equal_numbers(line: str, known: str) -> bool:
    ours, theirs = line.split(), known.split()
    return len(ours) == len(theirs) and all(
        _NUMBER.fullmatch(one) and _NUMBER.fullmatch(other) and Decimal(one) == Decimal(other)
        for one, other in zip(ours, theirs, strict=True)
    )


def strict_difference(text: str, expected: str, atol: float = 0.0) -> str:
    """Where the two differ by the strict rules; empty where they agree.

    >>> strict_difference("1 \\n\\n", "1"), strict_difference("1.0", "1"), strict_difference("1", "1\\n2")
    ('', 'line 1', '1 lines instead of 2')
    """
    ours, theirs = _written_lines(text), _written_lines(expected)
    if len(ours) != len(theirs):
        return f"{len(ours)} lines instead of {len(theirs)}"
    for number, (line, known) in enumerate(zip(ours, theirs, strict=True), start=1):
        if line != known and not (atol and _close_words(line, known, atol)):
            return f"line {number}"
    return ""


def _written_lines(text: str) -> list[str]:
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _close_words(line: str, known: str, atol: float) -> bool:
    ours, theirs = line.split(), known.split()
    return len(ours) == len(theirs) and all(
        one == other or _close(one, other, atol) for one, other in zip(ours, theirs, strict=True)
    )


def _close(one: str, other: str, atol: float) -> bool:
    """Whether two numbers are; an expected integer is no matter of tolerance."""
    if not (_NUMBER.fullmatch(one) and _NUMBER.fullmatch(other)) or other.lstrip("+-").isdigit():
        return False
    return abs(float(one) - float(other)) <= atol


def _cut(text: str) -> str:
    kept = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 20]}… {len(text):,} in all"
    return kept.encode("utf-8", "backslashreplace").decode()
