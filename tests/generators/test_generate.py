import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from generators import plan as planning
from generators.decontaminate import Guard
from generators.generate import Tools, generate
from harness import datasets
from harness.datasets import DatasetInfo
from harness.errors import DataError, SandboxError, UnknownName
from harness.grading import grade, profile_named
from harness.records import DataPlan, Quota
from sandboxes.fake import FakeSandbox
from sandboxes.protocol import End, Job
from tests.sandboxes.jobs import sandbox_named

FAKE = "tests.fake_teacher:FakeTeacher"


def plan(teacher: str = FAKE, seed: int = 0, **quotas: int) -> DataPlan:
    return DataPlan(
        rule="uniform",
        budget=sum(quotas.values()),
        seed=seed,
        teacher=f"{teacher}@1",
        quotas=tuple(
            Quota(type=name, num_rows=n, level=2, route="generate", weight=1.0, reason="typed")
            for name, n in quotas.items()
        ),
    )


def make(asked: DataPlan, home: Path, sandbox: Any = None, **changes: Any) -> DatasetInfo:
    guard = changes.pop("guard", Guard([]))
    with (sandbox or FakeSandbox()).open("python", 2) as workers:
        return generate(asked, home=home, tools=Tools(workers=workers, guard=guard, **changes))


def content(made: DatasetInfo) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in made.path.iterdir()
    }


def test_the_quotas_are_filled_and_the_manifest_adds_up(tmp_path: Path):
    made = make(plan(list_array=40, sort_order=12, set_unique=5), tmp_path)
    rows = list(datasets.rows(made))
    assert Counter(row.type for row in rows) == made.manifest.wanted_by_type
    assert made.manifest.rows_by_type == {"list_array": 40, "set_unique": 5, "sort_order": 12}
    assert len({row.id for row in rows}) == len({row.signature for row in rows}) == 57
    lines = (made.path / datasets.ROWS).read_bytes()
    assert made.manifest.sha256 == hashlib.sha256(lines).hexdigest()
    assert made.name == made.manifest.sha[:16]
    proposed = sum(made.manifest.proposed_by_type.values())
    assert proposed == 57 + sum(made.manifest.rejected.values()) + made.manifest.quarantined
    assert {row.plan for row in rows} == {made.manifest.plan}
    assert {row.style for row in rows} == {"comprehension"}  # the reference
    assert sorted(path.name for path in made.path.iterdir()) == [
        "index.jsonl",
        "manifest.json",
        "plan.json",
        "quarantine.jsonl",
        "rows.jsonl",
    ]


def test_rows_pass_their_own_tests_and_a_wrong_program_does_not(tmp_path: Path):
    made = make(plan(list_array=6), tmp_path)
    for row in datasets.rows(made):
        verdicts = grade(
            datasets.problem_of(row),
            [row.solution, "def solve_it(numbers):\n    return 0\n"],
            profile=profile_named("strict"),
            sandbox=FakeSandbox(),
            cache=tmp_path / "cache",
        )
        assert [verdict.passed for verdict in verdicts] == [True, False]


def test_rows_are_read_by_the_datasets_library(tmp_path: Path):
    library = pytest.importorskip("datasets")
    made = make(plan(list_array=6), tmp_path / "home")
    files = str(made.path / datasets.ROWS)
    table = library.load_dataset("json", data_files=files, cache_dir=str(tmp_path / "cache"))
    assert table["train"].num_rows == 6
    first = next(datasets.rows(made))
    assert table["train"][0] == first.model_dump(mode="json")


def test_what_is_wrong_with_a_task_is_counted_by_its_reason(tmp_path: Path):
    made = make(plan("tests.fake_teacher:FlawedTeacher", list_array=100), tmp_path)
    assert made.manifest.num_rows == 100
    assert {
        "solution raises",
        "styles disagree",
        "mutant survives",
        "one answer only",
        "incomplete",
    } <= made.manifest.rejected.keys()


def test_a_teacher_that_has_no_more_ends_the_type_below_its_quota(tmp_path: Path):
    made = make(plan("tests.fake_teacher:StoppingTeacher", list_array=20), tmp_path)
    assert made.manifest.rows_by_type["list_array"] <= 3
    assert made.manifest.wanted_by_type == {"list_array": 20}


def test_another_process_count_gives_the_same_bytes(tmp_path: Path):
    asked = plan(list_array=30, sort_order=10)
    one = make(asked, tmp_path / "one")
    two = make(asked, tmp_path / "two", num_processes=2)
    assert content(one) == content(two)


class Killed(BaseException):
    """What no handler of ours may swallow."""


def test_a_broken_off_generation_goes_on_to_the_same_bytes(tmp_path: Path):
    asked = plan(list_array=40, sort_order=20)
    whole = make(asked, tmp_path / "whole")
    for stop_at in (1, 3):
        heard: list[object] = []

        def stop(progress: object, heard: list[object] = heard, stop_at: int = stop_at) -> None:
            heard.append(progress)
            if len(heard) == stop_at:
                raise Killed

        with pytest.raises(Killed):
            make(asked, tmp_path / "broken", on_progress=stop)
    (part,) = (tmp_path / "broken" / "datasets").glob(".part-*")
    journal = part / "journal.jsonl"
    journal.write_bytes(journal.read_bytes() + b'{"type": "list_ar')
    assert content(make(asked, tmp_path / "broken")) == content(whole)
    assert not list((tmp_path / "broken" / "datasets").glob(".part-*"))


def test_what_is_there_already_is_not_made_again(tmp_path: Path):
    asked = plan(list_array=10)
    made = make(asked, tmp_path)
    sandbox = FakeSandbox()
    assert make(asked, tmp_path, sandbox) == made
    assert not sandbox.jobs
    assert make(plan(seed=1, list_array=10), tmp_path).name != made.name


def test_a_lost_job_is_run_again_and_gives_the_same_rows(tmp_path: Path):
    tries: Counter[str] = Counter()

    def lost_at_first(job: Job) -> End | None:
        tries[job.bundle.sha256] += 1
        return End.LOST if tries[job.bundle.sha256] < 3 else None

    asked = plan(list_array=10)
    made = make(asked, tmp_path / "shaky", FakeSandbox(lost_at_first))
    assert content(made) == content(make(asked, tmp_path / "calm"))


def test_a_job_that_is_lost_for_good_drops_no_row_but_stops(tmp_path: Path):
    asked = plan(list_array=10)
    with pytest.raises(SandboxError, match="lost 3 times"):
        make(asked, tmp_path, FakeSandbox(lambda job: End.LOST))
    assert make(asked, tmp_path).manifest.num_rows == 10


def test_one_that_ends_its_pack_costs_the_others_nothing(tmp_path: Path):
    first = next(datasets.rows(make(plan(list_array=60), tmp_path)))
    hanging = first.solution.splitlines()[-1]

    def times_out(job: Job) -> End | None:
        return End.TIMEOUT if hanging in job.code else None

    made = make(plan(list_array=60), tmp_path / "odd", FakeSandbox(times_out))
    assert made.manifest.num_rows == 60
    assert not any(hanging in row.solution for row in datasets.rows(made))
    assert made.manifest.rejected["solution: timeout"] >= 1


def test_the_next_round_repeats_nothing_and_replays_a_quarter(tmp_path: Path):
    first = make(plan(list_array=40), tmp_path)
    asked = plan(list_array=30).model_copy(
        update={"parents": (first.name,), "num_replay": 10, "budget": 40}
    )
    second = make(asked, tmp_path)
    old = {row.signature for row in datasets.rows(first)}
    replayed = [row for row in datasets.rows(second) if row.parent]
    assert len(replayed) == second.manifest.num_replayed == 10
    assert {row.parent for row in replayed} == {first.name}
    assert {row.signature for row in replayed} <= old
    assert {row.plan for row in replayed} == {first.manifest.plan}
    new = {row.signature for row in datasets.rows(second) if not row.parent}
    assert len(new) == 30
    assert not new & old
    assert second.manifest.rejected["duplicate meaning"] >= 30
    assert second.manifest.parents == (first.name,)


def test_a_plan_for_another_version_or_teacher_is_refused(tmp_path: Path):
    asked = plan(list_array=1)
    with pytest.raises(DataError, match="made for .*@9, and this is version 1"):
        make(asked.model_copy(update={"teacher": f"{FAKE}@9"}), tmp_path)
    with pytest.raises(UnknownName, match="did you mean grammar"):
        make(asked.model_copy(update={"teacher": "gramar@1"}), tmp_path)


def test_it_runs_in_the_real_sandbox(tmp_path: Path):
    asked = plan(list_array=40)
    made = make(asked, tmp_path / "real", sandbox_named("namespaces"))
    assert content(made) == content(make(asked, tmp_path / "fake"))


def test_a_plan_is_made_into_rows(tmp_path: Path):
    wanted = planning.Wanted(budget=12, teacher=f"{FAKE}@1", types=("list_array", "sort_order"))
    made = make(planning.make_plan([], wanted), tmp_path)
    assert made.manifest.rows_by_type == {"list_array": 6, "sort_order": 6}
    stored = DataPlan.model_validate_json((made.path / datasets.PLAN).read_text())
    assert stored.sha == made.manifest.plan
