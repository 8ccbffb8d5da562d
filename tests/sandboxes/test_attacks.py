"""Every attack in every sandbox, then an honest program on the same worker: right, and in time.

No cheat passes, none is unscored; a hostile program ends as its file says, has reached nothing, and
is never lost. When all is over nothing is left on the machine.
"""

import ast
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness.benchmarks import DataFolders, load
from harness.benchmarks.jsonl import problem_from_row
from harness.grading import Judge, Submission, profile_named
from harness.grading.truth import TruthCache
from harness.records import Problem, Status
from sandboxes.fake import FakeSandbox
from sandboxes.protocol import End, Workers
from tests.sandboxes import leftovers
from tests.sandboxes.attacks.loader import CHEATS, HOSTILE, STDIO, Attack
from tests.sandboxes.jobs import marked, no_process_left, run, sandbox_named, witness
from tests.sandboxes.test_lifetime import AS_NOBODY, ROOT, python_of_everybody

PROFILES = [
    # Its own limit an input is 4 s: too long to wait for, and no other rule depends on it.
    replace(profile_named("strict"), min_time_limit_s=1.0),
    profile_named("evalplus-0.3.1"),
]


@dataclass(frozen=True)
class Ground:
    """One worker for all attacks, and judges that grade on it."""

    workers: Workers
    judges: list[Judge]
    problems: list[Problem]


def graded(judge: Judge, problem: Problem, code: str) -> tuple[Status, str]:
    (verdict,) = judge.grade([Submission(problem, code)])
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
        status, said = graded(judge, problem, attack.program(problem.entry_point))
        assert status in attack.ends, f"{problem.id}, {judge.profile.name}: {said}"
        started = time.monotonic()
        assert graded(judge, problem, problem.solution)[0] == Status.PASSED
        assert time.monotonic() - started < 5
        place += 7  # another problem, of another type


DIFFERENCE_AND_SUM = problem_from_row(
    {
        "id": "difference-and-sum",
        "prompt": "Two integers: print their difference and their sum.",
        "solution": "a, b = map(int, input().split())\nprint(a - b)\nprint(a + b)\n",
        "atol": 1e-6,
        "stdio": {"base": [{"input": "3 1\n"}, {"input": "-1 1"}], "plus": [{"input": "9 -8"}]},
    },
    benchmark="attacked",
    where="here",
)
WHOLE = [
    replace(profile_named("strict"), min_time_limit_s=1.0),
    replace(profile_named("livecodebench"), min_time_limit_s=1.0),
]


@pytest.fixture(scope="module")
def whole_judges(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> list[Judge]:
    sandbox, cache = FakeSandbox(), TruthCache(tmp_path_factory.mktemp("truth"), "attacks")
    judges = [Judge(sandbox, ground.workers, 1, profile, cache) for profile in WHOLE]
    for judge in judges:
        judge.prepare([DIFFERENCE_AND_SUM])
    return judges


@pytest.mark.parametrize("attack", STDIO, ids=lambda attack: attack.name)
def test_a_program_that_prints_its_way_out_never_passes(whole_judges: list[Judge], attack: Attack):
    for judge in whole_judges:
        status, said = graded(judge, DIFFERENCE_AND_SUM, attack.program())
        assert status in attack.ends, f"{judge.profile.name}: {said}"
        started = time.monotonic()
        assert graded(judge, DIFFERENCE_AND_SUM, DIFFERENCE_AND_SUM.solution)[0] == Status.PASSED
        assert time.monotonic() - started < 5


RUN_WHOLE = (
    "busy_threads closed_descriptors daemons endless_loop flood fork_bomb kill_the_worker "
    "many_files memory_by_children memory_by_list memory_by_tmpfs own_limits process_chain "
    "segmentation_fault signals_by_descriptor stopped_children thread_bomb zombies"
).split()


@pytest.mark.parametrize(
    "attack",
    [attack for attack in HOSTILE if attack.name.partition("[")[0] in RUN_WHOLE],
    ids=lambda attack: attack.name,
)
def test_a_hostile_program_that_is_run_whole_harms_nobody(ground: Ground, attack: Attack):
    code = attack.program() + "\nprint(f())\n"
    inputs = [("",), ("",)]
    execution = run(ground.workers, code, inputs=inputs, kind="stdio", **attack.limits)
    assert execution.end != End.LOST, execution.detail
    witness(ground.workers)


@pytest.mark.parametrize("attack", HOSTILE, ids=lambda attack: attack.name)
def test_a_hostile_program_harms_nobody(ground: Ground, attack: Attack):
    execution = run(ground.workers, attack.program(), **attack.limits)
    assert attack.harm(execution) == ""
    witness(ground.workers)


ORDINARY = """
import sys
sys.path.insert(0, sys.argv[1])
from sandboxes.process import ProcessSandbox, why_no_namespaces
from tests.sandboxes.attacks.loader import HOSTILE, STDIO
from tests.sandboxes.jobs import run, values, witness
QUICK = {"input_wall_s": (1.0, 1.0), "wall_s": 20.0, "memory_mb": 256}
if why_no_namespaces():
    sys.exit(f"SKIP {why_no_namespaces()}")
with ProcessSandbox("namespaces").open("python", 1) as workers:
    for attack in HOSTILE:
        if harm := attack.harm(run(workers, attack.program(), **attack.limits)):
            print(attack.name, harm)
        witness(workers)
    for attack in STDIO:
        execution = run(workers, attack.program(), kind="stdio", inputs=[("3 1",)] * 2, **QUICK)
        if (b"2\\n4\\n", 0) in values(execution) or execution.end == "lost":
            print(attack.name, execution)
        witness(workers)
    code = "import os, time\\nprint(os.listdir('.'), open('/dev/stdin').read(), flush=True)\\n"
    code += "open('mark', 'w').close()\\nif os.fork() == 0: time.sleep(60)"
    left = run(workers, code, kind="stdio", inputs=[("x",)] * 3, **QUICK)
    if values(left) != [(b"[] x\\n", 0)] * 3:
        print(left)
print("done")
"""


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="all the other tests run as an ordinary user here")
def test_hostile_programs_in_the_namespaces_of_an_ordinary_user():
    """Where each job is the first process of a namespace of its own, and shares its user."""
    python = python_of_everybody()
    if python is None:
        pytest.skip("no Python 3.11 that an ordinary user can run: nested namespaces untried")
    with tempfile.TemporaryDirectory() as name, no_process_left():
        folder = Path(name)
        for source in ("sandboxes", "tests/sandboxes/attacks", "tests/sandboxes/jobs.py"):
            copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
            (folder / source).parent.mkdir(parents=True, exist_ok=True)
            copy(ROOT / source, folder / source)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        command = [*AS_NOBODY, python, "-P", "-c", ORDINARY, name]
        finished = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=300)
    if finished.stderr.startswith("SKIP "):
        pytest.skip(f"an ordinary user has no namespaces here: {finished.stderr[5:]}")
    assert (finished.stdout, finished.stderr) == ("done\n", "")


def test_an_attack_is_a_program():
    """One that does not even parse would prove nothing; neither would one without an aim."""
    for attack in CHEATS + HOSTILE + STDIO:
        program = attack.program("wanted")
        assert ast.get_docstring(ast.parse(program)), attack.name
        assert "wanted" in program or attack in STDIO, attack.name
    assert {end for attack in CHEATS for end in attack.ends} <= set(Status)
    assert not [attack for attack in CHEATS if attack.ends & {Status.PASSED, Status.UNSCORED}]
    assert {end for attack in HOSTILE for end in attack.ends} <= set(End)
    assert not [attack for attack in HOSTILE if attack.ends & {End.LOST, End.SYNTAX}]


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
