"""The grammar teacher: what it proposes is right, clear, tested, and the same everywhere."""

import ast
import contextlib
import dataclasses
import hashlib
import io
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import cache
from itertools import combinations, islice
from typing import cast, get_args
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.teachers.grammar import GrammarTeacher, code, families, mutants, prompts, teacher
from generators.teachers.grammar.phrases import Untidy
from generators.teachers.grammar.spec import TYPES, Call, Spec, arguments, kind_of
from generators.teachers.protocol import Portion, Task, Teacher
from harness.problem_types import tag_program
from harness.records import Value

TEACHER: Teacher = GrammarTeacher()
PORTIONS: tuple[Portion, ...] = get_args(Portion)
NUM = 6


@cache
def some(type_: str, level: int, portion: Portion = "train", num: int = NUM) -> tuple[Task, ...]:
    stream = TEACHER.propose(type_, level=level, seed=4, portion=portion)
    return tuple(islice(stream, num))


def all_of_train() -> Iterator[Task]:
    for type_ in TEACHER.types:
        for level in families.LEVELS:
            yield from some(type_, level)


def call(task: Task, source: str, given: tuple[Value, ...]) -> object:
    """What a program answers: the value of the call, or what it prints."""
    if task.entry_point:
        return code.compiled(source, task.entry_point)(*given)
    (text,) = cast(tuple[str], given)
    printed = io.StringIO()
    with patch("sys.stdin", io.StringIO(text)), contextlib.redirect_stdout(printed):
        exec(compile(source, "<task>", "exec"), {"__name__": "__main__"})
    return printed.getvalue()


def answers(task: Task, source: str) -> list[object]:
    return [call(task, source, given) for given in task.base + task.plus]


def test_every_type_is_written_at_every_level_and_in_every_form() -> None:
    assert set(TEACHER.types) == set(TYPES)
    forms = {task.form for task in all_of_train()}
    assert forms == {"docstring", "sentence", "stdio"}
    for type_ in TEACHER.types:
        for level in families.LEVELS:
            assert len(some(type_, level)) == NUM, (type_, level)


def test_the_styles_of_a_task_agree_on_its_tests() -> None:
    for task in all_of_train():
        assert len(task.solutions) >= 3
        assert len({solution.code for solution in task.solutions}) == len(task.solutions)
        first, *others = (answers(task, solution.code) for solution in task.solutions)
        for other in others:
            assert other == first, task.id
            assert list(map(type, other)) == list(map(type, first)), task.id


def test_the_tests_kill_every_mutant_of_a_task() -> None:
    for task in all_of_train():
        expected = answers(task, task.solutions[0].code)
        for wrong in task.mutants:
            assert not survives(task, wrong, expected), task.id


def survives(task: Task, source: str, expected: list[object]) -> bool:
    for row, answer in zip(task.base + task.plus, expected, strict=True):
        try:
            if repr(call(task, source, row)) != repr(answer):
                return False
        except Exception:
            return False
    return True


def test_most_tasks_have_mutants_and_all_have_tests() -> None:
    tasks = list(all_of_train())
    assert sum(len(task.mutants) >= 3 for task in tasks) / len(tasks) > 0.8
    for task in tasks:
        assert len(task.base) == teacher.NUM_BASE
        assert len(task.base + task.plus) >= teacher.FEWEST_TESTS
        texts = list(map(repr, task.base + task.plus))
        assert len(set(texts)) == len(texts)


def spec_of(task: Task) -> Call:
    """The tree of a task, grown again from what its ID says."""
    _, type_, level, portion, place = task.id.split("/")
    seed, attempt = place.split(".")
    rng = random.Random(f"{teacher.VERSION}/{type_}/{level}/{seed}/{portion}/{attempt}")
    spec = families.grow(type_, level=int(level), portion=cast(Portion, portion), rng=rng)
    assert spec is not None
    return spec


def test_the_tests_kill_wrong_programs_that_the_teacher_did_not_try() -> None:
    """All one-edit trees, on 400 fresh inputs: of those that differ there, 95 % fail a test."""
    from generators.teachers.grammar import values

    num_wrong = num_killed = 0
    for type_ in TEACHER.types:
        for task in some(type_, 2):
            spec = spec_of(task)
            kinds = arguments(spec)
            names = [f"a{place}" for place in range(len(kinds))]
            rng = random.Random(task.id)
            fresh = [values.draw(kinds, rng) for _ in range(400)]
            right = run(spec, names, kinds)
            calls = task.base + task.plus if task.form != "stdio" else ()
            if not calls:
                continue
            for tree in mutants.mutants(spec):
                wrong = run(tree, names, kinds)
                if differ(right, wrong, fresh):
                    num_wrong += 1
                    num_killed += differ(right, wrong, calls)
    assert num_wrong > 300
    assert num_killed / num_wrong >= 0.95, (num_killed, num_wrong)


def run(spec: Spec, names: list[str], kinds: tuple[str, ...]) -> teacher.Function:
    return code.compiled(code.mutant(spec, "comprehension", "f", names, kinds), "f")


def differ(right: teacher.Function, wrong: teacher.Function, inputs: object) -> bool:
    for row in cast(list[tuple[Value, ...]], inputs):
        try:
            if repr(right(*row)) != repr(wrong(*row)):
                return True
        except (ArithmeticError, LookupError, ValueError, TypeError, StopIteration):
            return True
    return False


@settings(max_examples=120, deadline=None)
@given(seed=st.integers(0, 2**40), type_=st.sampled_from(TYPES), level=st.sampled_from([1, 2, 3]))
def test_what_is_said_can_be_read_back(seed: int, type_: str, level: int) -> None:
    rng = random.Random(seed)
    spec = families.grow(type_, level=level, portion="train", rng=rng)
    if spec is None or not arguments(spec):
        return
    kinds = arguments(spec)
    names = teacher.argument_names(kinds, rng)
    for form in ("docstring", "sentence"):
        try:
            asked = prompts.ask(spec, rng, form=form, names=names)
        except Untidy:
            continue
        read = prompts.read(asked.text, kinds, names, kind_of(spec))
        assert spec in read or len(read) >= 20, asked.text


def test_a_text_with_two_meanings_is_seen_as_such() -> None:
    text = "Return the squares of the numbers in nums that are greater than 5."
    read = prompts.read(text, ("ints",), ("nums",), "ints")
    assert len({type(spec) for spec in read}) == 1 < len(read)
    assert len({teacher.meaning(spec, ("ints",)) for spec in read}) == 2


def test_examples_in_a_prompt_are_true() -> None:
    for task in all_of_train():
        if task.form == "stdio":
            head, _, shown = task.prompt.partition("Example input:\n")
            given, _, printed = shown.partition("\nExample output:\n")
            assert head
            told = call(task, task.solutions[0].code, (given.removesuffix("\n") + "\n",))
            assert str(told).strip() == printed.strip(), task.id
            continue
        pairs = list(examples(task))
        assert pairs, task.prompt
        for arguments_, answer in pairs:
            assert call(task, task.solutions[0].code, arguments_) == answer, task.id


def examples(task: Task) -> Iterator[tuple[tuple[Value, ...], object]]:
    lines = task.prompt.splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("assert "):
            test = ast.parse(line).body[0]
            assert isinstance(test, ast.Assert) and isinstance(test.test, ast.Compare)
            made, answer = test.test.left, ast.literal_eval(test.test.comparators[0])
        elif line.strip().startswith(">>> "):
            made = ast.parse(line.strip()[4:], mode="eval").body
            answer = ast.literal_eval(following.strip())
        else:
            continue
        assert isinstance(made, ast.Call)
        yield tuple(ast.literal_eval(argument) for argument in made.args), answer


def test_a_docstring_solution_goes_on_from_its_prompt() -> None:
    for task in all_of_train():
        if task.form == "docstring":
            header, _, body = task.solutions[0].code.partition("\n")
            assert task.prompt.startswith(f"{header}\n"), task.id
            assert call(dataclasses.replace(task), task.prompt + body, task.base[0]) == call(
                task, task.solutions[0].code, task.base[0]
            )


def test_the_same_in_another_process_with_other_hashes_and_another_order() -> None:
    script = (
        "import hashlib, sys\n"
        "from itertools import islice\n"
        "from generators.teachers.grammar import GrammarTeacher\n"
        "for type_ in reversed(sys.argv[1:]):\n"
        "    tasks = list(islice(GrammarTeacher().propose(type_, level=2, seed=4, portion='train'), 6))\n"
        "    print(type_, hashlib.sha256(repr(tasks).encode()).hexdigest())\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, *TYPES],
        capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "77", "PYTHONPATH": "."},
    ).stdout  # fmt: skip
    expected = {
        f"{type_} {hashlib.sha256(repr(list(some(type_, 2))).encode()).hexdigest()}"
        for type_ in TYPES
    }
    assert set(told.splitlines()) == expected


def test_other_seeds_are_other_orders() -> None:
    def first(seed: int) -> list[str]:
        stream = TEACHER.propose("string", level=2, seed=seed, portion="train")
        return [task.signature for task in islice(stream, 5)]

    assert first(1) != first(2)
    assert first(1) == first(1)


def test_no_signature_comes_twice_in_a_stream() -> None:
    tasks = some("list_array", 1, num=60)
    assert len({task.signature for task in tasks}) == 60


def test_portions_share_no_signature_family_or_pair() -> None:
    found: dict[Portion, list[Task]] = {
        portion: [
            task
            for type_ in ("list_array", "string", "tuple", "arith_expr")
            for level in ((5,) if portion == "ood-depth" else (1, 2))
            for task in some(type_, level, portion, 5)
        ]
        for portion in PORTIONS
    }
    for one, other in combinations(PORTIONS, 2):
        assert found[one] and found[other]
        signatures = [{task.signature for task in found[portion]} for portion in (one, other)]
        assert not signatures[0] & signatures[1], (one, other)
    for portion, tasks in found.items():
        is_ood = {task.family in families.OOD_FAMILIES for task in tasks}
        assert is_ood == {portion == "ood-family"}
        for task in tasks:
            assert families.has_bucket(task.signature, portion)
            if portion in ("train", "dev-steer"):
                assert not any(map(families.is_held_out, task.pairs))
    deepest = max(
        len(task.pairs)
        for portion, tasks in found.items()
        if portion != "ood-depth"
        for task in tasks
    )
    assert deepest < min(len(task.pairs) for task in found["ood-depth"])


def test_buckets_cover_all_and_overlap_nowhere() -> None:
    for number in range(100):
        signature = f"{number:08x}"
        assert sum(families.has_bucket(signature, portion) for portion in PORTIONS) == 1


def test_levels_are_harder() -> None:
    def mean_size(level: int) -> float:
        sizes = [
            sum(1 for _ in ast.walk(ast.parse(task.solutions[0].code)))
            for type_ in TEACHER.types
            for task in some(type_, level)
        ]
        return sum(sizes) / len(sizes)

    sizes = [mean_size(level) for level in families.LEVELS]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 1.4 * sizes[0]


def test_the_tagger_sees_the_types_that_were_asked_for() -> None:
    tasks = list(all_of_train())
    agreed = [
        tag_program(
            prompt=task.prompt,
            entry_point=task.entry_point or "solve",
            solution=task.solutions[0].code,
            tests=task.base if task.entry_point else (),
        ).type
        == task.type
        for task in tasks
    ]
    assert sum(agreed) / len(agreed) >= 0.95


def test_a_task_fits_a_small_student() -> None:
    words = sorted(len((task.prompt + task.solutions[0].code).split()) for task in all_of_train())
    assert words[len(words) // 2] <= 120
    assert words[int(len(words) * 0.95)] <= 200


def test_no_thread_is_started_and_none_is_needed() -> None:
    before = threading.active_count()
    next(TEACHER.propose("dp", level=2, seed=9, portion="train"))
    assert threading.active_count() == before


def test_a_small_space_ends() -> None:
    with patch.object(teacher, "PATIENCE", 150):
        tasks = list(TEACHER.propose("stack_queue", level=1, seed=0, portion="dev-steer"))
    assert 0 < len(tasks) < 150


@pytest.mark.parametrize(
    ("type_", "level", "portion"),
    [("poetry", 1, "train"), ("dp", 5, "train"), ("dp", 1, "ood-depth"), ("dp", 0, "dev-test")],
)
def test_what_the_teacher_has_not_is_refused(type_: str, level: int, portion: Portion) -> None:
    with pytest.raises(ValueError, match="no (type|level)"):
        TEACHER.propose(type_, level=level, seed=0, portion=portion)
