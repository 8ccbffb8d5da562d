"""What a board needs of each run: problem by problem, how many samples were scored and passed.

    found = Tallies().read([Path("harness-out")])
    for tally in found.tallies: print(tally.run.id, tally.num_scored)
    for line in found.warnings: print(line)

DuckDB counts over many run directories at once, in batches, so that memory does not grow with
the store. What DuckDB can't read (lone surrogates) goes through the strict reader of the store,
run by run; a run that this can't read either costs one warning, never the board.

A `Tallies` remembers what it has read by the sizes and times of the files: a board that is
served while runs go on reads again only what changed.

Not here: rates, ranks and intervals (board.py), programs and first failures (drill.py).
"""

import glob
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.errors import DataError, UserError
from harness.records import EvalRun, RunConfig, Status, content_sha256
from harness.store import CONFIG, SAMPLES, VERDICTS, RunInfo, Store

if TYPE_CHECKING:
    import duckdb

_BATCH_BYTES = 192 << 20
"""Of JSONL that are read at a time."""


@dataclass(frozen=True, slots=True)
class ProblemTally:
    """The scored samples of one problem."""

    num_scored: int
    num_passed: tuple[int, ...]
    """By suite, in the run's order: a suite counts as passed with all that come before it."""
    status: Status
    """PASSED where all samples did, else the commonest status of those that did not."""


@dataclass(frozen=True, slots=True)
class RunTally:
    """One run directory, counted."""

    run: RunInfo
    config: RunConfig
    problems: Mapping[str, ProblemTally]
    """By problem ID; problems with no scored sample are not among them."""
    num_problems: int
    """Problems with at least one sample."""
    num_samples: int
    num_scored: int
    tokens_out: float | None
    """Mean over the samples that say it; None where none does."""
    total_tokens: tuple[int, int] | None
    """In and out; None where any sample does not say."""
    generation_s: float | None
    """What the model took for all samples, added up; None where it is not known."""
    grading_cpu_s: float

    @property
    def num_unscored(self) -> int:
        return self.num_samples - self.num_scored


class Found(NamedTuple):
    """What was read, and one line for each run that could not be."""

    tallies: list[RunTally]
    warnings: list[str]


class Tallies:
    """Reads runs, and remembers those whose files have not changed."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, ...], RunTally]] = {}

    def read(self, homes: Sequence[Path]) -> Found:
        """All runs of all homes; of one run that lies in two homes, the one that has more.

        Raises:
            UserError: a folder is no home: it has no `runs`.
        """
        warnings: list[str] = []
        states: dict[Path, tuple[int, ...]] = {}
        configs: dict[Path, tuple[RunInfo, RunConfig]] = {}
        for run in _run_directories(homes, warnings):
            try:
                config = RunConfig.model_validate_json((run.path / CONFIG).read_bytes())
            except (OSError, ValueError):
                warnings.append(f"left out: {run.path}: {CONFIG} can't be read")
                continue
            configs[run.path] = (run, config)
            states[run.path] = _state(run.path)
        stale = [
            path
            for path, state in states.items()
            if path not in self._known or self._known[path][0] != state
        ]
        for batch in _batches(stale):
            for tally in _count([configs[path] for path in batch], warnings):
                self._known[tally.run.path] = (states[tally.run.path], tally)
        self._known = {path: known for path, known in self._known.items() if path in configs}
        return Found(_without_copies([tally for _, tally in self._known.values()]), warnings)


def _run_directories(homes: Sequence[Path], warnings: list[str]) -> Iterator[RunInfo]:
    for home in homes:
        if not (home / "runs").is_dir():
            raise UserError(f"{home} has no runs: a board is made of homes, as --home names them")
        for directory in sorted((home / "runs").iterdir()):
            if directory.name.startswith(".") or not directory.is_dir():
                continue
            if not (directory / CONFIG).exists():
                warnings.append(f"left out: {directory}: it has no {CONFIG}")
    yield from Store(homes[0], also=homes[1:]).runs()


def state_of(homes: Sequence[Path]) -> str:
    """A short text that changes when any run or round of these homes does."""
    states = [(str(run.path), _state(run.path)) for run in Store(homes[0], also=homes[1:]).runs()]
    rounds = [
        (str(path), path.stat().st_mtime_ns)
        for home in homes
        for path in (home / "rounds").rglob("round.json")
    ]
    return content_sha256([sorted(states), sorted(rounds)])[:16]


def _state(directory: Path) -> tuple[int, ...]:
    found: list[int] = []
    for name in (CONFIG, SAMPLES, VERDICTS):
        try:
            stat = (directory / name).stat()
            found += [stat.st_size, stat.st_mtime_ns]
        except OSError:
            found += [0, 0]
    return tuple(found)


def _without_copies(tallies: Sequence[RunTally]) -> list[RunTally]:
    kept: dict[tuple[str, str], RunTally] = {}
    for tally in tallies:
        key = tally.run.id, tally.config.identity()
        if key not in kept or kept[key].num_scored < tally.num_scored:
            kept[key] = tally
    return sorted(kept.values(), key=lambda tally: (tally.run.modified, tally.run.id))


def _batches(directories: Sequence[Path]) -> Iterator[list[Path]]:
    batch: list[Path] = []
    num_bytes = 0
    for directory in directories:
        size = sum(_state(directory)[2::2])
        if batch and num_bytes + size > _BATCH_BYTES:
            yield batch
            batch, num_bytes = [], 0
        batch.append(directory)
        num_bytes += size
    if batch:
        yield batch


# --- DuckDB ---------------------------------------------------------------------------------

# A file's lines come in its order, and `row_number() over ()` numbers them as they stream: the
# latest line of a sample is the one that counts. A line that is no JSON comes as nulls.
_READ_SAMPLES = """
create temp table sample_lines as
select parse_dirpath(filename) as directory, problem_id, index, num_tokens_in, num_tokens_out,
       elapsed_s, row_number() over () as line
from read_ndjson($files, filename = true, ignore_errors = true, maximum_object_size = $num_bytes,
    columns = {problem_id: 'VARCHAR', index: 'BIGINT', num_tokens_in: 'BIGINT',
               num_tokens_out: 'BIGINT', elapsed_s: 'DOUBLE'})
"""

_READ_VERDICTS = """
create temp table verdict_lines as
select parse_dirpath(filename) as directory, problem_id, index, cpu_s,
       list_transform(map_values(suites), lambda s: s.status) as statuses,
       row_number() over () as line
from read_ndjson($files, filename = true, ignore_errors = true, maximum_object_size = $num_bytes,
    columns = {problem_id: 'VARCHAR', index: 'BIGINT', cpu_s: 'DOUBLE',
               suites: 'MAP(VARCHAR, STRUCT(status VARCHAR))'})
"""

_UNREADABLE = """
select directory from sample_lines where problem_id is null or index is null
union
select directory from verdict_lines
where problem_id is null or index is null or statuses is null
   or list_contains(list_transform(statuses, lambda s: s is null), true)
"""

_LATEST = """
create temp table samples as
select directory, problem_id, index, arg_max((num_tokens_in, num_tokens_out, elapsed_s), line) as s
from sample_lines where problem_id is not null and index is not null group by all;
create temp table latest as
select directory, problem_id, index, arg_max((statuses, cpu_s), line) as v
from verdict_lines semi join samples using (directory, problem_id, index)
where len(statuses) > 0 group by all
"""

_TOTALS = """
select directory, count(*), count(distinct problem_id), avg(s[2]),
       case when count(s[1]) = count(*) and count(s[2]) = count(*) then sum(s[1]) end,
       sum(s[2]), case when count(s[3]) = count(*) then sum(s[3]) end
from samples group by all
"""

_CPU = "select directory, sum(v[2]) from latest group by all"

_PROBLEMS = """
select directory, problem_id, v[1] as statuses, count(*)
from latest where not list_contains(v[1], 'unscored') group by all
"""


class _Totals(NamedTuple):
    num_samples: int
    num_problems: int
    tokens_out: float | None
    num_tokens_in: int | None
    num_tokens_out: int | None
    generation_s: float | None


def _count(runs: Sequence[tuple[RunInfo, RunConfig]], warnings: list[str]) -> Iterator[RunTally]:
    """The tallies of a batch of runs."""
    import duckdb

    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        _create(connection, [run.path for run, _ in runs])
        unreadable = {Path(row[0]) for row in connection.execute(_UNREADABLE).fetchall()}
        connection.execute(_LATEST)
        totals = {row[0]: _Totals(*row[1:]) for row in connection.execute(_TOTALS).fetchall()}
        cpu_s = dict(connection.execute(_CPU).fetchall())
        by_run: defaultdict[str, dict[str, Counter[tuple[str, ...]]]] = defaultdict(dict)
        for directory, problem, statuses, count in connection.execute(_PROBLEMS).fetchall():
            by_run[directory].setdefault(problem, Counter())[tuple(statuses)] = count
    nothing = _Totals(0, 0, None, None, None, None)
    for run, config in runs:
        if run.path in unreadable:
            try:
                yield _of_run(run, Store(run.path.parent.parent).load(run.id))
            except (DataError, UserError) as error:
                warnings.append(f"left out: {error}")
            continue
        key = str(run.path)
        yield _tally(run, config, by_run[key], totals.get(key, nothing), cpu_s.get(key) or 0.0)


def _create(connection: "duckdb.DuckDBPyConnection", directories: Sequence[Path]) -> None:
    import duckdb

    for name, statement in ((SAMPLES, _READ_SAMPLES), (VERDICTS, _READ_VERDICTS)):
        sizes = {
            str(directory / name): (directory / name).stat().st_size
            for directory in directories
            if (directory / name).is_file()
        }
        # Brackets and stars in a folder's name are no pattern.
        files = [glob.escape(file) for file, size in sizes.items() if size]
        if not files:
            empty = statement.partition("from read_ndjson")[0]
            connection.execute(f"{empty} from ({_NOTHING}) limit 0")
            continue
        try:
            connection.execute(statement, {"files": files, "num_bytes": 1 << 24})
        except duckdb.InvalidInputException:
            # A line of more than 16 MiB. Every thread has a buffer for two: use one thread.
            connection.execute("set threads = 1")
            connection.execute(statement, {"files": files, "num_bytes": max(sizes.values())})


_NOTHING = """
select '' as filename, '' as problem_id, 0 as index, 0 as num_tokens_in, 0 as num_tokens_out,
       0.0 as elapsed_s, 0.0 as cpu_s, map {'': {'status': ''}} as suites
"""


def _tally(
    run: RunInfo,
    config: RunConfig,
    counted: Mapping[str, Counter[tuple[str, ...]]],
    totals: _Totals,
    grading_cpu_s: float,
) -> RunTally:
    problems = {
        problem: _problem(statuses, len(config.suites)) for problem, statuses in counted.items()
    }
    tokens = totals.num_tokens_in, totals.num_tokens_out
    return RunTally(
        run=run,
        config=config,
        problems=problems,
        num_problems=totals.num_problems,
        num_samples=totals.num_samples,
        num_scored=sum(problem.num_scored for problem in problems.values()),
        tokens_out=totals.tokens_out,
        total_tokens=None if None in tokens else (int(tokens[0] or 0), int(tokens[1] or 0)),
        generation_s=totals.generation_s,
        grading_cpu_s=grading_cpu_s,
    )


def _problem(statuses: Counter[tuple[str, ...]], num_suites: int) -> ProblemTally:
    """One problem, from how often each tuple of statuses came up; a suite that a verdict lacks
    has not passed: a pass needs positive evidence.
    """
    passed = [0] * num_suites
    failures: Counter[Status] = Counter()
    for by_suite, count in statuses.items():
        for position in range(num_suites):
            if len(by_suite) <= position or by_suite[position] != Status.PASSED:
                break
            passed[position] += count
        failed = next((status for status in by_suite if status != Status.PASSED), None)
        if failed is not None:
            failures[Status(failed)] += count
    status = failures.most_common(1)[0][0] if failures else Status.PASSED
    return ProblemTally(statuses.total(), tuple(passed), status)


def _of_run(run: RunInfo, recorded: EvalRun) -> RunTally:
    """The same from a run that the store has read."""
    counted: dict[str, Counter[tuple[str, ...]]] = {}
    for verdict in recorded:
        if verdict.scored:
            statuses = tuple(result.status.value for result in verdict.suites.values())
            counted.setdefault(verdict.problem_id, Counter())[statuses] += 1
    samples = recorded.samples.values()
    tokens_in = [sample.num_tokens_in for sample in samples if sample.num_tokens_in is not None]
    tokens_out = [sample.num_tokens_out for sample in samples if sample.num_tokens_out is not None]
    elapsed_s = [sample.elapsed_s for sample in samples if sample.elapsed_s is not None]
    everything = len(tokens_in) == len(tokens_out) == len(samples)
    totals = _Totals(
        num_samples=len(samples),
        num_problems=len({sample.problem_id for sample in samples}),
        tokens_out=sum(tokens_out) / len(tokens_out) if tokens_out else None,
        num_tokens_in=sum(tokens_in) if everything and samples else None,
        num_tokens_out=sum(tokens_out) if everything and samples else None,
        generation_s=sum(elapsed_s) if samples and len(elapsed_s) == len(samples) else None,
    )
    return _tally(run, recorded.config, counted, totals, sum(v.cpu_s for v in recorded))
