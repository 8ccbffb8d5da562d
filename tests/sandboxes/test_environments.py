"""Environments as folders: found by their recipe, shown to workers, their zygotes by group.

The environment here is a small one of this Python's own; what is in the real one, and that tasks
pass on it, tests/harness/grading/test_bigcodebench.py sees.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandboxes import environments
from sandboxes.agent import codec
from sandboxes.environment_build import Sources, build
from sandboxes.environments import find, libraries_named, recipe
from sandboxes.process import ProcessSandbox, why_no_namespaces
from sandboxes.protocol import Bundle, End, Execution, Job, Limits, SandboxUnavailable, Workers
from tests.sandboxes.jobs import descendants, no_process_left

NAME = "bigcodebench"
WARM = """
import heavy
def load():
    heavy.loaded_by = "the zygote"
GROUPS = {"science": load, "broken": lambda: 1 / 0}
"""
TESTS = """
import unittest
class TestCases(unittest.TestCase):
    def test_it(self): self.assertEqual(f(), "{}")
"""
CODE = """
import sys
def f():
    if "heavy" not in sys.modules: return "not loaded"
    import heavy
    return heavy.loaded_by
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("environments")
    path = root / f"{NAME}-{recipe(NAME)}"
    for name in ("packages", *environments.SHARED):
        (path / name).mkdir(parents=True)
    (path / "packages" / "heavy.py").write_text("loaded_by = 'a job'\n")
    (path / "packages" / "warm_libraries.py").write_text(WARM)
    (path / "nltk_data" / "words").write_text("a resource")
    python = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    row = {"python": python, "prefix": sys.base_prefix, "version": "3", "without": []}
    (path / environments.DESCRIPTION).write_text(json.dumps(row))
    for each in root.rglob("*"):
        each.chmod(0o755)
    return root


@pytest.fixture
def workers(folder: Path) -> Iterator[Workers]:
    if reason := why_no_namespaces():
        pytest.skip(f"no namespaces here: {reason}")
    with ProcessSandbox("namespaces", environments=folder).open(NAME, 1) as opened:
        yield opened


def unittest_job(libraries: str, wanted: str) -> Job:
    limits = Limits(wall_s=30.0, cpu_s=30.0, input_wall_s=(10.0,), memory_mb=256)
    tests = TESTS.format(wanted)
    return Job(
        f"{libraries} {wanted}",
        CODE,
        "f",
        Bundle.of([]),
        limits,
        kind="unittest",
        tests=tests,
        libraries=libraries,
    )


def passed(execution: Execution) -> bool:
    return [test.outcome for test in execution.tests] == ["passed"]


def test_a_group_has_its_libraries_loaded_and_others_do_not(workers: Workers):
    jobs = [
        unittest_job("", "not loaded"),
        unittest_job("science", "the zygote"),
        unittest_job("", "not loaded"),
        unittest_job("science", "the zygote"),
    ]
    assert all(passed(execution) for execution in workers.run(jobs))


def test_calls_beside_groups(workers: Workers):
    """Inputs are the light zygote's alone, whatever else is loaded meanwhile."""

    def calls(number: int) -> Job:
        bundle = Bundle.of([codec.encode((number,))])
        return Job(f"{number}", "def f(x): return x", "f", bundle, Limits(10.0, 10.0))

    jobs = [
        calls(0),
        unittest_job("science", "the zygote"),
        *(calls(n) for n in range(6)),
        calls(0),
    ]
    executions = list(workers.run(jobs))
    assert {execution.end for execution in executions} == {End.COMPLETED}


def test_libraries_that_do_not_load_are_our_failure(workers: Workers):
    (execution,) = workers.run([unittest_job("broken", "x")])
    assert execution.end == End.LOST


def test_nothing_is_left_of_any_zygote(folder: Path):
    sandbox = ProcessSandbox("namespaces", environments=folder)
    with no_process_left(), sandbox.open(NAME, 1) as workers:
        assert all(map(passed, workers.run([unittest_job("science", "the zygote")])))
        assert len(descendants()) > 2


def test_what_a_program_finds(workers: Workers):
    code = """
import os
def f():
    with open(os.path.join(os.environ["NLTK_DATA"], "words")) as words:
        said = words.read()
    try:
        open("/opt/packages/x", "w")
    except OSError:
        return said, os.environ["MPLBACKEND"], __import__("heavy").loaded_by
"""
    job = Job("job", code, "f", Bundle.of([codec.encode(())]), Limits(10.0, 10.0))
    (execution,) = workers.run([job])
    assert codec.decode(execution.values[0].frame) == ("a resource", "Agg", "a job")


def test_what_is_not_built_says_how(tmp_path: Path, folder: Path):
    with pytest.raises(SandboxUnavailable, match="harness doctor --build-env bigcodebench"):
        find(NAME, tmp_path)
    with pytest.raises(SandboxUnavailable, match="no environment 'python'"):
        find("python", folder)
    with pytest.raises(SandboxUnavailable, match="no environment 'nothing'"):
        build("nothing", tmp_path, Sources(), print)
    with pytest.raises(SandboxUnavailable, match=r"is no Python 3\.10 with pip"):
        build(NAME, tmp_path, Sources(python=Path(sys.executable)), print)
    assert find(NAME, folder).digest.startswith(f"bigcodebench-{recipe(NAME)}")


def test_what_was_left_out_is_another_environment():
    assert recipe(NAME) != recipe(NAME, ("scikit-image",))


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("import pandas as pd", "science"),
        ("from tensorflow import keras", "tensor"),
        ("import os", ""),
        ("from flask_login import x", "science"),
        ("spandash = 1", ""),
    ],
)
def test_groups(text: str, group: str):
    assert libraries_named(NAME, text) == group
