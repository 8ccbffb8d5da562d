"""Profiles: the limits and names of EvalPlus, held against the installed one."""

import math

import psutil
import pytest
from evalplus.config import DEFAULT_GT_TIME_LIMIT_FACTOR, DEFAULT_MIN_TIME_LIMIT
from evalplus.eval import query_maximum_memory_bytes

from harness.errors import UnknownName
from harness.grading.profiles import ENCODED_PER_S, PROFILES, Profile, profile_named

PARITY = PROFILES["evalplus-0.3.1"]


def test_the_parity_profile_has_the_time_limits_of_the_installed_evalplus() -> None:
    assert PARITY.min_time_limit_s == DEFAULT_MIN_TIME_LIMIT
    assert PARITY.time_factor == DEFAULT_GT_TIME_LIMIT_FACTOR


def test_the_parity_profile_has_the_memory_limit_of_the_installed_evalplus(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("EVALPLUS_MAX_MEMORY_BYTES", raising=False)
    all_of_it = psutil.virtual_memory().total
    assert query_maximum_memory_bytes() == min(PARITY.memory_mb << 20, all_of_it)


def test_only_the_released_evaluator_can_not_pass_find_zero() -> None:
    never = {name: set(profile.never_pass) for name, profile in PROFILES.items()}
    assert {name: ids for name, ids in never.items() if ids} == {"evalplus-0.3.1": {"HumanEval/32"}}


def test_a_known_failure_comes_with_its_reason() -> None:
    reasons = [reason for each in PROFILES.values() for reason in each.never_pass.values()]
    assert reasons and all(len(reason) > 20 for reason in reasons)


def test_an_input_may_take_a_multiple_of_the_reference_and_never_less_than_the_least() -> None:
    limits = PARITY.limits((0.1, 0.25, 2.0), 0)
    assert limits.input_wall_s == (1.0, 1.0, 8.0)


def test_a_suite_may_take_what_its_inputs_may_and_the_grace() -> None:
    assert PARITY.limits((0.1, 2.0), 0).wall_s == 1.0 + 8.0 + 2.0


def test_a_suite_may_take_a_minute_at_most() -> None:
    assert PARITY.limits((0.1,) * 1000, 0).wall_s == 60.0 + 2.0


def test_the_time_to_encode_large_answers_is_not_the_programs() -> None:
    short, long = (PARITY.limits((0.1,), size) for size in (0, 30 * ENCODED_PER_S))
    assert math.isclose(long.wall_s - short.wall_s, 30.0)
    assert long.input_wall_s == short.input_wall_s


def test_a_suite_without_inputs_may_still_load() -> None:
    limits = PARITY.limits((), 0)
    assert (limits.wall_s, limits.input_wall_s) == (2.0, ())


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_two_cores_may_be_busy(profile: Profile) -> None:
    limits = profile.limits((1.0, 2.0), 0)
    assert limits.cpu_s == 2 * limits.wall_s
    assert limits.memory_mb == profile.memory_mb


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_found_by_its_name(name: str) -> None:
    assert profile_named(name).name == name


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"'evalplus-0.3.2': did you mean evalplus-0.3.1\?"):
        profile_named("evalplus-0.3.2")
