"""harness import, compare and eval --baseline, as a person types them."""

import json
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import NamedTuple, cast

import pytest

from harness import cli
from harness.benchmarks import sanity
from leaderboards.comparison import Comparison

PROBLEMS = sanity.load().problems[:8]


class Typed(NamedTuple):
    """What came of a command."""

    code: int
    out: str
    err: str


TypeIn = Callable[..., Typed]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def type_in(
    tmp_path: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> TypeIn:
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HARNESS_CACHE", str(cache))
    monkeypatch.delenv("HARNESS_DATA", raising=False)
    monkeypatch.setenv("HARNESS_SANDBOX__ALLOW_PLAIN", "true")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)

    def type_in(*words: str) -> Typed:
        monkeypatch.setattr(sys, "argv", ["harness", *words])
        capfd.readouterr()
        with pytest.raises(SystemExit) as exited:
            cli.main()
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Typed(cast(int, exited.value.code), out, err)

    return type_in


def write_results(path: Path, letters: str, *, family: str = "HumanEval") -> str:
    """A published file with a task a letter: P passed, F failed."""
    status = {"P": "pass", "F": "fail"}
    rows = {
        f"{family}/{number}": [
            {
                "solution": f"def f():\n    return {letter!r}\n",
                "base_status": status[letter],
                "plus_status": status[letter],
                "base_fail_tests": [] if letter == "P" else [[number]],
                "plus_fail_tests": [],
            }
        ]
        for number, letter in enumerate(letters)
    }
    path.write_text(json.dumps({"date": "2025-01-01 00:00", "hash": "x", "eval": rows}))
    return path.name


def write_samples(path: Path, num_right: int) -> str:
    """Programs for the first problems of `sanity`, of which the first are right."""
    rows = [
        {
            "task_id": problem.task_id,
            "solution": problem.solution
            if number < num_right
            else f"def {problem.entry_point}(*a):\n    return 'wrong'\n",
        }
        for number, problem in enumerate(PROBLEMS)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path.name


def test_import_then_compare(tmp_path: Path, type_in: TypeIn):
    old = write_results(tmp_path / "old_eval_results.json", "FFP" * 8)
    new = write_results(tmp_path / "new_eval_results.json", "PPF" + "PPP" * 7)
    imported = type_in("import", old, new)
    assert imported.code == 0
    assert "old · humaneval+ · profile published · sampling, isolation" in imported.out
    assert "old_eval_results.json: taken for humaneval+; if it is another: -b NAME" in imported.err

    compared = type_in("compare", "old", "new", "--flips", "2")
    assert compared.code == 0
    sentence, *rest = compared.out.splitlines()
    assert sentence == (
        "Of 24, B fixes 16 and breaks 1: +62.5 points, 95% CI [+38.2, +86.8], "
        "exact McNemar p < 0.001 — B is better."
    )
    text = "\n".join(rest)
    assert "fixed: 16" in text and "broken: 1" in text
    assert "✗ HumanEval/2" in text
    assert "return 'F'" in text and "return 'P'" in text  # the programs of both sides
    assert "2 of 17 flips are shown with their programs: --flips 17" in text


def test_an_inconclusive_comparison_says_what_it_would_take(tmp_path: Path, type_in: TypeIn):
    old = write_results(tmp_path / "old.json", "FPPPPPPP" * 4)
    new = write_results(tmp_path / "new.json", "PPPPPPPF" + "FPPPPPPP" * 3)
    type_in("import", old, new)
    compared = type_in("compare", "old", "new")
    assert compared.code == 0
    assert "— not distinguishable." in compared.out
    assert "To see +3.0 points here you need ≈" in compared.out


def test_machines_and_papers_get_their_own_forms(tmp_path: Path, type_in: TypeIn):
    old = write_results(tmp_path / "a_b.json", "FFPF")
    new = write_results(tmp_path / "new.json", "PPPP")
    type_in("import", old, new)
    as_json = type_in("compare", "a_b", "new", "--json")
    found = Comparison.model_validate_json(as_json.out)
    assert (found.difference.num_fixed, len(found.fixed)) == (3, 3)
    schema = json.loads(resources.files("harness.schemas").joinpath("compare.json").read_text())
    assert set(json.loads(as_json.out)) == set(schema["properties"])

    markdown = type_in("compare", "a_b", "new", "--markdown").out
    assert markdown.startswith(found.sentence)
    assert "| A | a\\_b | 25.0%" in markdown
    assert "- `HumanEval/0` `base failed: (0,)`" in markdown

    latex = type_in("compare", "a_b", "new", "--latex").out
    assert latex.count(r"\begin{") == latex.count(r"\end{") == 2
    assert r"A: a\_b, B: new" in latex and r"95\% CI" in latex
    assert all(line.count("&") == 7 for line in latex.splitlines() if line.endswith(r"\\"))

    assert type_in("compare", "a_b", "new", "--json", "--latex").code == 2
    assert type_in("compare", "a_b", "new", "--by", "tpye").err.endswith("did you mean type?\n")
    assert "type " not in type_in("compare", "a_b", "new", "--by", "none").out


def test_what_shares_nothing_exits_3(tmp_path: Path, type_in: TypeIn):
    old = write_results(tmp_path / "old.json", "FP")
    new = write_results(tmp_path / "new.json", "FP", family="Mbpp")
    type_in("import", old, new)
    refused = type_in("compare", "old", "new")
    assert (refused.code, refused.out) == (3, "")
    assert refused.err.count("\n") == 1 and "share no scored problem" in refused.err
    assert type_in("compare", "old", "nwe").code == 2


def test_published_runs_are_shown_with_what_is_known(tmp_path: Path, type_in: TypeIn):
    type_in("import", write_results(tmp_path / "old.json", "FP"))
    shown = type_in("show", "last", "HumanEval/0")
    assert "base: failed, how many tests it passed is not published" in shown.out
    assert "times, isolation and versions unknown · profile published" in shown.out
    assert "None" not in shown.out
    assert "None" not in type_in("show", "last", "--failed").out
    assert "None" not in type_in("ls").out


def test_a_baseline_is_a_gate(tmp_path: Path, type_in: TypeIn):
    """Eight problems, seven of them broken: worse. One broken: not told from luck."""
    good = write_samples(tmp_path / "good.jsonl", 8)
    bad = write_samples(tmp_path / "bad.jsonl", 1)
    fair = write_samples(tmp_path / "fair.jsonl", 7)
    assert type_in("eval", good, "--run", "good").code == 0
    worse = type_in("eval", bad, "--baseline", "last", "--fail-if-worse")
    assert worse.code == 1
    assert "against good.sanity:\nOf 8, B fixes 0 and breaks 7" in worse.out
    assert worse.out.splitlines()[-1].endswith("— B is worse.") or "B is worse." in worse.out
    assert "is worse than good.sanity" in worse.err

    passes = type_in("eval", fair, "--baseline", "good", "--fail-if-worse", "--json")
    assert passes.code == 0
    (found,) = json.loads(passes.out)["comparisons"]
    assert Comparison.model_validate(found).difference.num_broken == 1
    strict = type_in("eval", fair, "--baseline", "good", "--fail-if-worse", "--strict")
    assert strict.code == 1
    assert "a drop of 3 points against good.sanity is not ruled out" in strict.err
    assert type_in("eval", bad, "--baseline", "good").code == 0  # told, and no gate asked for


def test_a_gate_without_a_baseline_is_a_usage_error(tmp_path: Path, type_in: TypeIn):
    fair = write_samples(tmp_path / "fair.jsonl", 7)
    asked = type_in("eval", fair, "--fail-if-worse")
    assert (asked.code, asked.out) == (2, "")
    assert "--baseline RUN" in asked.err
    assert not (tmp_path / "home").exists()


def test_runs_note_their_problems_and_pair_across_benchmarks_that_share_some(
    tmp_path: Path, type_in: TypeIn
):
    """Two files of the user's own with two problems in common: those are compared."""

    def row(name: str, answer: int) -> dict[str, object]:
        return {
            "id": name,
            "prompt": f"def {name}(x):\n",
            "entry_point": name,
            "solution": f"def {name}(x):\n    return {answer}\n",
            "types": ["dp"],
            "tests": {"base": [f"{name}(1) == {answer}"]},
        }

    shared = [row("one", 1), row("two", 2)]
    for name, rows in (("old", [*shared, row("three", 3)]), ("new", [row("zero", 0), *shared])):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
        (tmp_path / f"by-{name}.jsonl").write_text(
            "".join(
                json.dumps({"task_id": r["id"], "solution": r["solution"]}) + "\n" for r in rows
            )
        )
        done = type_in("eval", f"by-{name}.jsonl", "-b", f"jsonl:{name}.jsonl", "--run", name)
        assert done.code == 0, done.err
    (tmp_path / "old.jsonl").unlink()  # what the run noted is enough
    found = Comparison.model_validate_json(type_in("compare", "old", "new", "--json").out)
    assert found.paired_by == "content"
    assert found.difference.num_problems == 2
    assert (found.a.num_left_out, found.b.num_left_out) == (1, 1)
    assert [(line.type, line.difference.num_problems) for line in found.by_type] == [("dp", 2)]


def test_an_interval_that_rests_on_few_problems_says_so(tmp_path: Path, type_in: TypeIn):
    """Four samples a problem, and one problem that passes at times: a t interval of little worth."""
    rows = [
        {
            "task_id": problem.task_id,
            "solution": problem.solution
            if number == 0 and sample < 2
            else f"def {problem.entry_point}(*a):\n    return 'wrong'\n",
        }
        for number, problem in enumerate(PROBLEMS)
        for sample in range(4)
    ]
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = type_in("eval", "s.jsonl").out
    assert "the interval of base pass@1, plus pass@1, base pass@2" in told
    one = write_samples(tmp_path / "one.jsonl", 1)
    assert "too narrow" not in type_in("eval", one).out  # Wilson's needs no warning
