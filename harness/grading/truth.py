"""Expected values and reference times: made once, in workers that are thrown away afterwards.

The canonical solution of a problem runs on its inputs like any other program; what it returns
is kept as codec frames. A value above the codec's inline limit is kept as a digest, and in full
only where a comparison may need more than its bytes: because it is not plain, or a tolerance or
an entry point's rule applies. HumanEval+ has 255 MB of expected values, MBPP+ 1.4 GB.

Cached one file a problem under `<cache>/truth/<grader>/<environment>/<problem sha256>`, so that a
changed problem, grader or interpreter makes its own. The files are ours, checked by a digest;
they hold frames, no pickle.
"""

import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from harness.errors import StorageError
from harness.grading.profiles import GRADER_VERSION
from harness.records import Problem, Suite, Value
from sandboxes.agent import codec
from sandboxes.environments import libraries_named
from sandboxes.protocol import (
    Bundle,
    End,
    Execution,
    Job,
    Limits,
    Reply,
    Returned,
    UnittestRun,
    Workers,
)

NOT_NONE_ENTRY_POINTS = frozenset({"check_str", "text_match_three", "text_starta_endb"})
"""MBPP problems whose truth is whether the answer is None (a match object can't be compared)."""

SET_ENTRY_POINTS = frozenset(
    "similar_elements find_char_long common_in_nested_lists extract_singly larg_nnum "
    "intersection_array find_dissimilar Diff".split()
)
"""MBPP problems whose answers are compared as sets."""

_REFERENCE_LIMITS = Limits(wall_s=600.0, cpu_s=600.0, memory_mb=8192)
_UNITTEST_LIMITS = Limits(wall_s=660.0, cpu_s=660.0, input_wall_s=(600.0,), memory_mb=8192)
_NEVER = 1 << 60
_CLOCK = re.compile(r"\b(?:date|datetime|time|localtime|now|today|pytz|stat|getctime|getmtime)\b")
_TICK_S = 1.1
"""More than a second: a test that holds an answer against the clock fails in one of two replays."""


@dataclass(frozen=True)
class SuiteTruth:
    """What the calls of one suite must return, and how long the reference took on each."""

    name: str
    frames: tuple[bytes, ...]
    """Codec frames; digests for what is large."""
    large: Mapping[int, bytes]
    """The whole frames of large values that a tolerance or a loose `==` may have to look into."""
    reference_s: tuple[float, ...]
    first_float: int
    """Number of the first input whose expected value EvalPlus calls floats."""
    settles: tuple[bool, ...]
    """Where equal bytes prove equal values (a NaN equals nothing)."""

    def whole(self, index: int) -> bytes:
        return self.large.get(index, self.frames[index])

    @cached_property
    def num_bytes(self) -> int:
        """Of all expected values, encoded."""
        return sum(
            len(frame) if frame[:1] != b"D" else codec.digest_size(frame) for frame in self.frames
        )

    def part(self, kept: Sequence[int]) -> "SuiteTruth":
        """Of these tests alone."""
        places = {old: new for new, old in enumerate(kept)}
        return SuiteTruth(
            name=self.name,
            frames=tuple(self.frames[index] for index in kept),
            large={places[old]: frame for old, frame in self.large.items() if old in places},
            reference_s=tuple(self.reference_s[index] for index in kept),
            first_float=_NEVER,
            settles=tuple(self.settles[index] for index in kept),
        )


@dataclass(frozen=True)
class UnittestTruth:
    """How the canonical solution fares in the runs of a unittest job (agent/unittests.py)."""

    name: str
    reference_s: float
    """Of the tests with the program, together."""
    poison_end: str
    """`completed`, or `timeout` where the tests hang without the function."""
    poison_passed: frozenset[str]
    poison_unstable: frozenset[str]
    """Tests that passed under the poison in one of two jobs, or did not end: they say nothing."""
    replay_passed: frozenset[str]
    """Tests that passed in both jobs without the program, on its answers."""
    changed: frozenset[str]
    foreign: frozenset[str]
    """Types in its answers that are not data: `own:` for all classes of its own."""

    @classmethod
    def of(cls, suite: Suite, first: Execution, second: Execution) -> "UnittestTruth | str":
        """From two jobs of the canonical solution; why not, where it fails the tests."""
        both = (first, second)
        reals = [execution.evidence.run("real") for execution in both]
        poisons = [execution.evidence.run("poison") for execution in both]
        replays = [execution.evidence.run("replay") for execution in both]
        for execution, real in zip(both, reals, strict=True):
            if execution.end != End.COMPLETED:
                return f"{suite.name}: {execution.detail or execution.end.value}"
            for test in real.tests:
                if test.outcome != "passed":
                    return f"{suite.name}: {test.name} {test.outcome}: {test.message}"
            if real.problem or sorted(test.name for test in real.tests) != sorted(suite.methods):
                return f"{suite.name}: {real.problem or 'other tests ran than the file has'}"
        unfinished = frozenset(
            name
            for poison in poisons
            if poison.end == "timeout"
            for name in set(suite.methods) - {test.name for test in poison.tests if test.outcome}
        )
        hangs = any(poison.end == "timeout" for poison in poisons)
        return cls(
            name=suite.name,
            reference_s=max(sum(test.elapsed_s for test in real.tests) for real in reals),
            poison_end="timeout" if hangs else poisons[0].end,
            poison_passed=poisons[0].passed & poisons[1].passed,
            poison_unstable=(poisons[0].passed ^ poisons[1].passed) | unfinished,
            replay_passed=replays[0].passed & replays[1].passed,
            changed=frozenset(label for run in (*reals, *poisons) for label in run.changed),
            foreign=frozenset(kind for real in reals for kind in foreign_kinds(real)),
        )

    @classmethod
    def unknown(cls, suite: Suite) -> "UnittestTruth":
        """Of a canonical solution that fails: nothing that a program could be held against."""
        none: frozenset[str] = frozenset()
        all_methods = frozenset(suite.methods)
        return cls(suite.name, 0.0, "completed", none, all_methods, none, none, none)


def foreign_kinds(run: UnittestRun) -> frozenset[str]:
    """What kinds of thing that are not data a program answered with; its own classes are one."""
    return frozenset("own:" if kind.startswith("own:") else kind for kind in run.foreign)


@dataclass(frozen=True)
class Truth:
    """All suites of one problem. `failure` says why the canonical solution gave none."""

    suites: Mapping[str, SuiteTruth] = field(default_factory=dict[str, SuiteTruth])
    failure: str = ""
    unittests: Mapping[str, UnittestTruth] = field(default_factory=dict[str, UnittestTruth])
    known_failure: str = ""
    """The canonical solution fails here, as it is known to: no program can be seen to pass."""

    def part(self, kept: Mapping[str, Sequence[int]]) -> "Truth":
        """Of these tests of the suites of calls."""
        suites = {name: suite.part(kept[name]) for name, suite in self.suites.items()}
        return replace(self, suites=suites)

    @cached_property
    def reference_s(self) -> float:
        calls_s = sum(sum(suite.reference_s) for suite in self.suites.values())
        return calls_s + sum(suite.reference_s for suite in self.unittests.values())


def drawn_tests(problem: Problem, num_tests: int, seed: int) -> dict[str, tuple[int, ...]]:
    """Which tests of each suite of calls are drawn, `num_tests` in all, in their order."""
    places = [
        (suite.name, index)
        for suite in problem.suites
        if not suite.unittest
        for index in range(len(suite))
    ]
    random = Random(f"{seed} {problem.sha256}")
    kept = set(random.sample(places, min(num_tests, len(places))))
    return {
        suite.name: tuple(index for index in range(len(suite)) if (suite.name, index) in kept)
        for suite in problem.suites
        if not suite.unittest
    }


def suite_part(suite: Suite, kept: Sequence[int]) -> Suite:
    """A suite of calls with these tests alone."""
    expected = suite.expected
    return replace(
        suite,
        inputs=tuple(suite.inputs[index] for index in kept),
        expected=None if expected is None else tuple(expected[index] for index in kept),
    )


def bundle_of(suite: Suite) -> Bundle:
    return Bundle.of([codec.encode(arguments, inline_limit=None) for arguments in suite.inputs])


def make_truths(
    problems: Iterable[Problem], workers: Workers, rules: str = "", environment: str = "python"
) -> Iterator[tuple[Problem, Truth]]:
    """Run the canonical solutions; a truth for each problem, in any order.

    `rules` and `environment` are for unittest files: see `protocol.Job`.
    """
    by_job: dict[str, tuple[Problem, Suite]] = {}
    collectors: dict[str, _Collector] = {}
    finished: dict[str, dict[str, SuiteTruth | UnittestTruth | str]] = {}
    firsts: dict[str, Execution] = {}

    def jobs() -> Iterator[Job]:
        for problem in problems:
            for suite in problem.suites:
                for again in ("", " again") if suite.unittest else ("",):
                    job_id = f"{problem.id} {suite.name}{again}"
                    by_job[job_id] = problem, suite
                    collectors[job_id] = _Collector(problem)
                    yield Job(
                        id=job_id,
                        code=problem.solution,
                        entry_point=problem.entry_point,
                        bundle=bundle_of(suite),
                        limits=_UNITTEST_LIMITS if suite.unittest else _REFERENCE_LIMITS,
                        kind=suite.kind,
                        tests=suite.unittest,
                        rules=rules if suite.unittest else "",
                        replay_after_s=_TICK_S if again and _CLOCK.search(suite.unittest) else 0.0,
                        libraries=libraries_of(problem, suite, problem.solution, environment),
                    )

    for execution in workers.run(jobs(), lambda job_id, chunk: collectors[job_id].see(chunk)):
        problem, suite = by_job.pop(execution.job_id)
        collector = collectors.pop(execution.job_id)
        outcomes = finished.setdefault(problem.id, {})
        if suite.kind == "unittest":
            # Twice, so that what differs from one time to the next is no evidence.
            key = f"{problem.id} {suite.name}"
            if key not in firsts:
                firsts[key] = execution
                continue
            outcomes[suite.name] = UnittestTruth.of(suite, firsts.pop(key), execution)
        elif execution.end != End.COMPLETED or len(collector.frames) != len(suite):
            reason = execution.detail or collector.exception or execution.end.value
            outcomes[suite.name] = f"{suite.name}: {reason}"
        else:
            outcomes[suite.name] = collector.truth(problem, suite)
        if len(outcomes) == len(problem.suites):
            del finished[problem.id]
            failures = [outcome for outcome in outcomes.values() if isinstance(outcome, str)]
            if failures and problem.known_failure:
                unknown = {suite.name: UnittestTruth.unknown(suite) for suite in problem.suites}
                yield problem, Truth(unittests=unknown, known_failure=problem.known_failure)
            elif failures:
                yield problem, Truth(failure="; ".join(failures))
            else:
                in_order = [outcomes[suite.name] for suite in problem.suites]
                yield (
                    problem,
                    Truth(
                        {each.name: each for each in in_order if isinstance(each, SuiteTruth)},
                        unittests={
                            each.name: each for each in in_order if isinstance(each, UnittestTruth)
                        },
                    ),
                )


def libraries_of(problem: Problem, suite: Suite, code: str, environment: str) -> str:
    """The group of libraries that a program and its unittest file should find loaded."""
    if not suite.unittest:
        return ""
    return libraries_named(environment, f"{problem.preamble}\n{code}\n{suite.unittest}")


class _Collector:
    """Gathers what one canonical solution returns."""

    def __init__(self, problem: Problem) -> None:
        as_sets = problem.family == "mbpp" and problem.entry_point in SET_ENTRY_POINTS
        self._loose = as_sets or problem.atol > 0
        self._is_stdio = any(suite.stdio for suite in problem.suites)
        self.first_float = _NEVER
        self.frames: list[bytes] = []
        self.large: dict[int, bytes] = {}
        self.reference_s: list[float] = []
        self.exception = ""

    def see(self, chunk: Sequence[Returned]) -> Reply:
        for answer in chunk:
            if answer.exception:
                self.exception = f"input {answer.index}: {answer.exception}"
                return Reply.ENOUGH
            if self._is_stdio:
                self._take_output(answer)
                continue
            if self.first_float == _NEVER and is_floats(codec.decode(answer.frame)):
                self.first_float = answer.index
            if answer.index < len(self.frames):
                self.large[answer.index] = answer.frame
                continue
            self.frames.append(answer.frame)
            self.reference_s.append(answer.elapsed_s)
        if self._is_stdio:
            return Reply.FULL
        last = codec.decode(chunk[-1].frame) if chunk[-1].frame[:1] == b"D" else None
        loose = self._loose or self.first_float != _NEVER
        needs_whole = isinstance(last, codec.Digest) and (loose or not last.plain)
        return Reply.FULL if needs_whole else Reply.GO_ON

    def _take_output(self, answer: Returned) -> None:
        """What a program printed is kept as a text, once it is here in full."""
        value = codec.decode(answer.frame)
        if isinstance(value, codec.Digest):
            return
        output, _ = cast(tuple[bytes, int], value)
        _keep(output.decode("utf-8", "replace"), self.frames, self.large)
        self.reference_s.append(answer.elapsed_s)

    def truth(self, problem: Problem, suite: Suite) -> SuiteTruth:
        if suite.expected is not None:
            return explicit_truth(suite, self.reference_s)
        frames, large, first_float = self.frames, self.large, self.first_float
        if problem.family == "mbpp" and problem.entry_point in NOT_NONE_ENTRY_POINTS:
            none = codec.encode(None)
            frames, large = [codec.encode(frame != none) for frame in frames], {}
            first_float = _NEVER
        return SuiteTruth(
            name=suite.name,
            frames=tuple(frames),
            large=large,
            reference_s=tuple(self.reference_s),
            first_float=first_float,
            settles=tuple(map(codec.same_bytes_mean_equal, frames)),
        )


def _keep(value: Value, frames: list[bytes], large: dict[int, bytes]) -> None:
    frames.append(codec.encode(value))
    if frames[-1][:1] == b"D":
        large[len(frames) - 1] = codec.encode(value, inline_limit=None)


def explicit_truth(suite: Suite, reference_s: Sequence[float]) -> SuiteTruth:
    """The truth of a suite that says itself what is expected."""
    assert suite.expected is not None
    frames: list[bytes] = []
    large: dict[int, bytes] = {}
    for value in suite.expected:
        _keep(value, frames, large)
    floats = (index for index, value in enumerate(suite.expected) if is_floats(value))
    return SuiteTruth(
        name=suite.name,
        frames=tuple(frames),
        large=large,
        reference_s=tuple(reference_s),
        first_float=next(floats, _NEVER),
        settles=tuple(map(codec.same_bytes_mean_equal, frames)),
    )


def truth_without_solution(problem: Problem) -> Truth:
    """The truth of a problem whose publisher gives none: what its suites say, and no times."""
    return Truth(
        {suite.name: explicit_truth(suite, [0.0] * len(suite)) for suite in problem.suites}
    )


def is_floats(value: Value) -> bool:
    """EvalPlus: a float, a non-empty list or tuple of floats, or an array of 32 or 64 bit."""
    if isinstance(value, float):
        return True
    if isinstance(value, list | tuple) and value:
        return all(isinstance(member, float) for member in cast(Sequence[Value], value))
    if isinstance(value, np.ndarray):
        return cast(NDArray[np.generic], value).dtype.name in ("float64", "float32")
    return False


# --- on disk -------------------------------------------------------------------------------


class _SuiteHead(NamedTuple):
    name: str
    lengths: list[int]
    large: dict[str, int]
    reference_s: list[float]
    first_float: int
    settles: str
    """A 1 or a 0 for each frame."""


class TruthCache:
    """Truths of one environment on disk. A file that is torn or foreign is made again."""

    def __init__(self, folder: Path, environment: str, rules: str = "") -> None:
        """`rules` are those of the unittest jobs (`protocol.Job`)."""
        name = f"{environment}+{rules}" if rules else environment
        self._folder = folder / "truth" / GRADER_VERSION / name
        self._gate = self._folder / "gate.jsonl"

    def load(self, problem: Problem) -> Truth | None:
        try:
            content = self._path(problem).read_bytes()
        except OSError:
            return None
        digest, packed = content[:32], content[32:]
        if hashlib.sha256(packed).digest() != digest:
            return None
        try:
            return _unpack(zlib.decompress(packed))
        except (zlib.error, ValueError, TypeError):  # of another layout
            return None

    def save(self, problem: Problem, truth: Truth) -> None:
        """Write a truth, whole or not at all.

        Raises:
            StorageError: the cache can't be written.
        """
        packed = zlib.compress(_pack(truth), level=1)
        path = self._path(problem)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(".part")
            draft.write_bytes(hashlib.sha256(packed).digest() + packed)
            draft.replace(path)
        except OSError as error:
            raise self._unwritable(error) from error

    def passed_gate(self, profile: str) -> set[str]:
        """Truth keys of the problems whose canonical solution has passed here under a profile."""
        try:
            lines = self._gate.read_text().splitlines()
        except OSError:
            return set()
        passed: set[str] = set()
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:  # a torn line: that problem passes the gate once more
                continue
            if row["profile"] == profile:
                passed.add(row["sha256"])
        return passed

    def record_gate(self, profile: str, problem: Problem) -> None:
        """Remember that a canonical solution has passed.

        Raises:
            StorageError: the cache can't be written.
        """
        try:
            with self._gate.open("a") as gate:
                gate.write(json.dumps({"profile": profile, "sha256": problem.truth_key}) + "\n")
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> StorageError:
        return StorageError(
            f"the cache {self._folder} can't be written ({error.strerror}): "
            "set HARNESS_CACHE to a folder with room"
        )

    def _path(self, problem: Problem) -> Path:
        return self._folder / f"{problem.truth_key}.truth"


def _pack(truth: Truth) -> bytes:
    heads: list[_SuiteHead] = []
    blobs: list[bytes] = []
    for suite in truth.suites.values():
        heads.append(
            _SuiteHead(
                suite.name,
                [len(frame) for frame in suite.frames],
                {str(index): len(frame) for index, frame in suite.large.items()},
                list(suite.reference_s),
                suite.first_float,
                "".join("01"[settles] for settles in suite.settles),
            )
        )
        blobs += [*suite.frames, *suite.large.values()]
    rows = [_unittest_row(suite) for suite in truth.unittests.values()]
    said = [truth.known_failure] if truth.known_failure else []
    head = json.dumps([*heads, *rows, *said]).encode()
    return b"".join([len(head).to_bytes(8, "big"), head, *blobs])


def _unpack(content: bytes) -> Truth:
    length = int.from_bytes(content[:8], "big")
    place = 8 + length
    suites: dict[str, SuiteTruth] = {}
    unittests: dict[str, UnittestTruth] = {}
    known_failure = ""
    for fields in json.loads(content[8:place]):
        if isinstance(fields, str):
            known_failure = fields
            continue
        if isinstance(fields, dict):
            row = _read_unittest_row(cast(dict[str, Any], fields))
            unittests[row.name] = row
            continue
        head = _SuiteHead(*fields)
        frames: list[bytes] = []
        for size in head.lengths:
            frames.append(content[place : place + size])
            place += size
        large: dict[int, bytes] = {}
        for index, size in head.large.items():
            large[int(index)] = content[place : place + size]
            place += size
        suites[head.name] = SuiteTruth(
            name=head.name,
            frames=tuple(frames),
            large=large,
            reference_s=tuple(head.reference_s),
            first_float=head.first_float,
            settles=tuple(bit == "1" for bit in head.settles),
        )
    return Truth(suites, unittests=unittests, known_failure=known_failure)


_SETS = ("poison_passed", "poison_unstable", "replay_passed", "changed", "foreign")


def _unittest_row(truth: UnittestTruth) -> dict[str, Any]:
    row = asdict(truth)
    return row | {name: sorted(row[name]) for name in _SETS}


def _read_unittest_row(row: dict[str, Any]) -> UnittestTruth:
    sets: dict[str, Any] = {name: frozenset(row[name]) for name in _SETS}
    return UnittestTruth(**(row | sets))
