"""How fast rows are made, by stage, and how varied they are: `make bench-generate`.

    python -m tests.bench_generate [TEACHER [ROWS_A_TYPE]]

Each stage alone in this process on the same tasks, in CPU seconds for a thousand of them; then the
whole, as `harness generate` does it, on two processes and two sandbox workers, in wall seconds.
The published benchmarks are guarded where HARNESS_DATA has them.
"""

import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from generators import candidates, dedupe
from generators.candidates import Candidate
from generators.decontaminate import Suspect
from generators.generate import Tools, generate
from generators.guarding import GUARDED, Known, Places, open_guard
from generators.verify import Verified, verify
from harness import benchmarks, datasets
from harness.benchmarks import DataFolders
from harness.errors import DataError
from harness.records import DataPlan, Quota, TrainingRow
from sandboxes.process import ProcessSandbox
from sandboxes.protocol import Workers

LEVEL = 2
TASKS_A_TYPE = 40


def main() -> None:
    teacher = sys.argv[1] if len(sys.argv) > 1 else "grammar"
    rows_a_type = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    data = DataFolders.from_env()
    missing = [name for name in GUARDED if not is_there(name, data)]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with ProcessSandbox().open("python", 2) as workers:
            known = open_guard(
                Places(home, data, home), workers=workers, without=missing, say=print
            )
            print(f"\nheld against {known.num_problems}")
            stages(teacher, known, workers)
            whole(teacher, rows_a_type, known, workers, home)


def is_there(name: str, data: DataFolders) -> bool:
    try:
        return name in benchmarks.BUILT_IN and bool(benchmarks.load(name, data=data))
    except DataError:
        return False


def stages(name: str, known: Known, workers: Workers) -> None:
    teacher = candidates.teacher_named(name)
    written_by = f"{teacher.name}@{teacher.version}"
    wanted = known.guard.wanted_types

    def propose():
        for type in teacher.types:
            proposed = teacher.propose(type, level=LEVEL, seed=1, portion="train")
            yield from islice(proposed, TASKS_A_TYPE)

    print("\nCPU seconds for a thousand tasks (this process alone)")
    tasks = timed("propose (the teacher)", lambda: list(propose()))
    made: list[Candidate] = timed(
        "examine (styles, mutants, fingerprints)",
        lambda: [
            candidates.candidate_of(task, teacher=written_by, wanted_types=wanted) for task in tasks
        ],
    )
    started = time.perf_counter()
    verified = list(verify(made, workers))
    elapsed_s = time.perf_counter() - started
    timed("hold against the index", lambda: [known.guard.check(suspect(each)) for each in verified])
    seen = dedupe.Seen()
    timed("dedupe", lambda: [add(seen, each.candidate) for each in verified])
    wall = elapsed_s / len(verified) * 1000
    print(f"  {'run in the sandbox, 2 workers (wall)':42} {wall:6.2f}")
    complaints = Counter(each.complaint for each in verified if each.complaint)
    print(f"  complaints: {dict(complaints) or 'none'}")


def timed(label: str, work: Callable[[], list[Any]]) -> list[Any]:
    started = time.process_time()
    made = work()
    print(f"  {label:42} {(time.process_time() - started) / len(made) * 1000:6.2f}")
    return made


def suspect(verified: Verified) -> Suspect:
    each = verified.candidate
    return Suspect(each.asked, each.code, each.signature, each.types, verified.answers)


def add(seen: dedupe.Seen, candidate: Candidate) -> str:
    assert candidate.code is not None and candidate.near is not None
    keys = dedupe.RowKeys(
        " ".join(candidate.words), candidate.code.exact, candidate.signature, candidate.near
    )
    reason = seen.reason(keys)
    if not reason:
        seen.add(keys)
    return reason


def whole(name: str, rows_a_type: int, known: Known, workers: Workers, home: Path) -> None:
    teacher = candidates.teacher_named(name)
    quotas = tuple(
        Quota(
            type=type,
            num_rows=rows_a_type,
            level=LEVEL,
            route="generate",
            weight=1.0,
            reason="bench",
        )
        for type in teacher.types
    )
    plan = DataPlan(
        rule="uniform",
        budget=rows_a_type * len(quotas),
        seed=0,
        teacher=f"{name}@{teacher.version}",
        quotas=quotas,
    )
    tools = Tools(workers, known.guard, known.num_problems, num_processes=2)
    started = time.perf_counter()
    made = generate(plan, home=home, tools=tools)
    elapsed_s = time.perf_counter() - started
    manifest = made.manifest
    num_proposed = sum(manifest.proposed_by_type.values())
    print(f"\n{manifest.num_rows} rows accepted of {num_proposed} proposed in {elapsed_s:.1f} s")
    print(f"  {manifest.num_rows / elapsed_s:.0f} accepted rows a second, 2 processes, 2 workers")
    print(f"  rejected {manifest.rejected}, quarantined {manifest.quarantined}")
    print(f"  matches {manifest.contamination}, likeness {manifest.ast_curve}")
    short = {
        each: f"{manifest.rows_by_type.get(each, 0)} of {wanted}"
        for each, wanted in manifest.wanted_by_type.items()
        if manifest.rows_by_type.get(each, 0) < wanted
    }
    print(f"  types below their quota: {short or 'none'}")
    variety(list(datasets.rows(made)))


def variety(rows: list[TrainingRow]) -> None:
    words = [row.prompt.split() for row in rows]
    shares = {
        size: len({gram for text in words for gram in grams(text, size)})
        / max(1, sum(max(0, len(text) - size + 1) for text in words))
        for size in (2, 4, 8)
    }
    said = ", ".join(f"distinct-{size} {share:.2f}" for size, share in shares.items())
    print(f"\nprompts: {said}")
    for axis in ("type", "family", "form", "style", "level"):
        counts = Counter(str(getattr(row, axis)) for row in rows)
        total = counts.total()
        entropy = -sum(n / total * math.log2(n / total) for n in counts.values())
        print(f"  {axis}: {len(counts)} values, entropy {entropy:.2f} bits")


def grams(text: list[str], size: int) -> set[tuple[str, ...]]:
    return {tuple(text[start : start + size]) for start in range(len(text) - size + 1)}


if __name__ == "__main__":
    main()
