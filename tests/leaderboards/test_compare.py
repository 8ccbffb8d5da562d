"""Comparing two runs: what pairs, what is said, what is refused."""

import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError, NotComparable
from harness.records import PUBLISHED, EvalRun, Generation, Status
from harness.store import Store
from leaderboards.compare import compare
from leaderboards.comparison import Comparison, power_sentence
from leaderboards.gate import Gate
from leaderboards.pairing import pair, task_id_of
from tests.runs import make_run, outcomes

GREEDY = Generation(
    engine="local", prompt_form="plain", max_tokens=512, temperature=0.0, top_p=1.0, seed=0
)


def against(a: str, b: str, **options) -> Comparison:
    return compare(make_run("a", outcomes(a), **options), make_run("b", outcomes(b), **options))


# The sentence


def test_the_sentence_of_the_design():
    found = against("F" * 12 + "P" * 152, "P" * 12 + "F" * 5 + "P" * 147)
    assert found.sentence == (
        "Of 164, B fixes 12 and breaks 5: +4.3 points, 95% CI [−0.7, +9.2], "
        "exact McNemar p = 0.14 — not distinguishable."
    )
    assert found.difference.claim == "inconclusive"
    note = power_sentence(found)
    assert note is not None and note.startswith("To see +3.0 points here you need ≈ 894 problems")
    assert "samples a problem" not in note  # with one each, nobody knows what they vary by


def test_plus_is_base_and_plus():
    found = against("P+P", "PPF")
    assert found.suite == "plus"
    assert [flip.task_id for flip in found.fixed] == ["HumanEval/1"]
    assert [flip.task_id for flip in found.broken] == ["HumanEval/2"]
    assert found.by_suite["base"].num_fixed == 0
    assert found.by_suite["base"].num_broken == 1
    assert found.by_suite["plus"] == found.difference


def test_a_conclusive_difference_needs_no_power_note():
    found = against("F" * 20 + "P" * 20, "P" * 40)
    assert found.difference.claim == "better"
    assert found.sentence.endswith("B is better.")
    assert power_sentence(found) is None
    worse = against("P" * 40, "F" * 20 + "P" * 20)
    assert worse.sentence.endswith("B is worse.") and worse.is_worse


def test_many_samples_are_tested_by_sign_flips_and_split_the_variance():
    a = {f"HumanEval/{n}": list("PPFF") for n in range(40)}
    b = {f"HumanEval/{n}": list("PPPF" if n % 2 else "PFFF") for n in range(40)}
    found = compare(make_run("a", a), make_run("b", b))
    assert found.difference.test == "sign-flip permutation"
    assert "Of 40, B is better on 20 and worse on 20: 0.0 points" in found.sentence
    assert found.spread is not None
    assert found.spread.total == pytest.approx(found.spread.data + found.spread.prediction)
    assert found.power is not None


# Flips


def test_a_flip_shows_the_programs_and_the_failed_test_of_both_sides():
    (flip,) = against("PF", "PP").flips
    assert (flip.kind, flip.task_id, flip.change) == ("fixed", "HumanEval/1", 1.0)
    assert flip.a.code == "# a F\n" and flip.b.code == "# b P\n"
    assert flip.a.status == Status.WRONG_ANSWER and flip.b.status == Status.PASSED
    assert flip.a.failure is not None and flip.a.failure.got == "2"
    assert flip.b.failure is None
    assert flip.a.stderr == "said by a"


def test_of_many_samples_those_are_shown_that_tell():
    a, b = {"HumanEval/0": list("FPP")}, {"HumanEval/0": list("PFF")}
    (flip,) = compare(make_run("a", a), make_run("b", b)).flips
    assert flip.kind == "broken"
    assert flip.change == pytest.approx(-1 / 3)
    assert (flip.a.index, flip.a.num_passed, flip.a.num_samples) == (1, 2, 3)
    assert (flip.b.index, flip.b.num_passed, flip.b.num_samples) == (1, 1, 3)


def test_flips_are_sorted_as_people_count():
    found = against("F" * 12, "P" * 12)
    assert [flip.task_id for flip in found.fixed] == [f"HumanEval/{n}" for n in range(12)]


@given(st.lists(st.sampled_from(["PP", "PF", "FP", "FF", "P?", "?F"]), min_size=1, max_size=40))
def test_every_problem_is_in_exactly_one_bucket(both: list[str]):
    a, b = "".join(two[0] for two in both), "".join(two[1] for two in both)
    shared = [two for two in both if "?" not in two]
    if not shared:
        with pytest.raises(NotComparable, match="share no scored problem"):
            against(a, b)
        return
    found = against(a, b)
    difference = found.difference
    assert difference.num_fixed == len(found.fixed) == shared.count("FP")
    assert difference.num_broken == len(found.broken) == shared.count("PF")
    assert difference.num_fixed + difference.num_broken + difference.num_tied == len(shared)
    assert found.a.num_left_out == found.b.num_left_out == len(both) - len(shared)
    assert found.a.num_unscored == a.count("?")


# Types


def test_types_are_many_claims():
    types = {f"HumanEval/{n}": "dp" if n < 8 else "string" for n in range(60)}
    found = against("F" * 7 + "P" * 53, "P" * 60, types=types)
    string, dp = found.by_type
    assert (string.type, string.difference.num_problems) == ("string", 52)
    assert (dp.type, dp.rate_a, dp.rate_b) == ("dp", 0.125, 1.0)
    assert dp.difference.p_value == pytest.approx(2 / 2**7)
    assert dp.p_holm == pytest.approx(4 / 2**7)
    assert dp.mark == "claim"
    assert string.mark == ""


def test_what_is_significant_alone_and_not_among_many_is_exploratory():
    types = {f"HumanEval/{n}": f"type {n // 6}" for n in range(30)}
    found = against("F" * 6 + "P" * 24, "P" * 30, types=types)
    marks = {line.type: line.mark for line in found.by_type}
    assert marks == {"type 0": "exploratory"} | {f"type {n}": "" for n in range(1, 5)}


def test_published_problems_have_types_without_their_benchmark():
    found = against("PF", "PP")
    assert {line.type for line in found.by_type} and found.flips[0].type is not None


# What pairs


def test_equal_content_pairs_across_benchmarks():
    a = make_run("a", outcomes("PFP"), contents={"HumanEval/1": "same"}, benchmark_hash="old")
    b = make_run(
        "b",
        outcomes("FPP"),
        contents={"HumanEval/0": "same", "HumanEval/1": "new", "HumanEval/2": "new"},
    )
    pairs = pair(a, b)
    assert pairs.ids == (("humaneval+/HumanEval/1", "humaneval+/HumanEval/0"),)
    assert pairs.by == "content"
    assert pairs.num_left_out == (2, 2)


def test_problems_that_one_side_lacks_are_counted():
    found = compare(make_run("a", outcomes("PPPP")), make_run("b", outcomes("PF")))
    assert (found.a.num_left_out, found.b.num_left_out) == (2, 0)
    assert found.difference.num_problems == 2
    assert found.a.rate.value == 1.0 and found.b.rate.value == 0.5


def test_a_published_run_pairs_by_task_id_with_a_warning():
    a = make_run("a", outcomes("PF"), profile=PUBLISHED, benchmark_hash="unknown")
    b = make_run("b", outcomes("PP"))
    found = compare(a, b)
    assert found.paired_by == "task ID"
    profiles, by_id = found.warnings
    assert "published verdicts are held against our own under evalplus-0.3.1" in profiles
    assert by_id.startswith("paired by task ID")


def test_two_published_runs_of_one_hash_have_the_same_problems():
    runs = [make_run(name, outcomes("PF"), profile=PUBLISHED) for name in "ab"]
    assert pair(*runs).by == "content"
    unknown = [
        make_run(name, outcomes("PF"), profile=PUBLISHED, benchmark_hash="unknown") for name in "ab"
    ]
    assert pair(*unknown).by == "task ID"


def test_how_replies_were_written_may_differ_and_is_said():
    chat = GREEDY.model_copy(update={"prompt_form": "messages", "temperature": 0.8})
    a = make_run("a", outcomes("PF"), generation=GREEDY)
    b = make_run("b", outcomes("PF"), generation=chat)
    assert compare(a, b).warnings == (
        "what differs: prompt form plain → messages; temperature 0.0 → 0.8",
    )
    assert compare(a, a).warnings == ()


def test_samples_and_suites_that_differ_are_said():
    a = make_run("a", {"HumanEval/0": list("PF")})
    b = make_run("b", outcomes("P"), suites=("base",))
    (warning,) = compare(a, b).warnings
    assert "suites base, plus → base" in warning
    assert "samples a problem 2 → 1" in warning


@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        (
            make_run("a", outcomes("P")),
            make_run("b", outcomes("P"), profile="strict"),
            "profiles differ.*evalplus-0.3.1 and strict.*harness regrade",
        ),
        (
            make_run("a", outcomes("P"), profile=PUBLISHED),
            make_run("b", outcomes("P"), profile="strict"),
            "profiles differ",
        ),
        (
            make_run("a", outcomes("P"), profile=PUBLISHED),
            make_run("b", outcomes("P", family="Mbpp"), benchmark="mbpp+"),
            r"share no scored problem: one is on humaneval\+, the other on mbpp\+",
        ),
        (
            make_run("a", outcomes("P")),
            make_run("b", outcomes("P"), suites=("private",)),
            "no suite in common",
        ),
        (
            make_run("a", outcomes("P"), contents={}),
            make_run("b", outcomes("P"), contents={"HumanEval/0": "x"}, benchmark_hash="other"),
            "share no scored problem",
        ),
    ],
)
def test_what_is_not_comparable_is_refused_with_the_reason(a: EvalRun, b: EvalRun, reason: str):
    with pytest.raises(NotComparable, match=reason):
        compare(a, b)


def test_a_run_of_before_pairs_by_its_benchmark_or_says_why_not(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path))
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    old = make_run("a", outcomes("PF"))
    assert pair(old, make_run("b", outcomes("PF"))).by == "content"  # the same hash
    with pytest.raises(NotComparable, match="in neither the run nor a file here"):
        pair(old, make_run("b", outcomes("PF"), benchmark_hash="other"))


@pytest.mark.parametrize(
    ("problem_id", "task_id"),
    [
        ("humaneval+/HumanEval/3", "HumanEval/3"),
        ("sanity/sanity/add", "sanity/add"),
        ("jsonl:/data/mine.jsonl/two-sum", "two-sum"),
    ],
)
def test_the_task_id_is_the_publishers(problem_id: str, task_id: str):
    assert task_id_of(problem_id) == task_id


# The record and the gate


def test_the_committed_schema_is_that_of_the_record():
    schema = json.loads(resources.files("harness.schemas").joinpath("compare.json").read_text())
    dialect = schema.pop("$schema")
    assert dialect == "https://json-schema.org/draft/2020-12/schema"
    assert schema == Comparison.model_json_schema(mode="serialization"), (
        "write it anew: Comparison.model_json_schema(mode='serialization')"
    )


def test_a_comparison_survives_json():
    found = against("PFP+", "PPFP")
    assert Comparison.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize(
    ("new", "fails", "fails_strictly"),
    [
        ("P" * 300, False, False),
        ("P" * 290 + "F" * 10, True, True),  # ten breaks, no fix
        ("P" * 297 + "F" * 3, False, False),  # three: not told from luck, and no drop of 3 points
    ],
)
def test_the_gate(new: str, fails: bool, fails_strictly: bool):
    old = make_run("old", outcomes("P" * 300))
    for strict, expected in ((False, fails), (True, fails_strictly)):
        gate = Gate((old,), fail_if_worse=True, strict=strict)
        comparisons = gate.comparisons([make_run("new", outcomes(new))])
        assert bool(gate.failed(comparisons)) is expected
    assert Gate((old,)).failed(comparisons) == []


def test_too_few_problems_pass_the_gate_unless_it_is_strict():
    old, new = make_run("old", outcomes("P" * 20)), make_run("new", outcomes("P" * 19 + "F"))
    comparisons = Gate((old,)).comparisons([new])
    assert Gate((old,), fail_if_worse=True).failed(comparisons) == []
    (reason,) = Gate((old,), fail_if_worse=True, strict=True).failed(comparisons)
    assert "a drop of 3 points" in reason


def test_a_gate_takes_the_baseline_of_the_same_benchmark():
    ours = make_run("a", outcomes("P"))
    mbpp = make_run("a", outcomes("P", family="Mbpp"), benchmark="mbpp+")
    gate = Gate((ours, mbpp))
    new = make_run("b", outcomes("F", family="Mbpp"), benchmark="mbpp+")
    (found,) = gate.comparisons([new])
    assert found.a.run == mbpp.id
    with pytest.raises(NotComparable, match=r"no baseline is on sanity"):
        gate.comparisons([make_run("b", outcomes("P"), benchmark="sanity")])
    assert Gate().comparisons([new]) == []


def test_a_gate_wants_to_know_what_it_gates(tmp_path):
    with pytest.raises(ConfigError, match="--baseline RUN"):
        Gate.of(Store(tmp_path), None, fail_if_worse=True, strict=False)
    with pytest.raises(ConfigError, match="--strict goes with"):
        Gate.of(Store(tmp_path), "last", fail_if_worse=False, strict=True)
