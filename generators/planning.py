"""Plans from what is on disk: recorded runs, a plan file, or quotas that a person typed.

Not here: how a budget is divided (plan.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from generators import candidates
from generators.plan import HIGHEST, LOWEST, Wanted, make_plan
from harness import benchmarks, datasets
from harness.benchmarks import DataFolders
from harness.config import Settings
from harness.datasets import PLAN
from harness.errors import DataError, UnknownName, UserError
from harness.problem_types import labelled, tags_of
from harness.records import DataPlan, EvalRun, Problem, Quota, Rule, Weakness
from harness.store import Store
from harness.weakness import weaknesses

LANGUAGE = frozenset({"General"})
"""Domains that come with the language: collections, itertools, random, re."""
LIBRARIES = "libraries:"
"""How the name of what is no type but a domain of libraries begins."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks of a plan."""

    rule: Rule
    budget: int
    seed: int = 0
    teacher: str = "grammar"
    after: str | None = None
    """The dataset of the round before."""


def plan_for(runs: Sequence[str], *, settings: Settings, asked: Asked) -> DataPlan:
    """The plan that these runs of one checkpoint lead to.

    Raises:
        UserError: a run, a dataset or the teacher is unknown, the runs are of several
            checkpoints, or none of them is on problems that steer.
    """
    store = Store(settings.home)
    recorded = [store.load(ref) for ref in runs]
    problems = problems_of(recorded, DataFolders.from_settings(settings))
    found = weaknesses_of(recorded, problems)
    teacher = candidates.teacher_named(asked.teacher)
    wanted = Wanted(
        budget=asked.budget,
        teacher=f"{asked.teacher}@{teacher.version}",
        types=teacher.types,
        rule=asked.rule,
        seed=asked.seed,
        runs=tuple(run.id for run in recorded),
        libraries=libraries_of(recorded, problems),
    )
    return make_plan(found, _with_history(wanted, asked.after, settings.home))


def problems_of(runs: Sequence[EvalRun], data: DataFolders) -> dict[str, Problem]:
    """The problems of these runs of one checkpoint, by ID, with their types and splits.

    Raises:
        UserError: the runs are of several checkpoints.
    """
    checkpoints = {run.config.checkpoint.identity: run.config.checkpoint.name for run in runs}
    if len(set(checkpoints.values())) > 1:
        raise UserError(
            f"a plan is for one checkpoint, and these are runs of {len(checkpoints)}: "
            + ", ".join(sorted(set(checkpoints.values())))
        )
    problems: dict[str, Problem] = {}
    for run in runs:
        benchmark = labelled(benchmarks.load(run.config.benchmark, data=data))
        problems |= {problem.id: problem for problem in benchmark}
    return problems


def weaknesses_of(runs: Sequence[EvalRun], problems: Mapping[str, Problem]) -> tuple[Weakness, ...]:
    """What these runs say by type, on the problems that steer.

    Raises:
        UserError: none of them does.
    """
    found = weaknesses(runs, problems, split="steer")
    if not found:
        names = ", ".join(sorted({run.config.benchmark for run in runs}))
        raise UserError(
            f"no scored problem of {names} steers (HumanEval and BigCodeBench-Hard never do): "
            "take runs on mbpp+, bigcodebench or synthetic-dev"
        )
    return found


def libraries_of(runs: Sequence[EvalRun], problems: Mapping[str, Problem]) -> tuple[Weakness, ...]:
    """The same by what a task's libraries are for, of tasks that need more than the language.

    A task of several domains counts in each, so these don't add up to a whole.
    """
    domains = {
        name: set(tags_of(problem).domains) - LANGUAGE
        for name, problem in problems.items()
        if problem.split == "steer"
    }
    found: list[Weakness] = []
    for domain in sorted(set[str]().union(*domains.values())):
        label = f"{LIBRARIES} {domain}"
        of_domain = {
            name: replace(problem, types=(label if domain in domains.get(name, ()) else "",))
            for name, problem in problems.items()
        }
        found += [each for each in weaknesses(runs, of_domain) if each.type == label]
    return tuple(found)


def typed_plan(quotas: str, *, level: int, home: Path, asked: Asked) -> DataPlan:
    """The plan that `dp=200,regex=100` means.

    Raises:
        UserError: it reads otherwise, or the teacher can't write such a type.
    """
    teacher = candidates.teacher_named(asked.teacher)
    num_rows: dict[str, int] = {}
    for part in quotas.split(","):
        name, equals, number = (word.strip() for word in part.partition("="))
        if not equals or not number.isdecimal() or int(number) < 1:
            raise UserError(f"--types {part.strip()!r}: write it as type=rows, as in dp=200")
        if name not in teacher.types:
            raise UnknownName("problem type", name, teacher.types)
        num_rows[name] = num_rows.get(name, 0) + int(number)
    if not LOWEST <= level <= HIGHEST:
        raise UserError(f"--level {level}: there are {LOWEST} to {HIGHEST}")
    wanted = Wanted(
        budget=sum(num_rows.values()),
        teacher=f"{asked.teacher}@{teacher.version}",
        types=tuple(num_rows),
        seed=asked.seed,
    )
    wanted = _with_history(wanted, asked.after, home)
    return DataPlan(
        rule="uniform",
        budget=wanted.budget,
        seed=wanted.seed,
        teacher=wanted.teacher,
        quotas=tuple(
            Quota(
                type=name,
                num_rows=number,
                level=level,
                route="generate",
                weight=1.0,
                reason="typed by hand",
            )
            for name, number in sorted(num_rows.items())
        ),
        parents=wanted.parents,
    )


def _with_history(wanted: Wanted, after: str | None, home: Path) -> Wanted:
    """Levels, rates and yields of the round before, from its dataset."""
    if after is None:
        return wanted
    dataset = datasets.find(home, after)
    made, proposed = dataset.manifest.rows_by_type, dataset.manifest.proposed_by_type
    return replace(
        wanted,
        previous=read_plan(dataset.path / PLAN),
        parents=(dataset.name, *dataset.manifest.parents),
        yields={name: min(1.0, made.get(name, 0) / num) for name, num in proposed.items() if num},
    )


def read_plan(path: Path) -> DataPlan:
    """The plan in a file.

    Raises:
        DataError: it can't be read, or is no plan.
    """
    try:
        return DataPlan.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(
            f"{path}: can't be read: {error.strerror}; `harness plan RUN -o {path}` writes one"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise DataError(f"{path}: is no plan: {field}: {first['msg']}") from None
