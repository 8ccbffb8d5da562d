import gzip
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generators import behaviour, fingerprints
from generators.decontaminate import Behaviour, Guard, Suspect
from generators.probing import behaviours_of
from harness import benchmarks
from harness.benchmarks import DataFolders, jsonl
from harness.records import Benchmark, Problem
from sandboxes.fake import FakeSandbox
from tests.fake_teacher import FakeTeacher
from tests.plants import plants_of
from tests.sandboxes.jobs import sandbox_named

LEVELS = {
    "verbatim": {"exact"},
    "renamed identifiers": {"exact"},
    "reworded prompt": {"exact"},
    "translated constants": {"exact", "ngram", "ast"},
    "reordered statements": {"ast"},
    "same behaviour": {"exact", "ast", "behav"},
}
"""At which levels each kind may be caught, as docs/generating.md has it."""

LONG_ASKED = (
    "Walk through the readings of a weather station and pick those that were taken on a day "
    "whose mean temperature exceeded the given threshold while the wind stayed calm, then give "
    "back their positions in the order in which the station recorded them, counted from the end "
    "of the list backwards to its beginning"
)
SOLUTION = """
def calm_days(temperatures, winds, threshold):
    found = []
    highest = 0
    for position, temperature in enumerate(temperatures):
        if temperature > threshold and winds[position] < 5:
            found.append(len(temperatures) - position)
            highest = max(highest, temperature)
    return sorted(found, reverse=True)
"""


def problem(name: str = "calm", prompt: str = LONG_ASKED, solution: str = SOLUTION) -> Problem:
    row: dict[str, Any] = {
        "id": name,
        "prompt": prompt,
        "entry_point": "calm_days",
        "solution": solution,
        "tests": {"base": ["calm_days([1], [2], 3) == []"]},
    }
    return jsonl.problem_from_row(row, benchmark="own", where="test")


def suspect(prompt: str = "nothing of the kind is said here", code: str = "x = 1", **more: Any):
    words = fingerprints.prompt_words(prompt, constants=False)
    return Suspect(words, fingerprints.read_code(code), **more)


def level(guard: Guard, row: Suspect) -> str | None:
    match = guard.check(row)
    return match.level if match else None


def test_a_clear_row_matches_nothing():
    guard = Guard([problem()])
    assert guard.check(suspect()) is None
    assert guard.check(suspect("the day a station recorded the temperature")) is None


def test_a_prompt_is_known_by_its_words_whatever_is_around_them():
    guard = Guard([problem()])
    shouted = f'def g(a):\n    """{LONG_ASKED.upper()}!\n\n    >>> g(1)\n    2\n    """\n'
    assert level(guard, suspect(shouted)) == "exact"


def test_thirteen_words_of_a_long_prompt_or_a_fifth_of_its_runs_are_enough():
    guard = Guard([problem()])
    words = LONG_ASKED.split()
    thirteen = "and then some other thing " + " ".join(words[20:33]) + " which is new"
    assert level(guard, suspect(thirteen)) == "ngram"
    assert level(guard, suspect(" ".join(words[20:31]))) is None
    assert level(guard, suspect(" ".join(words[:20]) + " which is new")) == "ngram"


def test_what_two_problems_share_is_no_evidence():
    other = problem("other", LONG_ASKED + " except on Sundays", "def f(x):\n    return x\n")
    guard = Guard([problem(), other])
    words = LONG_ASKED.split()
    assert level(guard, suspect(" ".join(words[5:25]))) is None


def test_a_short_prompt_is_known_by_its_share_of_runs_alone():
    short = "return the largest palindrome that is hidden in the digits of this number today"
    long = short + " and also " + " ".join(f"word{chr(97 + n)}" for n in range(26))
    assert level(Guard([problem(prompt=short)]), suspect(long)) == "ngram"
    twelve = " ".join(short.split()[:9]) + " something else entirely"
    assert level(Guard([problem(prompt=short)]), suspect(twelve)) is None


def test_code_is_known_without_its_names_and_where_it_is_long_without_its_order():
    guard = Guard([problem()])
    renamed = SOLUTION.replace("found", "a").replace("position", "b").replace("winds", "c")
    assert level(guard, suspect(code=renamed)) == "exact"
    swapped = SOLUTION.replace(
        "    found = []\n    highest = 0\n", "    highest = 0\n    found = []\n"
    )
    assert level(guard, suspect(code=swapped)) == "ast"
    constants = SOLUTION.replace("< 5", "< 17").replace("= 0", "= 4")
    assert level(guard, suspect(code=constants)) == "ast"
    assert level(guard, suspect(code="def f(x):\n    return sorted(x)\n")) is None


def test_a_short_solution_is_not_known_by_its_shape():
    tiny = problem(solution="def calm_days(a, b, c):\n    return a + 1\n")
    assert level(Guard([tiny]), suspect(code="def f(x, y, z):\n    return x + 2\n")) is None


def test_behaviour_is_known_whatever_the_words_and_the_code():
    answers = tuple(str(number * number) for number in range(32))
    guard = Guard([], [Behaviour("own/square", "int", answers)])
    assert level(guard, suspect(types="int", answers=answers)) == "behav"
    assert level(guard, suspect(types="str", answers=answers)) is None
    assert level(guard, suspect(types="int", answers=("7", *answers[1:]))) is None
    few = (*answers[:20], *[None] * 12)
    assert level(Guard([], [Behaviour("p", "int", few)]), suspect(types="int", answers=answers))


def test_a_constant_or_a_coin_has_no_behaviour():
    assert not behaviour.has_behaviour(["1"] * 32)
    assert not behaviour.has_behaviour(["true"] * 31 + ["false"])
    assert behaviour.has_behaviour(["true"] * 16 + ["false"] * 16)
    assert not behaviour.has_behaviour(["1", "2", "3", *[None] * 29])


def test_a_synthetic_task_is_known_by_what_it_means():
    guard = Guard([], synthetic={"abc": "synthetic-dev/1"})
    assert level(guard, suspect(signature="abc")) == "synthetic"
    assert level(guard, suspect(signature="abd")) is None


def test_the_hash_is_of_what_rows_are_held_against():
    one, other = problem("one"), problem("two", prompt="something else entirely is asked here")
    assert Guard([one, other]).hash == Guard([other, one]).hash
    assert Guard([one]).hash != Guard([one, other]).hash
    assert Guard([one]).hash != Guard([one], synthetic={"a": "b"}).hash


# --- behaviour -----------------------------------------------------------------------------


def test_types_are_read_off_values_and_tuples_are_lists():
    shapes = behaviour.shapes_of([([1, 2], "a"), ([], "b")])
    assert shapes is not None
    assert behaviour.canonical(shapes) == "list[int],str"
    tuples = behaviour.shapes_of([((1.5, 2), {"a": 1})])
    assert tuples is not None
    assert behaviour.canonical(tuples) == "list[float],dict[str,int]"
    assert behaviour.canonical(behaviour.as_integers(tuples)) == "list[int],dict[str,int]"
    assert behaviour.shapes_of([(1,), ("a",)]) is None
    assert behaviour.shapes_of([(1,), (1, 2)]) is None
    assert behaviour.shapes_of([([1, "a"],)]) is None


def test_probes_of_a_list_and_of_a_tuple_are_the_same_numbers():
    lists = behaviour.shapes_of([([1],)])
    tuples = behaviour.shapes_of([((1,),)])
    assert lists is not None and tuples is not None
    assert [list(probe[0]) for probe in behaviour.probes_for(tuples)] == [  # type: ignore
        probe[0] for probe in behaviour.probes_for(lists)
    ]
    assert behaviour.probes_for(lists) == behaviour.probes_for(lists)
    assert len({str(probe) for probe in behaviour.probes_for(lists)}) >= 28


def test_answers_are_compared_as_data():
    assert behaviour.answer_text((1, 2)) == behaviour.answer_text([1, 2])
    assert behaviour.answer_text({2, 1}) == behaviour.answer_text({1, 2})
    assert behaviour.answer_text({"a": 1, "b": 2}) == behaviour.answer_text({"b": 2, "a": 1})
    assert behaviour.answer_text(0.1 + 0.2) == behaviour.answer_text(0.3)
    assert behaviour.answer_text(1) != behaviour.answer_text("1")


def test_a_solution_that_hangs_on_a_probe_keeps_the_rest_and_the_cache_is_used(tmp_path: Path):
    hangs = "def calm_days(n):\n    while n == 14:\n        pass\n    return n * n\n"
    row = {
        "id": "hangs",
        "prompt": "p",
        "entry_point": "calm_days",
        "solution": hangs,
        "tests": {"base": ["calm_days(3) == 9"]},
    }
    asked = jsonl.problem_from_row(row, benchmark="own", where="test")
    with sandbox_named("namespaces").open("python", 1) as workers:
        (found,) = behaviours_of([asked], workers=workers, cache=tmp_path)
        assert found.answers.count(None) == 1
        assert len({answer for answer in found.answers if answer}) > 10

    class NoWorkers:
        environment = workers.environment

    unused: Any = NoWorkers()
    assert behaviours_of([asked], workers=unused, cache=tmp_path) == [found]


# --- the published benchmarks --------------------------------------------------------------


def benchmark(name: str, data_folder: Path) -> Benchmark:
    return benchmarks.load(name, data=DataFolders(data_folder, data_folder / "none"))


@pytest.mark.data
@pytest.mark.parametrize("name", ["humaneval+", "mbpp+"])
def test_what_is_planted_is_caught_at_its_level(name: str, data_folder: Path):
    found = benchmark(name, data_folder)
    guard = Guard(found)
    counts: Counter[str] = Counter()
    for each in found:
        for plant in plants_of(each):
            counts[plant.kind] += 1
            words = fingerprints.prompt_words(plant.prompt, constants=False)
            match = guard.check(Suspect(words, fingerprints.read_code(plant.code)))
            assert match is not None, (plant.kind, each.id)
            assert match.level in LEVELS[plant.kind], (plant.kind, each.id, match)
    assert counts["verbatim"] == counts["reworded prompt"] == len(found)
    assert counts["translated constants"] > len(found) / 2
    assert counts["reordered statements"] >= 15


@pytest.mark.data
@pytest.mark.parity
def test_other_programs_that_do_the_same_are_put_aside(
    data_folder: Path, parity_folder: Path, tmp_path: Path
):
    """A model's passing programs, under prompts that say nothing: behaviour is all there is."""
    found = benchmark("humaneval+", data_folder)
    plants = [
        plant
        for each, code in passing(found, parity_folder)
        for plant in plants_of(each, code)
        if plant.kind == "same behaviour"
    ][:25]
    with sandbox_named("namespaces").open("python", 2) as workers:
        asked = [plant.problem for plant in plants]
        known = behaviours_of(asked, workers=workers, cache=tmp_path)
        rewritten = [replace(plant.problem, solution=plant.code) for plant in plants]
        answers = {
            (each.problem, each.types): each.answers
            for each in behaviours_of(rewritten, workers=workers, cache=tmp_path)
        }
    guard = Guard([], known)
    levels: Counter[str] = Counter()
    for (name, types), given in answers.items():
        match = guard.check(suspect(types=types, answers=given))
        levels[match.level if match else "missed"] += 1
        assert match is None or match.problem == name
    # What is missed are programs that answer otherwise where the problem promises nothing.
    assert levels["behav"] >= 0.85 * levels.total() > 15, levels


def passing(found: Benchmark, parity_folder: Path) -> Iterator[tuple[Problem, str]]:
    """Programs that the official evaluator passed, written otherwise than the solution."""
    name = "qwen25coder-7b-base.humanevalplus-v0.1.9.verdicts.json.gz"
    results = json.loads(gzip.decompress((parity_folder / name).read_bytes()))["eval"]
    for task_id, (first, *_) in results.items():
        if first["base_status"] == first["plus_status"] == "pass":
            yield found.by_task_id[task_id], first["solution"]


def test_clear_rows_are_kept():
    """Rows of a teacher that knows no benchmark, against a benchmark that is not its own."""
    guard = Guard([*benchmarks.load("sanity", data=DataFolders(None, Path())).problems, problem()])
    proposed = FakeTeacher().propose("list_array", level=2, seed=1, portion="train")
    for task, _ in zip(proposed, range(300), strict=False):
        assert guard.check(suspect(task.prompt, task.solutions[0].code)) is None


def test_the_fake_sandbox_gives_behaviours_too(tmp_path: Path):
    found = benchmarks.load("sanity", data=DataFolders(None, tmp_path)).problems[:5]
    with FakeSandbox().open("python", 1) as workers:
        assert len(behaviours_of(found, workers=workers, cache=tmp_path)) >= 1
