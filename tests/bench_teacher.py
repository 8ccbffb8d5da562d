"""What the grammar teacher gives, and how fast: `make bench-teacher`.

Tasks of every type and level, `--tasks` of each at most, in `--processes` processes: accepted tasks
a second (in process: the sandbox is not in it), distinct signatures, distinct n-grams of prompts,
the entropy of types and constructs, the mean distance of syntax trees, how often the tagger sees the
type that was asked for, how long tasks are, and what ends an attempt.

    python -m tests.bench_teacher --tasks 400 --processes 2
"""

import argparse
import ast
import math
import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice, pairwise
from multiprocessing import get_context
from typing import NamedTuple

from generators.teachers.grammar import GrammarTeacher
from generators.teachers.grammar.families import LEVELS
from harness.problem_types import tag_program

TYPES = GrammarTeacher.types


class Seen(NamedTuple):
    """What is kept of a task."""

    type: str
    level: int
    signature: str
    family: str
    form: str
    prompt: str
    solution: str
    entry_point: str
    num_mutants: int
    num_solutions: int


class Stream(NamedTuple):
    """One process's work."""

    tasks: list[Seen]
    cpu_s: float


def write(type_: str, level: int, num: int) -> Stream:
    """The first tasks of one type and level."""
    start = time.process_time()
    proposed = GrammarTeacher().propose(type_, level=level, seed=0, portion="train")
    tasks = [
        Seen(
            task.type, level, task.signature, task.family, task.form, task.prompt,
            task.solutions[0].code, task.entry_point, len(task.mutants), len(task.solutions),
        )
        for task in islice(proposed, num)
    ]  # fmt: skip
    return Stream(tasks, time.process_time() - start)


def agrees(task: Seen) -> bool:
    """Whether the tagger gives the task the type that it was written for."""
    tags = tag_program(
        prompt=task.prompt, entry_point=task.entry_point or "main", solution=task.solution
    )
    return tags.type == task.type


def distinct(texts: Iterable[str], n: int) -> float:
    """Distinct n-grams of words, as a share of all."""
    grams: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        words = text.lower().split()
        grams.update(zip(*(words[start:] for start in range(n)), strict=False))
    return len(grams) / max(1, grams.total())


def entropy_bits(names: Iterable[str]) -> float:
    counts = Counter(names)
    return -sum(n / counts.total() * math.log2(n / counts.total()) for n in counts.values())


def shape(source: str) -> set[tuple[str, str]]:
    """The parent and child types of a program's tree."""
    nodes = ast.walk(ast.parse(source))
    return {
        (type(node).__name__, type(child).__name__)
        for node in nodes
        for child in ast.iter_child_nodes(node)
    } | {
        (one, other)
        for one, other in pairwise(type(n).__name__ for n in ast.walk(ast.parse(source)))
    }


def mean_distance(sources: Sequence[str], num_pairs: int = 4000) -> float:
    """1 - Jaccard of the shapes of two programs, over random pairs."""
    rng = random.Random(0)
    shapes = [shape(source) for source in rng.sample(sources, min(len(sources), 600))]
    total = 0.0
    for _ in range(num_pairs):
        one, other = rng.sample(shapes, 2)
        total += 1 - len(one & other) / len(one | other)
    return total / num_pairs


def percentiles(numbers: Iterable[int]) -> str:
    ranked = sorted(numbers)
    marks = (0.05, 0.5, 0.95, 0.999)
    return " / ".join(str(ranked[min(len(ranked) - 1, int(len(ranked) * mark))]) for mark in marks)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tasks", type=int, default=400, help="of each type and level, at most")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    units = [(type_, level, options.tasks) for type_ in TYPES for level in LEVELS]
    start = time.perf_counter()
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
        streams = list(pool.map(write, *zip(*units, strict=True)))
    wall_s = time.perf_counter() - start
    tasks = [task for stream in streams for task in stream.tasks]
    print(
        "type            " + "".join(f"level {level:<5}" for level in LEVELS) + "distinct  tagger"
    )
    for type_ in TYPES:
        own = [task for task in tasks if task.type == type_]
        counts = Counter(task.level for task in own)
        sample = own[:: max(1, len(own) // 200)]
        agreed = sum(map(agrees, sample)) / len(sample)
        print(
            f"{type_:16}"
            + "".join(f"{counts[level]:<11}" for level in LEVELS)
            + f"{len({task.signature for task in own}):<10}{agreed:.3f}"
        )
    sample = tasks[:: max(1, len(tasks) // 3000)]
    cpu_s = sum(stream.cpu_s for stream in streams)
    prompts = [task.prompt for task in sample]
    print(f"distinct signatures   {len({task.signature for task in tasks})} of {len(tasks)} tasks")
    print(f"tasks a second        {len(tasks) / wall_s:.0f} on {options.processes} processes")
    print(f"tasks a CPU second    {len(tasks) / cpu_s:.0f}")
    print(f"tagger agrees         {sum(map(agrees, sample)) / len(sample):.4f} of {len(sample)}")
    print(
        "distinct n-grams      "
        + ", ".join(f"{n}: {distinct(prompts, n):.3f}" for n in (1, 2, 3, 4))
    )
    print(f"entropy of types      {entropy_bits(task.type for task in tasks):.2f} bits")
    print(f"entropy of families   {entropy_bits(task.family for task in tasks):.2f} bits")
    print(f"mean tree distance    {mean_distance([task.solution for task in sample]):.3f}")
    print(f"forms                 {dict(Counter(task.form for task in tasks))}")
    print(f"styles a task         {sum(t.num_solutions for t in tasks) / len(tasks):.2f}")
    print(f"mutants a task        {sum(t.num_mutants for t in tasks) / len(tasks):.2f}")
    lengths = (len((task.prompt + task.solution).split()) for task in tasks)
    print(f"words, prompt and solution: 5 % / 50 % / 95 % / 99.9 %    {percentiles(lengths)}")


if __name__ == "__main__":
    main()
