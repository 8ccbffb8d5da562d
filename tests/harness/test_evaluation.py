"""`evaluate`, `regrade` and `summary` as a program calls them, on a sandbox that isolates nothing.

The programs are the benchmark's own solutions and wrong ones of ours; the judge, the store and
the expected values are the real ones. What only real processes show is in test_cli.py and
test_resume.py.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness import benchmarks, evaluation
from harness.benchmarks import sanity
from harness.config import EvalSettings, GradingSettings, Settings
from harness.errors import DataError, RunMismatch, UnknownName, UserError
from harness.evaluation import Observer, evaluate, regrade
from harness.grading import Progress
from harness.records import EvalRun, Problem, Status, Verdict
from harness.stats import estimate_pass_at_k
from harness.store import RunWriter, Store
from harness.summary import summary
from sandboxes.fake import FakeSandbox
from sandboxes.protocol import End, Job

PROBLEMS = sanity.load().problems[:6]
SUITES = ("base", "plus")


def right(problem: Problem) -> str:
    return problem.solution


def wrong(problem: Problem) -> str:
    return f"def {problem.entry_point}(*arguments):\n    return 'wrong'\n"


def broken(problem: Problem) -> str:
    return f"def {problem.entry_point}(:\n"


def raising(problem: Problem) -> str:
    return f"def {problem.entry_point}(*arguments):\n    raise KeyError('lost')\n"


def empty(problem: Problem) -> str:
    return ""


Writer = Callable[[Problem], str]


def write_samples(path: Path, *rows: tuple[Problem, Writer]) -> str:
    lines = [
        json.dumps({"task_id": problem.task_id, "solution": write(problem)})
        for problem, write in rows
    ]
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def settings(tmp_path: Path, cache: Path) -> Settings:
    return Settings(home=tmp_path / "home", cache=cache)


def asked(
    settings: Settings,
    *,
    n: int | None = None,
    limit: int | None = None,
    profile: str | None = None,
) -> Settings:
    return settings.model_copy(
        update={
            "eval": EvalSettings(num_samples=n, limit=limit),
            "grading": GradingSettings(profile=profile),
        }
    )


class Notes(Observer):
    """An observer that writes down what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.graded_keys: list[tuple[str, int]] = []
        self.owed: list[int] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def preparing(self, progress: Progress) -> None:
        assert 0 <= progress.done < progress.total

    def graded(self, run: RunWriter, verdict: Verdict, num_owed: int) -> None:
        assert run.verdicts[verdict.key] is verdict
        self.graded_keys.append(verdict.key)
        self.owed.append(num_owed)


def statuses(run: EvalRun) -> list[str]:
    return [run.verdicts[key].status.value for key in sorted(run.samples)]


def lines_of(run: EvalRun, name: str) -> Sequence[str]:
    return (Path(run.path) / name).read_text().splitlines()


def assert_adds_up(run: EvalRun) -> None:
    found = summary(run)
    assert run.num_scored + run.num_unscored == len(run) == len(lines_of(run, "samples.jsonl"))
    assert sum(found.by_status.values()) == len(run.verdicts)
    assert found.by_status.get(Status.UNSCORED, 0) + len(run) - len(run.verdicts) == (
        run.num_unscored
    )


# What is measured


def test_every_reply_gets_one_verdict_and_they_add_up(tmp_path: Path, settings: Settings):
    writers = (right, wrong, broken, raising, empty, right)
    source = write_samples(tmp_path / "mixed.jsonl", *zip(PROBLEMS, writers, strict=True))
    notes = Notes()
    run = evaluate(source, settings=settings, sandbox=FakeSandbox(), observer=notes)
    assert [run[problem.id][0].status for problem in PROBLEMS] == [
        Status.PASSED,
        Status.WRONG_ANSWER,
        Status.SYNTAX_ERROR,
        Status.EXCEPTION,
        Status.NO_CODE,
        Status.PASSED,
    ]
    assert_adds_up(run)
    found = summary(run)
    assert found.num_problems == 6
    assert found.by_status == {
        Status.PASSED: 2,
        Status.WRONG_ANSWER: 1,
        Status.EXCEPTION: 1,
        Status.SYNTAX_ERROR: 1,
        Status.NO_CODE: 1,
    }
    assert found.pass_at[1]["plus"] == estimate_pass_at_k([(1, 1)] * 2 + [(1, 0)] * 4, 1)
    assert sorted(notes.graded_keys) == sorted(run.samples)
    assert notes.owed == [5, 4, 3, 2, 1, 0]
    assert json.loads((Path(run.path) / "summary.json").read_text()) == found.as_json()


def test_plus_counts_only_with_base(tmp_path: Path, settings: Settings):
    """EvalPlus reports `plus` as base and plus: a suite counts with all before it."""
    problem = PROBLEMS[0]
    first = problem.suite("base").inputs[0]
    spoiled = (
        f"{problem.solution}\n_right = {problem.entry_point}\n"
        f"def {problem.entry_point}(*arguments):\n"
        f"    return None if arguments == {first!r} else _right(*arguments)\n"
    )
    source = write_samples(tmp_path / "s.jsonl", (problem, lambda _: spoiled))
    run = evaluate(source, settings=settings, sandbox=FakeSandbox())
    (verdict,) = run[problem.id]
    assert verdict.suites["base"].status == Status.WRONG_ANSWER
    assert verdict.suites["plus"].status == Status.PASSED
    rates = summary(run).pass_at[1]
    assert {suite: rate.value for suite, rate in rates.items()} == {"base": 0.0, "plus": 0.0}


def test_pass_at_every_k_with_intervals(tmp_path: Path, settings: Settings):
    rows = [(problem, write) for problem in PROBLEMS[:4] for write in (right, wrong, wrong)]
    source = write_samples(tmp_path / "three.jsonl", *rows, (PROBLEMS[0], right))
    run = evaluate(source, settings=settings, sandbox=FakeSandbox())
    assert len(run) == 13 and len(run[PROBLEMS[0].id]) == 4
    assert [verdict.index for verdict in run[PROBLEMS[0].id]] == [0, 1, 2, 3]
    pass_at = summary(run).pass_at
    assert list(pass_at) == [1, 2, 3]  # and not 4: three of the problems have no fourth sample
    counts = [(4, 2), (3, 1), (3, 1), (3, 1)]
    for k, by_suite in pass_at.items():
        assert list(by_suite) == list(SUITES)
        for rate in by_suite.values():
            assert rate == estimate_pass_at_k(counts, k)
            assert 0 <= rate.low <= rate.value <= rate.high <= 1
            assert rate.low < rate.high
            assert rate.num_problems == 4
    assert set(summary(run).as_json()) >= {"pass@1", "pass@2", "pass@3"}


def test_partial_samples_are_scored_as_partial(tmp_path: Path, settings: Settings):
    source = write_samples(tmp_path / "two.jsonl", (PROBLEMS[0], right), (PROBLEMS[3], wrong))
    notes = Notes()
    run = evaluate(source, "sanity", settings=settings, sandbox=FakeSandbox(), observer=notes)
    assert any("partial: 66 of 68 problems have no sample" in text for text in notes.said)
    found = summary(run)
    assert (found.num_problems, run.config.num_problems) == (2, 68)
    assert found.pass_at[1]["base"].num_problems == 2


def test_ids_of_no_problem_are_counted(tmp_path: Path, settings: Settings):
    source = write_samples(tmp_path / "odd.jsonl", (PROBLEMS[0], right), (PROBLEMS[1], right))
    with Path(source).open("a") as file:
        file.write(json.dumps({"task_id": "sanity/invented", "solution": "pass"}) + "\n")
    notes = Notes()
    run = evaluate(source, settings=settings, sandbox=FakeSandbox(), observer=notes)
    assert len(run) == 2
    assert any("1 samples are of no problem of sanity" in text for text in notes.said)


def test_eval_results_of_humaneval(tmp_path: Path, settings: Settings, data_folder: Path):
    chosen = [("HumanEval/0", "base"), ("HumanEval/2", "both"), ("HumanEval/2", "none")]
    with_data = settings.model_copy(update={"data": data_folder})
    loaded = benchmarks.load(
        "humaneval+", data=benchmarks.DataFolders(data_folder, settings.cache)
    ).by_task_id
    path = tmp_path / "he.jsonl"
    with path.open("w") as file:
        for task_id, what in chosen:
            problem = loaded[task_id]
            code = wrong(problem) if what == "none" else problem.solution
            if what == "base":
                known = {repr(arguments) for arguments in problem.suite("base").inputs}
                code += (
                    f"\n_right = {problem.entry_point}\n"
                    f"def {problem.entry_point}(*arguments):\n"
                    f"    return _right(*arguments) if repr(arguments) in {known!r} else 'no'\n"
                )
            file.write(json.dumps({"task_id": task_id, "solution": code}) + "\n")
    run = evaluate(str(path), settings=with_data, sandbox=FakeSandbox())
    written = json.loads((Path(run.path) / "eval_results.json").read_text())
    assert written["hash"] == run.config.benchmark_hash
    seen = {
        task_id: [(row["base_status"], row["plus_status"]) for row in rows]
        for task_id, rows in written["eval"].items()
    }
    assert seen == {
        "HumanEval/0": [("pass", "fail")],
        "HumanEval/2": [("pass", "pass"), ("fail", "fail")],
    }


def test_a_benchmark_of_ours_has_no_file_of_the_peers(tmp_path: Path, settings: Settings):
    source = write_samples(tmp_path / "s.jsonl", (PROBLEMS[0], right))
    run = evaluate(source, settings=settings, sandbox=FakeSandbox())
    assert not (Path(run.path) / "eval_results.json").exists()


# Our failures are not the model's


def test_a_lost_job_is_unscored_and_tried_again(tmp_path: Path, settings: Settings):
    rows = [(problem, write) for problem in PROBLEMS[:3] for write in (right, wrong)]
    source = write_samples(tmp_path / "lost.jsonl", *rows)
    evaluate(source, settings=settings, sandbox=FakeSandbox(), name="sound")  # fills the cache

    lost_code = right(PROBLEMS[1])

    def lose(job: Job) -> End | None:
        return End.LOST if job.code == lost_code else None

    first = evaluate(source, settings=settings, sandbox=FakeSandbox(lose))
    assert (first.num_scored, first.num_unscored) == (5, 1)
    assert_adds_up(first)
    (unscored, scored) = first[PROBLEMS[1].id]
    assert unscored.status == Status.UNSCORED and scored.status == Status.WRONG_ANSWER
    # Excluded from every rate, never a zero; and pass@2 has one problem that can't have it.
    rates = summary(first).pass_at
    assert rates[1]["plus"] == estimate_pass_at_k([(2, 1), (1, 0), (2, 1)], 1)
    assert list(rates) == [1]

    sandbox, notes = FakeSandbox(), Notes()
    second = evaluate(source, settings=settings, sandbox=sandbox, observer=notes)
    assert notes.graded_keys == [(PROBLEMS[1].id, 0)]
    assert len(sandbox.jobs) == len(SUITES)
    assert any("5 of 6 verdicts kept, 1 to do" in text for text in notes.said)
    assert second.id == first.id
    assert (second.num_scored, second.num_unscored) == (6, 0)
    assert list(summary(second).pass_at) == [1, 2]


def test_all_lost_has_no_rate(tmp_path: Path, settings: Settings):
    source = write_samples(tmp_path / "s.jsonl", (PROBLEMS[0], right), (PROBLEMS[1], right))
    evaluate(source, settings=settings, sandbox=FakeSandbox(), name="sound")
    run = evaluate(source, settings=settings, sandbox=FakeSandbox(lambda job: End.LOST))
    assert (run.num_scored, run.num_unscored) == (0, 2)
    assert_adds_up(run)
    found = summary(run)
    assert found.pass_at == {} and found.by_status == {Status.UNSCORED: 2}
    assert "pass@1" not in found.as_json()


@pytest.mark.parametrize("end", [End.TIMEOUT, End.OUT_OF_MEMORY, End.FORBIDDEN])
def test_how_a_program_ends_is_its_status(tmp_path: Path, settings: Settings, end: End):
    source = write_samples(tmp_path / "s.jsonl", (PROBLEMS[0], right))
    evaluate(source, settings=settings, sandbox=FakeSandbox(), name="sound")
    sandbox = FakeSandbox(lambda job: end)
    run = evaluate(source, settings=settings, sandbox=sandbox)
    assert statuses(run) == [end.value]
    # A timeout is confirmed alone; nothing else is run twice.
    assert len(sandbox.jobs) == len(SUITES) * (2 if end == End.TIMEOUT else 1)


# The same run goes on


def test_the_same_again_does_nothing(tmp_path: Path, settings: Settings):
    source = write_samples(tmp_path / "s.jsonl", *((problem, right) for problem in PROBLEMS))
    first = evaluate(source, settings=settings, sandbox=FakeSandbox())
    sandbox, notes = FakeSandbox(), Notes()
    again = evaluate(source, settings=settings, sandbox=sandbox, observer=notes)
    assert sandbox.jobs == [] and notes.graded_keys == []
    assert any(f"run {first.id} is complete: nothing to do" in text for text in notes.said)
    assert again == first


def test_n_and_limit_extend_a_run(tmp_path: Path, settings: Settings):
    rows = [(problem, write) for problem in PROBLEMS for write in (right, wrong)]
    source = write_samples(tmp_path / "s.jsonl", *rows)
    notes = Notes()

    def go(n: int | None, limit: int | None) -> EvalRun:
        notes.graded_keys.clear()
        return evaluate(
            source,
            settings=asked(settings, n=n, limit=limit),
            sandbox=FakeSandbox(),
            observer=notes,
        )

    run = go(1, 2)
    assert len(run) == len(notes.graded_keys) == 2
    run = go(1, 4)
    assert (len(run), len(notes.graded_keys)) == (4, 2)
    run = go(2, 4)
    assert (len(run), len(notes.graded_keys)) == (8, 4)
    run = go(None, None)
    assert (len(run), len(notes.graded_keys)) == (12, 4)
    assert len(lines_of(run, "verdicts.jsonl")) == 12
    run = go(1, 1)  # less than there is: nothing is done, and nothing is taken away
    assert (len(run), len(notes.graded_keys)) == (12, 0)
    assert [info.id for info in Store(settings.home).runs()] == [run.id]


def test_another_profile_is_another_run(tmp_path: Path, settings: Settings):
    source = write_samples(tmp_path / "s.jsonl", (PROBLEMS[0], right))
    strict = evaluate(source, settings=settings, sandbox=FakeSandbox())
    parity = evaluate(
        source, settings=asked(settings, profile="evalplus-0.3.1"), sandbox=FakeSandbox()
    )
    assert strict.id != parity.id
    assert (strict.config.profile, parity.config.profile) == ("strict", "evalplus-0.3.1")


def test_a_named_run_of_another_identity_is_refused(tmp_path: Path, settings: Settings):
    source = write_samples(tmp_path / "s.jsonl", (PROBLEMS[0], right))
    other = asked(settings, profile="evalplus-master")
    run = evaluate(source, settings=settings, sandbox=FakeSandbox(), name="mine")
    assert run.id == "mine.sanity"
    with pytest.raises(RunMismatch, match="cannot resume mine.sanity: profile strict → evalplus"):
        evaluate(source, settings=other, sandbox=FakeSandbox(), name="mine")
    fresh = evaluate(source, settings=other, sandbox=FakeSandbox(), name="mine", fresh=True)
    assert fresh.config.profile == "evalplus-master"
    (aside,) = (settings.home / "runs" / ".old").iterdir()
    assert (aside / "verdicts.jsonl").read_text()


# Grading again


def test_regrade_under_the_same_profile_replaces_the_verdicts(tmp_path: Path, settings: Settings):
    source = write_samples(tmp_path / "s.jsonl", (PROBLEMS[0], right), (PROBLEMS[1], wrong))
    first = evaluate(source, settings=settings, sandbox=FakeSandbox())
    notes = Notes()
    again = regrade("last", settings=settings, sandbox=FakeSandbox(), observer=notes)
    assert again.id == first.id and statuses(again) == statuses(first)
    assert "2 verdicts graded again, 0 changed" in notes.said
    assert notes.owed == [1, 0]
    assert len(lines_of(again, "verdicts.jsonl")) == 4  # appended; the latest counts
    changed = regrade(
        "last", settings=settings, sandbox=FakeSandbox(lambda job: End.FORBIDDEN), observer=notes
    )
    assert statuses(changed) == ["forbidden", "forbidden"]
    assert "2 verdicts graded again, 2 changed" in notes.said


def test_regrade_of_a_named_run_stays_in_it(tmp_path: Path, settings: Settings):
    source = write_samples(tmp_path / "s.jsonl", (PROBLEMS[0], right))
    evaluate(source, settings=settings, sandbox=FakeSandbox(), name="mine")
    assert regrade("mine", settings=settings, sandbox=FakeSandbox()).id == "mine.sanity"
    assert [info.id for info in Store(settings.home).runs()] == ["mine.sanity"]


@pytest.mark.parametrize("name", [None, "mine"])
def test_regrade_under_another_profile_leaves_the_old_run(
    tmp_path: Path, settings: Settings, name: str | None
):
    rows = [(problem, write) for problem in PROBLEMS[:2] for write in (right, wrong)]
    source = write_samples(tmp_path / "s.jsonl", *rows)
    old = evaluate(source, settings=settings, sandbox=FakeSandbox(), name=name)
    other = asked(settings, profile="evalplus-0.3.1")
    new = regrade(old.id, settings=other, sandbox=FakeSandbox())
    assert new.id != old.id and new.config.profile == "evalplus-0.3.1"
    assert new.samples == old.samples and statuses(new) == statuses(old)
    assert Store(settings.home).load(old.id) == old
    # The same run that `eval` would have made.
    direct = evaluate(source, settings=other, sandbox=FakeSandbox())
    assert direct.id == new.id


def test_regrade_works_without_the_samples_file(tmp_path: Path, settings: Settings):
    source = write_samples(tmp_path / "s.jsonl", (PROBLEMS[0], right))
    first = evaluate(source, settings=settings, sandbox=FakeSandbox())
    Path(source).unlink()
    assert statuses(regrade(first.id, settings=settings, sandbox=FakeSandbox())) == ["passed"]


def test_regrade_goes_by_what_is_recorded(tmp_path: Path, settings: Settings):
    """A benchmark that has changed since is another benchmark."""
    problem = {
        "id": "p/1",
        "prompt": "def f(x):\n",
        "entry_point": "f",
        "solution": "def f(x):\n    return x + 1\n",
        "tests": {"base": ["f(1) == 2"], "plus": ["f(2) == 3"]},
    }
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps(problem) + "\n")
    source = tmp_path / "s.jsonl"
    source.write_text(json.dumps({"task_id": "p/1", "solution": "def f(x): return x + 1"}) + "\n")
    run = evaluate(str(source), f"jsonl:{path}", settings=settings, sandbox=FakeSandbox())
    assert statuses(run) == ["passed"] and run.id.startswith("s.own.")
    problem["tests"]["plus"] = ["f(3) == 4"]
    path.write_text(json.dumps(problem) + "\n")
    with pytest.raises(DataError, match="is not what it was when .* was made: hash"):
        regrade(run.id, settings=settings, sandbox=FakeSandbox())


# The user's errors, before anything is done


def test_wrong_names_are_said_and_nothing_is_made(tmp_path: Path, settings: Settings):
    source = write_samples(tmp_path / "s.jsonl", (PROBLEMS[0], right))
    with pytest.raises(UnknownName, match="did you mean sanity"):
        evaluate(source, "sanitty", settings=settings, sandbox=FakeSandbox())
    with pytest.raises(UnknownName, match="did you mean strict"):
        evaluate(source, settings=asked(settings, profile="strickt"), sandbox=FakeSandbox())
    with pytest.raises(DataError, match="can't be read"):
        evaluate(str(tmp_path / "none.jsonl"), settings=settings, sandbox=FakeSandbox())
    with pytest.raises(UserError, match="there are no runs"):
        regrade("last", settings=settings, sandbox=FakeSandbox())
    assert not settings.home.exists()


def test_a_home_that_cant_be_made_is_the_users_error(tmp_path: Path, settings: Settings):
    source = write_samples(tmp_path / "s.jsonl", (PROBLEMS[0], right))
    (tmp_path / "file").write_text("")
    nowhere = settings.model_copy(update={"home": tmp_path / "file" / "home"})
    with pytest.raises(UserError, match="cannot write .*Not a directory"):
        evaluate(source, settings=nowhere, sandbox=FakeSandbox())


def test_the_command_that_repeats_a_run_is_not_fresh(monkeypatch: pytest.MonkeyPatch):
    words = ["/usr/bin/harness", "eval", "a b.jsonl", "--run", "x", "--fresh"]
    monkeypatch.setattr("sys.argv", words)
    assert evaluation.command_line() == "harness eval 'a b.jsonl' --run x"
    monkeypatch.setattr("sys.argv", ["train.py", "--fresh"])
    assert evaluation.command_line() == ""
