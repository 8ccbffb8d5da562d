"""A teacher of three small types, for tests of what stands behind a teacher.

Every task keeps some numbers of a list, changes them and folds them into one. `flawed` writes a
task that can't become a row at every fifth place, each time with another flaw.
"""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace

from generators.teachers.protocol import Portion, Solution, Task

KEEP = {
    "are larger than {c}": "x > {c}",
    "are at most {c}": "x <= {c}",
    "leave a rest of one when divided by {c}": "x % {c} == 1",
    "end in the digit seven or are below {c}": "abs(x) % 10 == 7 or x < {c}",
}
CHANGE = {
    "add {k} to every one of those": "x + {k}",
    "multiply each remaining entry by {k}": "x * {k}",
    "square what is left and take away {k}": "x * x - {k}",
    "replace each by its distance from {k}": "abs(x - {k})",
}
FOLD = {
    "Finally return the total of them all, or 0 if there are none": "sum({values})",
    "Give back the greatest, with 0 standing in for an empty selection": "max({values}, default=0)",
    "The answer is how many different results there were": "len(set({values}))",
    "Answer with the results in ascending order, as a list": "sorted({values})",
}
OPENINGS = (
    "You are given a list of whole numbers",
    "The argument is a sequence of integers in any order",
    "Somebody hands us measurements, all of them whole",
    "Consider the integers of the list that is passed in",
)
CALLS = (
    *(([],), ([1],), ([7, -3],), ([5, 5, 12, 40],), ([17, 27, 3, 0, -7, 21],)),
    *((list(range(0, 60, 7)),), ([-20, 33, 8, 2, 91, 7, 14],), ([100, 1, 31, 13, 11],)),
)
FLAWS = ("raises", "styles", "mutant", "constant", "empty")


class FakeTeacher:
    name = "fake"
    version = "1"
    types = ("list_array", "sort_order", "set_unique")

    def propose(self, type: str, *, level: int, seed: int, portion: Portion) -> Iterator[Task]:
        if type not in self.types or not 1 <= level <= 4:
            raise ValueError(f"no {type} of level {level}")
        draw = random.Random(f"{type} {level} {seed} {portion}")
        folds = list(FOLD.items())
        chosen = {"list_array": folds[:2], "sort_order": folds[3:], "set_unique": folds[2:3]}[type]
        while True:
            keep, change = draw.choice(list(KEEP.items())), draw.choice(list(CHANGE.items()))
            fold = draw.choice(chosen)
            yield self.task(
                type, level, (keep, change, fold), draw.randint(2, 40), draw.randint(2, 40), draw
            )

    def task(self, type, level, parts, c: int, k: int, draw: random.Random) -> Task:
        (keep_said, keep), (change_said, change), (fold_said, fold) = parts
        keep, change = keep.format(c=c), change.format(k=k)
        rest = f"{draw.choice(OPENINGS)}. Keep the ones that {keep_said.format(c=c)}"
        prompt = (
            f'def solve_it(numbers):\n    """{rest}; then {change_said.format(k=k)}. '
            f'{fold_said}.\n\n    >>> solve_it([])\n    {eval(fold.format(values="[]"))}\n    """\n'
        )
        short = fold.format(values=f"[{change} for x in numbers if {keep}]")
        loop = (
            "def solve_it(numbers):\n    found = []\n    for x in numbers:\n"
            f"        if {keep}:\n            found.append({change})\n"
            f"    return {fold.format(values='found')}\n"
        )
        wrong = loop.replace(f"if {keep}", f"if not ({keep})")
        meaning = repr((keep, change, fold))
        digest = hashlib.sha256(meaning.encode()).hexdigest()
        return Task(
            id=f"fake-1-{type}-{digest[:12]}",
            type=type,
            family=f"{keep_said.split()[0]}-{change_said.split()[0]}",
            level=level,
            seed=draw.randrange(1 << 30),
            form="docstring",
            prompt=prompt,
            entry_point="solve_it",
            solutions=(
                Solution("comprehension", f"def solve_it(numbers):\n    return {short}\n"),
                Solution("loop", loop),
            ),
            base=CALLS[:4],
            plus=CALLS[4:],
            mutants=(wrong,),
            signature=digest,
            pairs=(),
        )


class FlawedTeacher(FakeTeacher):
    name = "flawed"

    def propose(self, type: str, *, level: int, seed: int, portion: Portion) -> Iterator[Task]:
        proposed = super().propose(type, level=level, seed=seed, portion=portion)
        for number, task in enumerate(proposed):
            yield flawed(task, FLAWS[number // 5 % len(FLAWS)]) if number % 5 == 4 else task


class StoppingTeacher(FakeTeacher):
    """Has no more than three tasks of a type."""

    name = "stopping"

    def propose(self, type: str, *, level: int, seed: int, portion: Portion) -> Iterator[Task]:
        proposed = super().propose(type, level=level, seed=0, portion=portion)
        yield from (task for task, _ in zip(proposed, range(3), strict=False))


def flawed(task: Task, flaw: str) -> Task:
    first, second = task.solutions
    broken = "def solve_it(numbers):\n    raise ValueError(numbers)\n"
    match flaw:
        case "raises":
            return replace(task, solutions=(Solution("loop", broken), second))
        case "styles":
            return replace(task, solutions=(first, Solution("loop", broken)))
        case "mutant":
            return replace(task, mutants=(*task.mutants, first.code))
        case "constant":
            same = Solution("loop", "def solve_it(numbers):\n    return 0\n")
            return replace(task, solutions=(same, same), mutants=())
        case _:
            return replace(task, prompt=" ")
