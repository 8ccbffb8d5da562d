"""Every attack in every sandbox, then an honest program on the same worker: right, and in time.

No cheat passes, none is unscored; a hostile program ends as its file says, has reached nothing, and
is never lost. When all is over nothing is left on the machine.
"""

import ast
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from harness.benchmarks import DataFolders, load
from harness.grading import Judge, Submission, profile_named
from harness.grading.truth import TruthCache
from harness.records import Problem, Status
from sandboxes.protocol import End, Workers
from tests.sandboxes import leftovers
from tests.sandboxes.attacks.loader import CHEATS, HOSTILE, Attack
from tests.sandboxes.jobs import marked, run, sandbox_named, witness

PROFILES = [
    # Its own limit an input is 4 s: too long to wait for, and no other rule depends on it.
    replace(profile_named("strict"), min_time_limit_s=1.0),
    profile_named("evalplus-0.3.1"),
]


@dataclass
class Ground:
    """One worker for all attacks, and judges that grade on it."""

    workers: Workers
    judges: list[Judge]
    problems: list[Problem]

    def judge(self, code_of: Problem, judge: Judge, code: str) -> tuple[Status, str]:
        (verdict,) = judge.grade([Submission(code_of, code)])
        return verdict.status, verdict.stderr


@pytest.fixture(scope="module", params=marked("namespaces", "container"))
def ground(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    before = leftovers.look()
    sandbox = sandbox_named(request.param)
    problems = list(load("sanity", data=DataFolders.from_env()).problems)
    with sandbox.open("python", 1) as workers:
        cache = TruthCache(tmp_path_factory.mktemp("truth"), workers.environment)
        judges = [Judge(sandbox, workers, 1, profile, cache) for profile in PROFILES]
        for judge in judges:
            judge.prepare(problems)
        yield Ground(workers, judges, problems)
    assert leftovers.left_over(before) == {}


@pytest.mark.parametrize("attack", CHEATS, ids=lambda attack: attack.name)
def test_a_cheat_never_passes(ground: Ground, attack: Attack):
    """On one problem a profile; over all cheats each problem comes many times."""
    place = CHEATS.index(attack)
    for judge in ground.judges:
        problem = ground.problems[place % len(ground.problems)]
        status, said = ground.judge(problem, judge, attack.program(problem.entry_point))
        assert status in attack.ends, f"{problem.id}, {judge.profile.name}: {said}"
        started = time.monotonic()
        assert ground.judge(problem, judge, problem.solution)[0] == Status.PASSED
        assert time.monotonic() - started < 5
        place += 7  # another problem, of another type


@pytest.mark.parametrize("attack", HOSTILE, ids=lambda attack: attack.name)
def test_a_hostile_program_harms_nobody(ground: Ground, attack: Attack):
    execution = run(ground.workers, attack.program(), **attack.limits)
    assert attack.harm(execution) == ""
    witness(ground.workers)


@pytest.mark.parametrize("attack", CHEATS + HOSTILE, ids=lambda attack: attack.name)
def test_an_attack_is_a_program(attack: Attack):
    """One that does not even parse would prove nothing; neither would one without an aim."""
    assert ast.get_docstring(ast.parse(attack.program("wanted"))) is not None
    assert "wanted" in attack.program("wanted")
    if attack in CHEATS:
        assert attack.ends <= set(Status) - {Status.PASSED, Status.UNSCORED}
    else:
        assert attack.ends <= set(End) - {End.LOST, End.SYNTAX}


def test_the_suite_is_as_large_as_it_was():
    assert len({attack.name.partition("[")[0] for attack in CHEATS}) >= 70
    assert len({attack.name.partition("[")[0] for attack in HOSTILE}) >= 60


@pytest.mark.verify
def test_no_cheat_passes_on_any_problem(ground: Ground):
    for judge in ground.judges:
        submissions = [
            Submission(problem, attack.program(problem.entry_point), index)
            for problem in ground.problems
            for index, attack in enumerate(CHEATS)
        ]
        verdicts = list(judge.grade(submissions))
        assert len(verdicts) == len(submissions)
        wrong = [
            (verdict.problem_id, CHEATS[verdict.index].name, verdict.status)
            for verdict in verdicts
            if verdict.status not in CHEATS[verdict.index].ends
        ]
        assert wrong == []
