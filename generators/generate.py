"""Make the rows that a plan asks for: propose, verify, decontaminate, dedupe, record.

    dataset = generate(plan, home=home, tools=Tools(workers=workers, guard=guard))

Types are made one after another, each by units: the next few tasks of one of two seeds, by turns.
Units are proposed in processes, some ahead, and verified in the sandbox; decisions are taken in
order, here, and recorded a unit at a time. So the dataset is a function of plan, teacher, index and parents alone: the same
bytes with one process or two, and after a kill.

Not here: what is asked of a row (candidates.py, verify.py, decontaminate.py, dedupe.py), and what
lies on disk (manifest.py).
"""

import hashlib
import multiprocessing
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import TypeAlias

from generators import behaviour, candidates, dedupe, fingerprints, manifest, replaying
from generators.candidates import Candidate, Unit
from generators.decontaminate import AST_CURVE, LEVELS, Guard, Match, Suspect
from generators.manifest import Draft, Entry, Outcome
from generators.verify import Verified, verify
from harness import datasets
from harness.datasets import INDEX, DatasetInfo
from harness.errors import DataError, SandboxError
from harness.records import DataPlan, Manifest, Quota, TrainingRow, content_sha256
from sandboxes.agent import linux
from sandboxes.protocol import Workers

STREAMS = 2
"""Seeds a type. A seed gives each task once and two of them meet, so few are better than many."""
MAX_UNIT = 64
"""Tasks."""
MIN_UNIT = 8
MAX_BARREN = 6
"""Units in a row without a new row: then the teacher has no more of that type."""
MAX_PROPOSALS = 30
"""For each row that is wanted."""
VERSION = "1"
"""Changes when the same plan could get other rows."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a generation stands."""

    type: str
    num_rows: int
    num_wanted: int
    """Of this type."""
    total_rows: int
    total_wanted: int
    num_proposed: int
    """Of all types."""
    rows_per_s: float
    """Since this process started."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What rows are made with; none of it changes which rows are made, but for the guard."""

    workers: Workers
    guard: Guard
    guarded: Mapping[str, int] = field(default_factory=dict[str, int])
    """The benchmarks of the guard, with their problems."""
    num_processes: int = 1
    on_progress: Callable[[Progress], None] = lambda progress: None


def teacher_of(plan: DataPlan) -> str:
    """The name of the plan's teacher.

    Raises:
        DataError: the plan was made for another version of it.
    """
    name, _, version = plan.teacher.partition("@")
    teacher = candidates.teacher_named(name)
    if version != teacher.version:
        raise DataError(
            f"the plan was made for {plan.teacher}, and this is version {teacher.version}: "
            "make the plan anew with `harness plan`"
        )
    return name


def request_of(plan: DataPlan, guard: Guard) -> str:
    """The identity of what is asked for: the same request gives the same dataset."""
    rules = [VERSION, dedupe.VERSION, fingerprints.VERSION, behaviour.VERSION]
    return content_sha256({"plan": plan.sha, "index": guard.hash, "rules": rules})


def generate(plan: DataPlan, *, home: Path, tools: Tools) -> DatasetInfo:
    """The dataset of this plan: made, gone on with where it was left, or there already.

    Raises:
        UserError: the teacher, a parent or the home is wrong; nothing was done.
        SandboxError: the sandbox broke down; what was decided is kept.
        StorageError: the home can't be written; what was decided is kept.
    """
    teacher = teacher_of(plan)
    request = request_of(plan, tools.guard)
    for known in datasets.datasets(home):
        if known.manifest.request == request:
            return known
    parents = [datasets.find(home, parent) for parent in plan.parents]
    seen = dedupe.load_all(parent.path / INDEX for parent in parents)
    with Draft.open(home, request) as draft:
        _Maker(plan, teacher, tools, seen, draft).work(parents)
        return _finish(draft, plan, request, tools)


class _Maker:
    """One generation under way."""

    def __init__(
        self, plan: DataPlan, teacher: str, tools: Tools, seen: dedupe.Seen, draft: Draft
    ) -> None:
        self._plan = plan
        self._teacher = teacher
        self._tools = tools
        self._seen = seen
        self._draft = draft
        self._recorded: dict[tuple[str, int], Entry] = {}
        for entry in draft.entries:
            self._recorded[entry.type, entry.unit] = entry
            for outcome in entry.outcomes:
                if outcome.accepted and outcome.keys:
                    seen.add(dedupe.read_line(outcome.keys))
        self._num_rows = sum(outcome.accepted for outcome in draft.outcomes)
        self._num_resumed = self._num_rows
        self._num_proposed = len(draft.outcomes)
        self._started = monotonic()
        self._total = sum(quota.num_rows for quota in plan.quotas) + plan.num_replay

    def work(self, parents: Sequence[DatasetInfo]) -> None:
        """Bring all quotas to their ends."""
        types = self._tools.guard.wanted_types
        if parents and self._plan.num_replay and ("", 0) not in self._recorded:
            chosen = replaying.choose(
                parents[0], self._plan.num_replay, seed=self._plan.seed, types=types
            )
            verified = _in_order(verify(chosen.candidates, self._tools.workers))
            outcomes = [self._decide(each, parent=chosen.parent) for each in verified]
            self._record(Entry(type="", unit=0, outcomes=tuple(outcomes)))
        with _Proposals(types, self._tools) as proposals:
            for quota in self._plan.quotas:
                self._fill(quota, proposals)

    def _fill(self, quota: Quota, proposals: "_Proposals") -> None:
        num_rows = num_proposed = num_barren = number = 0
        while (
            num_rows < quota.num_rows
            and num_barren < MAX_BARREN
            and num_proposed < MAX_PROPOSALS * quota.num_rows
        ):
            entry = self._recorded.get((quota.type, number))
            if entry is None:
                entry = self._make(quota, number, num_rows, proposals)
            number += 1
            num_new = sum(outcome.accepted for outcome in entry.outcomes)
            num_barren = 0 if num_new else num_barren + 1
            num_rows += num_new
            num_proposed += len(entry.outcomes)
            self._tools.on_progress(
                Progress(
                    quota.type,
                    num_rows,
                    quota.num_rows,
                    self._num_rows,
                    self._total,
                    self._num_proposed,
                    (self._num_rows - self._num_resumed) / max(0.01, monotonic() - self._started),
                )
            )

    def _make(self, quota: Quota, number: int, num_rows: int, proposals: "_Proposals") -> Entry:
        """Decide a unit; those behind it are got ready, as far as they will be needed."""
        key = quota.type, number
        if key not in proposals.verified:
            num_needed = 1 + (quota.num_rows - num_rows) // unit_size(quota.num_rows)
            numbers = range(number, number + min(num_needed, 2 * STREAMS))
            units = {(quota.type, each): self._unit(quota, each) for each in numbers}
            later = self._plan.quotas[self._plan.quotas.index(quota) + 1 :]
            proposals.expect(
                units
                | {
                    (next_one.type, each): self._unit(next_one, each)
                    for next_one in later[: proposals.num_types_ahead]
                    if next_one.num_rows and (next_one.type, 0) not in self._recorded
                    for each in range(STREAMS)
                }
            )
            proposals.verify({each: units[each] for each in list(units)[:STREAMS]})
        outcomes: list[Outcome] = []
        for verified in proposals.verified.pop(key):
            if num_rows == quota.num_rows:
                break
            outcomes.append(self._decide(verified))
            num_rows += outcomes[-1].accepted
        entry = Entry(type=quota.type, unit=number, outcomes=tuple(outcomes))
        self._record(entry)
        return entry

    def _unit(self, quota: Quota, number: int) -> Unit:
        stream, size = number % STREAMS, unit_size(quota.num_rows)
        text = f"{self._plan.seed} {quota.type} {stream}"
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")
        skip = number // STREAMS * size
        return Unit(self._teacher, quota.type, quota.level, seed, size, skip)

    def _record(self, entry: Entry) -> None:
        self._draft.append(entry)
        self._num_rows += sum(outcome.accepted for outcome in entry.outcomes)
        self._num_proposed += len(entry.outcomes)

    def _decide(self, verified: Verified, *, parent: str = "") -> Outcome:
        """Whether a candidate becomes a row: the first reason against it counts."""
        candidate = verified.candidate
        if verified.complaint:
            return Outcome(reason=verified.complaint)
        suspect = Suspect(
            candidate.asked, candidate.code, candidate.signature, candidate.types, verified.answers
        )
        near = self._tools.guard.likeness(suspect)
        likeness = near.score if near else 0.0
        match = self._tools.guard.check_with(suspect, near)
        row = self._row(candidate, parent)
        if match is not None:
            return _contaminated(match, row, likeness)
        if parent:
            return Outcome(row=row, likeness=likeness)
        assert candidate.near is not None and candidate.code is not None
        keys = dedupe.RowKeys(
            " ".join(candidate.words), candidate.code.exact, candidate.signature, candidate.near
        )
        reason = self._seen.reason(keys)
        if reason:
            return Outcome(reason=reason, likeness=likeness)
        self._seen.add(keys)
        problem = near.problem if near else ""
        return Outcome(row=row, keys=dedupe.line_of(keys), likeness=likeness, problem=problem)

    def _row(self, candidate: Candidate, parent: str) -> TrainingRow:
        return TrainingRow(
            id=candidate.id,
            type=candidate.type,
            family=candidate.family,
            level=candidate.level,
            form=candidate.form,
            prompt=candidate.prompt,
            entry_point=candidate.entry_point,
            solution=candidate.solution,
            style=candidate.style,
            tests=candidate.tests,
            signature=candidate.signature,
            seed_id=candidate.seed_id,
            teacher=candidate.teacher,
            plan=candidate.plan or self._plan.sha,
            parent=parent,
        )


def unit_size(num_wanted: int) -> int:
    """Tasks a unit: a quarter of the quota, so that little is made in vain.

    >>> unit_size(10), unit_size(100), unit_size(5000)
    (8, 25, 64)
    """
    return min(MAX_UNIT, max(MIN_UNIT, num_wanted // 4))


def _contaminated(match: Match, row: TrainingRow, likeness: float) -> Outcome:
    kept_aside = match.level == "behav"
    return Outcome(
        row=row if kept_aside else None,
        reason="quarantine" if kept_aside else f"contaminated: {match.level}",
        level=match.level,
        problem=match.problem,
        likeness=likeness,
    )


def _in_order(verified: Iterable[Verified]) -> list[Verified]:
    return sorted(verified, key=lambda each: each.candidate.place)


_UnitKey: TypeAlias = tuple[str, int]


class _Proposals:
    """Units on their way: each stream in a process of its own, ahead of what is verified."""

    def __init__(self, types: frozenset[str], tools: Tools) -> None:
        self.verified: dict[_UnitKey, list[Verified]] = {}
        self._types = types
        self._workers = tools.workers
        self._num_processes = tools.num_processes if tools.num_processes > 1 else 0
        self._pools: list[ProcessPoolExecutor] = []
        self._on_their_way: dict[_UnitKey, Future[list[Candidate]]] = {}

    @property
    def num_types_ahead(self) -> int:
        """Types behind the present one whose first units are proposed already."""
        return (self._num_processes + STREAMS - 1) // STREAMS

    def __enter__(self) -> "_Proposals":
        context = multiprocessing.get_context("spawn")
        self._pools = [
            # Children of ours, who end with us also by kill -9.
            ProcessPoolExecutor(1, mp_context=context, initializer=linux.die_with_parent)
            for _ in range(self._num_processes)
        ]
        return self

    def __exit__(self, *exc_info: object) -> None:
        for pool in self._pools:
            pool.shutdown(wait=True, cancel_futures=True)

    def expect(self, units: Mapping[_UnitKey, Unit]) -> None:
        """Have these units proposed, if there are processes for it."""
        for key, unit in units.items():
            if self._pools and key not in self._on_their_way and key not in self.verified:
                place = zlib.crc32(unit.type.encode()) * STREAMS + key[1] % STREAMS
                pool = self._pools[place % len(self._pools)]
                self._on_their_way[key] = pool.submit(candidates.candidates_of, unit, self._types)

    def verify(self, units: Mapping[_UnitKey, Unit]) -> None:
        """Have these units in `verified`, each in the teacher's order."""
        gathered: list[Candidate] = []
        places: dict[_UnitKey, range] = {}
        for key, unit in units.items():
            made = self._made(key, unit)
            places[key] = range(len(gathered), len(gathered) + len(made))
            gathered += [
                replace(candidate, place=place)
                for place, candidate in zip(places[key], made, strict=True)
            ]
        in_order = _in_order(verify(gathered, self._workers))
        for key, place in places.items():
            self.verified[key] = in_order[place.start : place.stop]

    def _made(self, key: _UnitKey, unit: Unit) -> list[Candidate]:
        future = self._on_their_way.pop(key, None)
        if future is not None:
            try:
                return future.result()
            except BrokenProcessPool:
                raise SandboxError("a process that proposes rows died") from None
        return candidates.candidates_of(unit, self._types)


def _finish(draft: Draft, plan: DataPlan, request: str, tools: Tools) -> DatasetInfo:
    outcomes = draft.outcomes
    rows = manifest.in_mixed_order(
        (each.row for each in outcomes if each.row is not None and each.accepted), plan.seed
    )
    rejected = Counter(each.reason for each in outcomes if each.reason)
    made = Manifest(
        sha256=hashlib.sha256(manifest.lines_of(rows)).hexdigest(),
        request=request,
        plan=plan.sha,
        teacher=plan.teacher,
        seed=plan.seed,
        num_rows=len(rows),
        rows_by_type=manifest.counts(row.type for row in rows),
        wanted_by_type=dict(sorted((quota.type, quota.num_rows) for quota in plan.quotas)),
        rows_by_level=manifest.counts(str(row.level) for row in rows),
        rows_by_form=manifest.counts(row.form for row in rows),
        rows_by_style=manifest.counts(row.style for row in rows),
        num_replayed=sum(bool(row.parent) for row in rows),
        proposed_by_type=manifest.counts(
            entry.type for entry in draft.entries for _ in entry.outcomes if entry.type
        ),
        rejected=dict(sorted((rejected - Counter(quarantine=rejected["quarantine"])).items())),
        quarantined=rejected["quarantine"],
        contamination=manifest.with_all(LEVELS, Counter(each.level for each in outcomes)),
        ast_curve={str(at): sum(each.likeness >= at for each in outcomes) for at in AST_CURVE},
        index=tools.guard.hash,
        guarded=dict(sorted(tools.guarded.items())),
        parents=plan.parents,
    )
    return draft.finish(made, plan, rows)
