"""Look at many runs at once: DuckDB queries the run directories where they lie.

    for row in runs_table(Store(home)): print(row.run, row.pass_at_1["base"])

There is no index: the JSONL files are read as they are, whoever wrote them and whether or not a
writer is at work. Torn, empty, missing and malformed lines are passed over.

Not here: one run in full (`Store.load`), writing, and what a screen looks like.
"""

import glob
from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.records import Status, Verdict
from harness.stats import Estimate, estimate_pass_at_k
from harness.store import SAMPLES, VERDICTS, Store, config_or_none, parse_record

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class RunRow:
    """One line of `harness ls runs`."""

    run: str
    path: Path
    checkpoint: str
    """Name of the checkpoint; `?`, as in the next two, where config.json can't be read."""
    benchmark: str
    profile: str
    num_samples: int
    num_scored: int
    num_unscored: int
    pass_at_1: Mapping[str, Estimate]
    """By suite, in the run's order: a suite counts as passed with all that come before it, so
    that `plus` is base and plus. Empty where nothing is scored."""
    modified: datetime


def runs_table(store: Store) -> list[RunRow]:
    """One row a run for `harness ls runs`, the one that was written last at the end.

    DuckDB counts; torn, empty, missing and malformed lines and files are passed over, since
    a list of runs must not fail because of one of them (`load` is strict). A sample is
    counted when it is seen in either file: DuckDB can't read the rare line whose text has
    lone surrogates.
    """
    runs = store.runs()
    files = [run.path / name for run in runs for name in (SAMPLES, VERDICTS)]
    configs = {str(run.path): config_or_none(run.path) for run in runs}
    asked = [
        (directory, position, suite)
        for directory, config in configs.items()
        for position, suite in enumerate(config.suites if config else (), start=1)
    ]
    columns = {
        "directories": [directory for directory, _, _ in asked],
        "positions": [position for _, position, _ in asked],
        "suites": [suite for _, _, suite in asked],
    }
    counts: defaultdict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    with _scan(files) as connection:
        totals = {
            directory: (num_samples, num_scored)
            for directory, num_samples, num_scored in connection.execute(_TOTALS).fetchall()
        }
        rows = connection.execute(_COUNTS, columns).fetchall() if asked else []
        for directory, suite, num_samples, num_passed, num_problems in rows:
            counts[directory, suite] += [(num_samples, num_passed)] * num_problems
    table: list[RunRow] = []
    for run in runs:
        config = configs[str(run.path)]
        num_samples, num_scored = totals.get(str(run.path), (0, 0))
        estimates = {
            suite: estimate_pass_at_k(counts[str(run.path), suite], 1)
            for suite in (config.suites if config else ())
        }
        table.append(
            RunRow(
                run=run.id,
                path=run.path,
                checkpoint=config.checkpoint.name if config else "?",
                benchmark=config.benchmark if config else "?",
                profile=config.profile if config else "?",
                num_samples=num_samples,
                num_scored=num_scored,
                num_unscored=num_samples - num_scored,
                pass_at_1={suite: rate for suite, rate in estimates.items() if rate is not None},
                modified=run.modified,
            )
        )
    return table


def find_verdicts(
    store: Store,
    ref: str,
    *,
    failed: bool = False,
    status: Status | None = None,
    problem: str | None = None,
) -> list[Verdict]:
    """The latest verdicts of a run that answer to all conditions, in the order of recording.

    `failed` leaves the model's failures: neither passed nor unscored. `problem` is a problem
    ID or the publisher's task ID at its end. Samples without a verdict are not among them.

    Raises:
        UserError: as `find`.
        DataError: a line that is wanted is no verdict.
    """
    path = store.find(ref) / VERDICTS
    with _scan([path], keep_text=True) as connection:
        conditions = {"failed": failed, "status": status and status.value, "problem": problem}
        rows = connection.execute(_SELECT, conditions).fetchall()
    return [parse_record(Verdict, text.encode(), path, line) for line, text in rows]


# The queries. A file's lines come in its order: DuckDB keeps it for a scan (its setting
# `preserve_insertion_order`), and `row_number() over ()` numbers the rows as they stream.

_LINES = """
create temp table lines as
select filename as file, parse_dirpath(filename) as directory,
       ends_with(filename, $verdicts) as is_verdict,
       json->>'$.problem_id' as problem_id, try_cast(json->>'$.index' as bigint) as index,
       json->>'$.suites.*.status' as statuses, row_number() over () as line,
       case when $keep_text then json end as text
from read_ndjson_objects($files, filename = true, ignore_errors = true,
                         maximum_object_size = $num_bytes)
"""

_NO_LINES = """
create temp table lines (file varchar, directory varchar, is_verdict boolean, problem_id varchar,
                         index bigint, statuses varchar[], line bigint, text varchar)
"""

_LATEST = """
latest as (
    select * from lines where is_verdict and problem_id is not null and index is not null
    qualify row_number() over (partition by directory, problem_id, index order by line desc) = 1
)
"""

_TOTALS = f"""
with {_LATEST},
keys as (select distinct directory, problem_id, index from lines
         where problem_id is not null and index is not null)
select directory, count(*), count(*) filter (not list_contains(statuses, 'unscored'))
from keys left join latest using (directory, problem_id, index)
group by all
"""

# A suite that a verdict lacks has not passed: a pass needs positive evidence.
_COUNTS = f"""
with {_LATEST},
suites as (select unnest($directories) as directory, unnest($positions) as position,
                  unnest($suites) as suite),
problems as (
    select directory, suite, count(*) as num_samples,
           count(*) filter (len(statuses) >= position
                            and list_distinct(statuses[:position]) = ['passed']) as num_passed
    from latest join suites using (directory)
    where not list_contains(statuses, 'unscored')
    group by directory, suite, problem_id
)
select directory, suite, num_samples, num_passed, count(*) from problems group by all
"""

_SELECT = f"""
with {_LATEST},
named as (
    select *, case when list_contains(statuses, 'unscored') then 'unscored'
                   else coalesce(list_filter(statuses, lambda s: s <> 'passed')[1], 'passed')
              end as status
    from latest
)
select line, text from named
where (not $failed or status not in ('passed', 'unscored'))
  and ($status is null or status = $status)
  and ($problem is null or problem_id = $problem or ends_with(problem_id, '/' || $problem))
order by line
"""


@contextmanager
def _scan(
    files: Sequence[Path], *, keep_text: bool = False
) -> "Generator[duckdb.DuckDBPyConnection]":
    """A connection with the table `lines` of the files; missing and empty ones are skipped."""
    import duckdb

    sizes = {str(file): file.stat().st_size for file in files if file.is_file()}
    parameters: dict[str, object] = {
        # Brackets and stars in a folder's name are no pattern.
        "files": [glob.escape(file) for file, size in sizes.items() if size],
        "verdicts": VERDICTS,
        "keep_text": keep_text,
        "num_bytes": 1 << 24,
    }
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        try:
            if parameters["files"]:
                connection.execute(_LINES, parameters)
            else:
                connection.execute(_NO_LINES)
        except duckdb.InvalidInputException:
            # A line of more than 16 MiB. Every thread has a buffer for two: use one thread.
            connection.execute("set threads = 1")
            connection.execute(_LINES, parameters | {"num_bytes": max(sizes.values())})
        yield connection
