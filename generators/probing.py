"""How the solutions of benchmarks answer the probes: run once, in the sandbox, and cached.

    behaviours = behaviours_of(benchmark.problems, workers=…, cache=settings.cache)

A publisher's solution is code from outside, so each runs in a job of its own. A problem whose
arguments have a type with float is probed on integers as well: it has a behaviour there too.

Not here: what is done with the answers (decontaminate.py).
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from generators import behaviour
from generators.behaviour import Shape
from generators.decontaminate import Behaviour
from harness.errors import SandboxError, StorageError
from harness.records import Problem, content_sha256
from sandboxes.agent import codec
from sandboxes.protocol import Bundle, End, Execution, Job, Limits, Workers

_CALL_S = 0.5
_LIMITS = Limits(wall_s=20.0, cpu_s=20.0, input_wall_s=(_CALL_S,) * behaviour.NUM_PROBES)
MAX_TRIES = 3
MAX_SKIPPED = 4
"""Probes that a solution may hang on; then the rest is left out too."""


@dataclass(frozen=True, slots=True)
class _Trial:
    """A solution on the probes of one type. `skipped` are probes that it never came back from."""

    problem: Problem
    shapes: tuple[Shape, ...]
    skipped: frozenset[int] = frozenset()
    number_of_try: int = 1

    def job(self, name: str) -> Job:
        frames = [
            codec.encode(arguments, inline_limit=None)
            for number, arguments in enumerate(behaviour.probes_for(self.shapes))
            if number not in self.skipped
        ]
        return Job(
            id=name,
            code=self.problem.solution,
            entry_point=self.problem.entry_point,
            bundle=Bundle.of(frames),
            limits=_LIMITS,
            stop_at_exception=False,
        )

    def read(self, execution: Execution) -> "Behaviour | _Trial":
        if execution.end == End.LOST:
            if self.number_of_try == MAX_TRIES:
                raise SandboxError(f"a job was lost {MAX_TRIES} times: {execution.detail}")
            return replace(self, number_of_try=self.number_of_try + 1)
        asked = [number for number in range(behaviour.NUM_PROBES) if number not in self.skipped]
        answers: list[str | None] = [None] * behaviour.NUM_PROBES
        for value in execution.values:
            if not value.exception:
                answers[asked[value.index]] = _text(value.frame)
        num_left = len(asked) - len(execution.values)
        is_stuck = execution.end not in (End.COMPLETED, End.SYNTAX, End.EXCEPTION)
        if is_stuck and num_left and len(self.skipped) < MAX_SKIPPED:
            stuck_at = asked[len(execution.values)]
            return replace(self, skipped=self.skipped | {stuck_at})
        return Behaviour(self.problem.id, behaviour.canonical(self.shapes), tuple(answers))


def _text(frame: bytes) -> str | None:
    try:
        return behaviour.answer_text(codec.decode(frame))
    except codec.CodecError:
        return None


def behaviours_of(
    problems: Sequence[Problem],
    *,
    workers: Workers,
    cache: Path,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Behaviour]:
    """The behaviours of the problems that have one, sorted; from the cache where they are known.

    Raises:
        SandboxError: the sandbox breaks down.
        StorageError: the cache can't be written.
    """
    identity = content_sha256(
        [behaviour.VERSION, sorted([problem.id, problem.sha256] for problem in problems)]
    )
    path = cache / "behaviours" / workers.environment / f"{identity}.json"
    known = _read(path)
    if known is None:
        known = sorted(
            _try_all(list(_trials(problems)), workers, on_progress),
            key=lambda found: (found.problem, found.types),
        )
        _write(path, known)
    return known


def _trials(problems: Sequence[Problem]) -> Iterator[_Trial]:
    for problem in problems:
        suite = problem.suites[0]
        if suite.kind != "calls" or not problem.entry_point or not problem.solution:
            continue
        shapes = behaviour.shapes_of(suite.inputs)
        if not shapes:
            continue
        yield _Trial(problem, shapes)
        if behaviour.as_integers(shapes) != shapes:
            yield _Trial(problem, behaviour.as_integers(shapes))


def _try_all(
    trials: list[_Trial], workers: Workers, on_progress: Callable[[int, int], None]
) -> Iterator[Behaviour]:
    total, done = len(trials), 0
    while trials:
        by_name = {str(number): trial for number, trial in enumerate(trials)}
        trials = []
        for execution in workers.run(trial.job(name) for name, trial in by_name.items()):
            outcome = by_name[execution.job_id].read(execution)
            if isinstance(outcome, _Trial):
                trials.append(outcome)
                continue
            done += 1
            on_progress(done, total)
            if behaviour.has_behaviour(outcome.answers):
                yield outcome


def _read(path: Path) -> list[Behaviour] | None:
    try:
        rows: list[list[object]] = json.loads(path.read_text("utf-8"))
        return [
            Behaviour(str(problem), str(types), _answers(answers))
            for problem, types, answers in rows
        ]
    except (OSError, ValueError, TypeError):  # absent, torn or of another layout: made again
        return None


def _answers(answers: object) -> tuple[str | None, ...]:
    if not isinstance(answers, list):
        raise TypeError
    return tuple(None if answer is None else str(answer) for answer in answers)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _write(path: Path, known: Sequence[Behaviour]) -> None:
    rows = [[found.problem, found.types, list(found.answers)] for found in known]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        draft.write_text(json.dumps(rows), "utf-8")
        draft.replace(path)
    except OSError as error:
        raise StorageError(
            f"the cache {path.parent} can't be written ({error.strerror}): "
            "set HARNESS_CACHE to a folder with room"
        ) from error
