from dataclasses import replace
from typing import Any

import pytest

from generators import behaviour
from generators.candidates import Candidate, candidate_of, literal
from generators.teachers.protocol import Solution, Task
from generators.verify import Verified, verify
from sandboxes.fake import FakeSandbox
from tests.fake_teacher import FakeTeacher
from tests.sandboxes.jobs import sandbox_named

LISTS = frozenset({"list[int]"})


def task(**changes: Any) -> Task:
    return replace(
        next(FakeTeacher().propose("list_array", level=1, seed=3, portion="train")), **changes
    )


def candidate(made: Task | None = None, **changes: Any) -> Candidate:
    found = candidate_of(made or task(), teacher="fake@1", wanted_types=LISTS)
    return replace(found, **changes)


def run(*candidates: Candidate, sandbox: Any = None) -> list[Verified]:
    placed = [replace(each, place=place) for place, each in enumerate(candidates)]
    with (sandbox or FakeSandbox()).open("python", 1) as workers:
        return sorted(verify(placed, workers), key=lambda each: each.candidate.place)


def test_a_sandbox_that_sees_another_answer_is_believed():
    (seen,) = run(candidate(expected=(*candidate().expected[:-1], 12345)))
    assert seen.complaint == "sandbox disagrees"


def test_an_answer_of_another_type_is_another_answer():
    made = candidate()
    floats = tuple(float(value) if isinstance(value, int) else value for value in made.expected)
    (seen,) = run(replace(made, expected=floats))
    assert seen.complaint == "sandbox disagrees"


def test_rows_of_a_pack_are_told_apart():
    wrong = candidate(solution="def solve_it(numbers):\n    return 'x'\n")
    broken = candidate(solution="def solve_it(numbers):\n    return undefined\n")
    missing = candidate(solution="def other(numbers):\n    return 1\n")
    right = candidate()
    said = [each.complaint for each in run(right, wrong, broken, missing, right)]
    assert said == ["", "sandbox disagrees", "solution raises", "solution raises", ""]


def test_a_program_on_standard_input_is_run_as_one():
    made = candidate(
        form="stdio",
        entry_point="",
        solution="n = int(input())\nif __name__ == '__main__':\n    print(n * 2)\n    raise SystemExit\n",
        calls=(("3\n",), ("5\n",)),
        expected=("6\n", "10\n"),
        probes=(),
    )
    assert [each.complaint for each in run(made, made)] == ["", ""]


def test_one_that_hangs_on_a_test_is_dropped_and_its_neighbours_are_not():
    hangs = candidate(solution="def solve_it(numbers):\n    while True:\n        pass\n")
    sandbox = sandbox_named("namespaces")
    said = [each.complaint for each in run(candidate(), hangs, candidate(), sandbox=sandbox)]
    assert said == ["", "solution: timeout", ""]


def test_one_that_hangs_on_a_probe_is_kept():
    made = candidate()
    _, (numbers,) = next(probe for probe in made.probes if len(probe[1][0]) > 2)  # type: ignore
    hanging = made.solution.replace(
        "return", f"while numbers == {numbers!r}:\n        pass\n    return", 1
    )
    sandbox = sandbox_named("namespaces")
    calm, kept = run(made, replace(made, solution=hanging), sandbox=sandbox)
    assert calm.complaint == kept.complaint == ""
    assert len(calm.answers) == behaviour.NUM_PROBES
    assert kept.answers == ()


def test_probes_lie_within_what_the_tests_pass():
    made = candidate()
    assert 12 <= len(made.probes) <= behaviour.NUM_PROBES
    assert made.probes[-1][0] <= 31
    small = candidate(task(base=(([0, 50],), ([9, 1],), ([33],)), plus=()))
    assert len(small.probes) < len(made.probes)
    probes = behaviour.probes_for((behaviour.Shape("int"),))
    inside = behaviour.within([(0,), (9,)], probes)
    assert inside == [n for n, (value,) in enumerate(probes) if 0 <= value <= 9]  # type: ignore


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prompt": " \n"}, "incomplete"),
        ({"base": (), "plus": ()}, "incomplete"),
        ({"mutants": ("def solve_it(numbers):\n    while True: pass\n",)}, ""),
        ({"mutants": ("def solve_it(numbers:\n",)}, ""),
    ],
)
def test_what_is_seen_without_a_sandbox(changes: dict[str, Any], said: str):
    assert candidate(task(**changes)).complaint == said


def test_solutions_that_never_end_or_answer_no_data_are_seen():
    endless = Solution("loop", "def solve_it(numbers):\n    while True:\n        pass\n")
    assert candidate(task(solutions=(endless, endless))).complaint == "solution too slow"
    second = task().solutions[1]
    assert candidate(task(solutions=(second, endless))).complaint == "styles disagree"
    objects = Solution("loop", "def solve_it(numbers):\n    return [range(len(numbers))]\n")
    assert candidate(task(solutions=(objects,), mutants=())).complaint == "not a literal"
    big = Solution("loop", "def solve_it(numbers):\n    return list(range(2000 + len(numbers)))\n")
    assert candidate(task(solutions=(big,), mutants=())).complaint == "test too long"


def test_literals_are_read_back_as_what_they_were():
    for value in (None, True, -3, 2.5, "a'b\n", [], (), (1,), {1, 2}, set(), {"k": [(1, 2)]}):
        text = literal(value)
        assert text is not None
        assert eval(text) == value
        assert type(eval(text)) is type(value)
    assert literal({3, 1, 2}) == "{1, 2, 3}"
    assert literal(object()) is None
    assert literal([1, b"x"]) is None
