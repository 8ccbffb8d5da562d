"""Run what is to become a row in the sandbox, many programs a job, and compare the answers outside.

    for verified in verify(candidates, workers): ...

A job costs milliseconds to start, so the solutions of a pack of candidates travel as one program
(runner.py), which is called with a candidate's number and arguments. Inputs go in, answers come
out, and this side alone holds what the teacher claims. A pack that ends before all its tests are
answered is run again, one candidate a job: what ends it there is that candidate's own doing. Who
does not come back from a probe is asked no more of them. A job that was lost is our failure: it is
run again, and then again.

Not here: programs that a model wrote. A pack shares a process, which is for programs of one author.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from generators import behaviour, runner
from generators.candidates import Candidate, equal
from harness.errors import SandboxError
from harness.records import Value
from sandboxes.agent import codec
from sandboxes.protocol import Bundle, End, Execution, Job, Limits, Returned, Workers

PACK = 32
"""Candidates a job."""
MAX_TRIES = 3
"""How often a lost job is run."""
_CALL_S = 2.0
_PROBE_S = 0.25
_JOB_S = 60.0
_HEAD = Path(runner.__file__).read_text("utf-8")


class Verified(NamedTuple):
    """A candidate, and what the sandbox showed."""

    candidate: Candidate
    complaint: str
    """Why it is no row; empty where it is."""
    answers: tuple[str | None, ...]
    """To the probes of its type, by number; None where it was not asked, or never came back."""


@dataclass(frozen=True, slots=True)
class _Pack:
    """Candidates of one job: first the tests of all, then the probes of all."""

    candidates: Sequence[Candidate]
    number_of_try: int = 1
    probes_left_out: frozenset[int] = frozenset()
    """Candidates, by number, that are not asked probes again: they did not come back from one."""

    @property
    def calls(self) -> list[tuple[int, Sequence[Value]]]:
        tests = [
            (number, arguments)
            for number, candidate in enumerate(self.candidates)
            for arguments in candidate.calls
        ]
        return tests + [(number, arguments) for number, _, arguments in self.probes]

    @property
    def probes(self) -> list[tuple[int, int, Sequence[Value]]]:
        """Number of the candidate, number of the probe, arguments."""
        return [
            (number, probe, arguments)
            for number, candidate in enumerate(self.candidates)
            if number not in self.probes_left_out
            for probe, arguments in candidate.probes
        ]

    @property
    def num_tests(self) -> int:
        return sum(len(candidate.calls) for candidate in self.candidates)

    def job(self, name: str) -> Job:
        programs = "".join(
            f"PROGRAMS.append(Program({candidate.solution!r}, {candidate.entry_point!r}))\n"
            for candidate in self.candidates
        )
        frames = [codec.encode(call, inline_limit=None) for call in self.calls]
        each_s = (_CALL_S,) * self.num_tests + (_PROBE_S,) * (len(frames) - self.num_tests)
        return Job(
            id=name,
            code=f"{_HEAD}\n{programs}",
            entry_point="call",
            bundle=Bundle.of(frames),
            limits=Limits(wall_s=_JOB_S, cpu_s=_JOB_S, input_wall_s=each_s),
            stop_at_exception=False,
        )

    def read(self, execution: Execution) -> "Iterator[Verified | _Pack]":
        """What became of each candidate, or the packs to run instead."""
        values = execution.values
        if execution.end == End.LOST:
            if self.number_of_try == MAX_TRIES:
                raise SandboxError(f"a job was lost {MAX_TRIES} times: {execution.detail}")
            yield replace(self, number_of_try=self.number_of_try + 1)
        elif execution.end == End.COMPLETED:
            yield from self._verified(values)
        elif self.num_tests <= len(values) < len(self.calls):
            guilty = self.probes[len(values) - self.num_tests][0]
            yield replace(self, probes_left_out=self.probes_left_out | {guilty})
        elif len(self.candidates) > 1:
            yield from (_Pack((candidate,)) for candidate in self.candidates)
        else:
            yield Verified(self.candidates[0], _ended(execution), ())

    def _verified(self, values: Sequence[Returned]) -> "Iterator[Verified]":
        answers: dict[int, dict[int, str]] = {}
        probed = values[self.num_tests :]
        for (number, probe, _), answer in zip(self.probes, probed, strict=True):
            answers.setdefault(number, {})[probe] = _probe_text(answer)
        start = 0
        for number, candidate in enumerate(self.candidates):
            tested = values[start : start + len(candidate.calls)]
            start += len(candidate.calls)
            found = answers.get(number, {})
            yield Verified(
                candidate,
                _complaint(candidate, tested),
                tuple(found.get(probe) for probe in range(behaviour.NUM_PROBES)) if found else (),
            )


def verify(candidates: Iterable[Candidate], workers: Workers) -> Iterator[Verified]:
    """Each candidate once, in any order; those with a complaint already are not run.

    Raises:
        SandboxError: the sandbox breaks down, or loses one job again and again.
    """
    to_run: list[Candidate] = []
    for candidate in candidates:
        if candidate.complaint:
            yield Verified(candidate, candidate.complaint, ())
        else:
            to_run.append(candidate)
    packs = [_Pack(to_run[start : start + PACK]) for start in range(0, len(to_run), PACK)]
    while packs:
        again: list[_Pack] = []
        by_name = {str(number): pack for number, pack in enumerate(packs)}
        jobs = (pack.job(name) for name, pack in by_name.items())
        for execution in workers.run(jobs):
            for outcome in by_name[execution.job_id].read(execution):
                if isinstance(outcome, Verified):
                    yield outcome
                else:
                    again.append(outcome)
        packs = again


def _ended(execution: Execution) -> str:
    if execution.end == End.EXCEPTION:
        return "solution raises"
    return f"solution: {execution.end.value.replace('_', ' ')}"


def _complaint(candidate: Candidate, answers: Sequence[Returned]) -> str:
    for answer, expected in zip(answers, candidate.expected, strict=True):
        if answer.exception:
            return "solution raises"
        if answer.frame == codec.encode(expected):
            continue
        try:
            value = codec.decode(answer.frame)
        except codec.CodecError:
            return "answer is no data"
        if not equal(value, expected):
            return "sandbox disagrees"
    return ""


def _probe_text(answer: Returned) -> str:
    if answer.exception:
        return behaviour.RAISED
    try:
        return behaviour.answer_text(codec.decode(answer.frame))
    except codec.CodecError:
        return behaviour.RAISED
