"""Who may import whom: the arrows of the architecture, kept by reading every import.

sandboxes                                  nobody; agent/ the standard library and its siblings
harness.records errors stats config store  sandboxes and one another
harness.benchmarks … weakness              the above and one another
generators · trainers · leaderboards       the above, never one another
harness.loop                               all of them
harness.cli                                all of them
"""

import ast
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("harness", "generators", "trainers", "leaderboards", "sandboxes")

HEAVY = frozenset(
    "torch transformers accelerate peft trl vllm datasets docker ray evalplus".split()
)
"""Imported inside the functions that need them, so that the command line answers at once."""

LAYERS = {
    "sandboxes": "ground",
    "harness.records": "nouns",
    "harness.errors": "nouns",
    "harness.stats": "nouns",
    "harness.config": "nouns",
    "harness.store": "nouns",
    "harness.queries": "nouns",
    "harness.benchmarks": "judge",
    "harness.datasets": "judge",
    "harness.problem_types": "judge",
    "harness.prompts": "judge",
    "harness.published": "judge",
    "harness.extraction": "judge",
    "harness.sanitizing": "judge",
    "harness.generation": "judge",
    "harness.models": "judge",
    "harness.grading": "judge",
    "harness.evaluation": "judge",
    "harness.isolation": "judge",
    "harness.type_rates": "judge",
    "harness.summary": "judge",
    "harness.weakness": "judge",
    "generators": "generators",
    "trainers": "trainers",
    "leaderboards": "leaderboards",
    "harness.loop": "loop",
    "harness.screen": "cli",
    "harness.types_screen": "cli",
    "harness.doctor": "cli",
    "harness.determinism": "cli",
    "harness.cli": "cli",
    "harness.__main__": "cli",
    "harness": "name",
}
"""The layer of a module is that of its longest prefix. Just `harness` is the version's home."""

MAY_IMPORT = {
    "name": set[str](),
    "ground": {"ground"},
    "nouns": {"name", "ground", "nouns"},
    "judge": {"name", "ground", "nouns", "judge"},
    "generators": {"name", "ground", "nouns", "judge", "generators"},
    "trainers": {"name", "ground", "nouns", "judge", "trainers"},
    "leaderboards": {"name", "ground", "nouns", "judge", "leaderboards"},
    "loop": set(LAYERS.values()) - {"cli"},
    "cli": set(LAYERS.values()),
}


class Import(NamedTuple):
    """One import statement, with the name that it reaches."""

    importer: str
    imported: str
    at_module_level: bool
    where: str
    """path:line, so that a failure can be clicked."""


def layer_of(module: str) -> str:
    """The layer of a module of ours.

    >>> layer_of("harness.grading.calls"), layer_of("trainers.sft"), layer_of("harness")
    ('judge', 'trainers', 'name')
    """
    name = module
    while name not in LAYERS:
        name, dot, _ = name.rpartition(".")
        assert dot, f"{module} is in none of the five packages"
    assert name != "harness" or module == name, f"{module} has no layer: give it one in LAYERS"
    return LAYERS[name]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {
        "TYPE_CHECKING",
        "typing.TYPE_CHECKING",
    }


def _statements(
    node: ast.AST, at_module_level: bool = True
) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, at_module_level
        inner = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        yield from _statements(
            child, at_module_level and not inner and not _is_type_checking(child)
        )


def imports_of(module: str, source: str, *, is_package: bool, where: str) -> Iterator[Import]:
    """Every import of a module, those inside functions too; `from a import b` reaches `a.b`
    where that is a module (or will be one), else `a`."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    for statement, at_module_level in _statements(ast.parse(source, filename=where)):
        if isinstance(statement, ast.Import):
            reached = [alias.name for alias in statement.names]
        else:
            stem = package[: len(package) - statement.level + 1] if statement.level else []
            base = ".".join([*stem, *([statement.module] if statement.module else [])])
            names = [f"{base}.{alias.name}" for alias in statement.names]
            reached = [name if name in MODULES or name in LAYERS else base for name in names]
        for imported in reached:
            yield Import(module, imported, at_module_level, f"{where}:{statement.lineno}")


def all_imports() -> list[Import]:
    return [
        found
        for module, path in MODULES.items()
        for found in imports_of(
            module,
            path.read_text("utf-8"),
            is_package=path.name == "__init__.py",
            where=str(path.relative_to(ROOT)),
        )
    ]


def _top(module: str) -> str:
    return module.partition(".")[0]


def breaks_an_arrow(found: Import) -> bool:
    if _top(found.imported) not in PACKAGES:
        return False
    return layer_of(found.imported) not in MAY_IMPORT[layer_of(found.importer)]


def breaks_the_agent(found: Import) -> bool:
    """The agent's files are copied into sandboxes that have nothing else."""
    is_agent = found.importer.startswith("sandboxes.agent")
    is_sibling = found.imported.startswith("sandboxes.agent")
    return is_agent and not is_sibling and _top(found.imported) not in sys.stdlib_module_names


def breaks_laziness(found: Import) -> bool:
    return found.at_module_level and _top(found.imported) in HEAVY


@pytest.mark.parametrize("broken", [breaks_an_arrow, breaks_the_agent, breaks_laziness])
def test_no_import_breaks_the_architecture(broken) -> None:
    told = [
        f"{found.where}: {found.importer} -> {found.imported}"
        for found in all_imports()
        if broken(found)
    ]
    assert not told, "\n".join(told)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_a_layer(module: str) -> None:
    assert layer_of(module)


def test_nobody_of_ours_imports_tests() -> None:
    assert not [found for found in all_imports() if _top(found.imported) == "tests"]


@pytest.mark.parametrize(
    ("importer", "statement", "broken"),
    [
        ("sandboxes.process", "from harness.errors import UserError", breaks_an_arrow),
        ("harness.records", "def f():\n    import harness.grading", breaks_an_arrow),
        ("harness.store", "from harness import evaluation", breaks_an_arrow),
        ("harness.grading.calls", "from trainers import rewards", breaks_an_arrow),
        ("generators.plan", "import leaderboards.board", breaks_an_arrow),
        ("trainers.rewards", "from harness.loop import round", breaks_an_arrow),
        ("harness.loop", "import harness.cli", breaks_an_arrow),
        ("sandboxes.agent.zygote", "import numpy", breaks_the_agent),
        ("sandboxes.agent.zygote", "from .. import protocol", breaks_the_agent),
        ("sandboxes.agent.zygote", "from sandboxes.protocol import Job", breaks_the_agent),
        ("harness.extraction", "from evalplus.sanitize import sanitize", breaks_laziness),
        (
            "harness.models.local",
            "try:\n    import torch\nexcept ImportError: ...",
            breaks_laziness,
        ),
        ("harness.models.local", "class A:\n    import torch.nn as nn", breaks_laziness),
    ],
)
def test_what_is_forbidden_is_seen(importer: str, statement: str, broken) -> None:
    (found,) = imports_of(importer, statement, is_package=False, where="example.py")
    assert broken(found)


@pytest.mark.parametrize(
    ("importer", "statement"),
    [
        ("harness.errors", "from sandboxes.protocol import SandboxError"),
        ("trainers.rewards", "from harness.grading import grade"),
        (
            "harness.loop",
            "import generators, trainers, leaderboards, sandboxes, harness.evaluation",
        ),
        ("harness.cli", "from harness.loop import round"),
        ("sandboxes.agent.zygote", "from . import codec"),
        ("sandboxes.agent.zygote", "from sandboxes.agent.codec import decode"),
        ("harness.models.local", "def load():\n    import torch"),
        ("harness.models.local", "if TYPE_CHECKING:\n    import torch"),
    ],
)
def test_what_is_allowed_passes(importer: str, statement: str) -> None:
    for found in imports_of(importer, statement, is_package=False, where="example.py"):
        assert not breaks_an_arrow(found)
        assert not breaks_the_agent(found)
        assert not breaks_laziness(found)


IMPORT_ALL = """
import importlib, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HEAVY:
            raise ModuleNotFoundError(f"{name} is blocked", name=name)

HEAVY = frozenset(sys.argv[1].split(","))
sys.meta_path.insert(0, Blocked())
for module in sys.argv[2].split(","):
    importlib.import_module(module)
"""


def test_every_module_imports_without_the_heavy_libraries() -> None:
    modules = [name for name in MODULES if not name.endswith("__main__")]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT_ALL, ",".join(HEAVY), ",".join(modules)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def test_help_answers_in_a_third_of_a_second() -> None:
    """The least of several runs: what the program costs, not what else the machine does."""
    script = Path(sys.executable).with_name("harness")
    limit_s = 0.4
    least_s = float("inf")
    for _ in range(20):
        started = time.perf_counter()
        done = subprocess.run(
            [script, "--help"], capture_output=True, text=True, env={**os.environ, "COLUMNS": "100"}
        )
        least_s = min(least_s, time.perf_counter() - started)
        assert done.returncode == 0, done.stderr
        if least_s < limit_s:
            return
    pytest.fail(f"harness --help: {least_s:.2f} s at best, {limit_s} s allowed")
