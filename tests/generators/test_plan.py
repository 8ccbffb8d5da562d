import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.plan import CAP, Wanted, allocate, make_plan
from harness.records import DataPlan, Rule, Status, Weakness

RULES: tuple[Rule, ...] = (
    "failure",
    "learnability",
    "uniform",
    "shuffled",
    "thompson",
    "cost",
)
TYPES = ("dp", "regex", "string", "list_array", "tuple")


def weakness(type: str, rate: float, num_problems: int = 100, **changes: Any) -> Weakness:
    fields: dict[str, Any] = {
        "type": type,
        "num_problems": num_problems,
        "num_samples": num_problems,
        "rate": rate,
        "low": max(0.0, rate - 0.1),
        "high": min(1.0, rate + 0.1),
        "shrunk": rate,
        "commonest_status": Status.WRONG_ANSWER if rate < 1 else None,
        "enough": num_problems >= 30,
    }
    return Weakness(**fields | changes)


def of_rates(*rates: float) -> list[Weakness]:
    return [weakness(name, rate) for name, rate in zip(TYPES, rates, strict=True)]


def plan(weaknesses: list[Weakness], **changes: Any) -> DataPlan:
    wanted: dict[str, Any] = {"budget": 1000, "teacher": "fake@1", "types": TYPES}
    return make_plan(weaknesses, Wanted(**wanted | changes))


def rows(made: DataPlan) -> dict[str, int]:
    return {quota.type: quota.num_rows for quota in made.quotas}


weights = st.dictionaries(
    st.text("abcdefghij", min_size=1, max_size=3), st.floats(0, 10), min_size=1, max_size=20
)


@given(weights, st.integers(0, 5000))
def test_rows_add_up_within_floor_and_cap_and_follow_the_weights(weights, num_rows):
    dealt = allocate(num_rows, weights)
    num_types = len(weights)
    assert sum(dealt.values()) == num_rows
    assert set(dealt) == set(weights)
    for rows in dealt.values():
        assert math.floor(0.3 * num_rows / num_types - 1e-9) <= rows
        assert rows <= max(1, CAP * num_rows // num_types)
    for one in weights:
        for other in weights:
            if weights[one] > weights[other]:
                assert dealt[one] >= dealt[other]
    assert allocate(num_rows, dict(reversed(weights.items()))) == dealt


@given(
    st.lists(st.floats(0, 1), min_size=5, max_size=5),
    st.sampled_from(RULES),
    st.integers(1, 3000),
    st.integers(0, 5),
)
def test_a_plan_spends_its_budget_and_is_a_pure_function(rates, rule, budget, seed):
    found = of_rates(*rates)
    made = plan(found, rule=rule, budget=budget, seed=seed)
    assert sum(rows(made).values()) == budget
    assert set(rows(made)) == set(TYPES)
    assert all(1 <= quota.level <= 4 and quota.reason for quota in made.quotas)
    assert plan(found[::-1], rule=rule, budget=budget, seed=seed) == made
    assert DataPlan.model_validate_json(made.model_dump_json()) == made


def test_failure_gives_the_weaker_type_more_and_learnability_the_one_near_a_half():
    found = of_rates(0.15, 0.5, 0.6, 0.7, 0.8)
    by_failure = rows(plan(found))
    assert list(by_failure) == list(TYPES)
    by_learnability = plan(found, rule="learnability")
    assert by_learnability.quotas[0].type == "regex"
    assert rows(by_learnability)["dp"] < by_failure["dp"]


def test_a_solved_type_gets_a_review_one_level_up_and_a_hopeless_one_easier_rows():
    found = of_rates(0.05, 0.5, 0.5, 0.5, 0.97)
    quotas = {quota.type: quota for quota in plan(found).quotas}
    assert quotas["tuple"].route == "review"
    assert quotas["tuple"].num_rows == 50
    assert quotas["tuple"].level == 3
    assert quotas["dp"].route == "easier"
    assert quotas["dp"].level == 1
    assert quotas["regex"].level == 2
    later = plan(found, previous=plan(found))
    assert {quota.type: quota.level for quota in later.quotas} == {
        **dict.fromkeys(TYPES, 2),
        "tuple": 4,
        "dp": 1,
    }


def test_too_few_problems_tilt_but_neither_ease_nor_retire():
    few = [weakness("dp", 0.0, 3, shrunk=0.08), weakness("tuple", 1.0, 3, shrunk=0.95)]
    found = [weakness(name, 0.5) for name in TYPES[1:4]] + few
    quotas = {quota.type: quota for quota in plan(found).quotas}
    for name in ("dp", "tuple"):
        assert quotas[name].route == "unproven"
        assert quotas[name].level == 2
        assert "too little to retire or ease it" in quotas[name].reason
    assert quotas["dp"].num_rows > quotas["regex"].num_rows > quotas["tuple"].num_rows > 60
    unmeasured = {quota.type: quota for quota in plan(found[:3]).quotas}
    assert "no problem of it was measured" in unmeasured["dp"].reason
    assert unmeasured["dp"].num_rows == 200


def test_the_controls_have_the_same_budget_and_shuffled_the_same_quotas():
    found = of_rates(0.1, 0.3, 0.5, 0.7, 0.95)
    steered, uniform = rows(plan(found)), rows(plan(found, rule="uniform"))
    shuffled = rows(plan(found, rule="shuffled", seed=1))
    assert set(uniform.values()) == {200}
    assert sorted(shuffled.values()) == sorted(steered.values())
    assert shuffled != steered
    assert rows(plan(found, rule="shuffled", seed=2)) != shuffled


def test_the_seed_is_what_thompson_draws_by():
    found = [weakness(name, 0.4, 40) for name in TYPES]
    one = plan(found, rule="thompson", seed=1)
    assert one == plan(found, rule="thompson", seed=1)
    assert rows(one) != rows(plan(found, rule="thompson", seed=2))


def test_a_rise_since_the_last_plan_counts_for_learnability():
    before = plan([weakness(name, 0.3) for name in TYPES])
    found = [weakness(name, 0.3) for name in TYPES[1:]] + [weakness("dp", 0.5)]
    with_history = rows(plan(found, rule="learnability", previous=before))
    without = rows(plan(found, rule="learnability"))
    assert with_history["dp"] > without["dp"]


def test_a_costly_type_gets_fewer_rows():
    found = [weakness(name, 0.5) for name in TYPES]
    dealt = rows(plan(found, rule="cost", yields={"dp": 0.1}))
    assert dealt["dp"] < dealt["regex"]


def test_with_a_dataset_of_the_round_before_a_quarter_is_replayed():
    made = plan([weakness(name, 0.5) for name in TYPES], parents=("abc",))
    assert made.num_replay == 250
    assert sum(rows(made).values()) == 750


def test_what_the_teacher_cannot_write_is_named_with_its_share_of_the_failures():
    found = [weakness("dp", 0.5), weakness("date_time", 0.1, 50), weakness("matrix_grid", 1.0)]
    made = plan(found)
    (only,) = made.uncovered
    assert only.type == "date_time"
    assert only.share_of_failures == pytest.approx(45 / 95, abs=1e-4)
    assert "passes 10% of 50 problems" in only.reason
    assert "date_time" not in rows(made)


def test_libraries_are_named_beside_the_types_that_their_tasks_have():
    plots = weakness("libraries: Visualization", 0.2, 20)
    (only,) = plan([weakness("dp", 0.5)], libraries=(plots,)).uncovered
    assert only.type == "libraries: Visualization"
    assert only.share_of_failures == pytest.approx(16 / 50)


def test_no_budget_is_an_error():
    with pytest.raises(ValueError, match="budget"):
        plan([], budget=0)
