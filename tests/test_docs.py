"""docs/evaluating.md: every command in it is run as it stands, in a shell.

Replaced is only the address of the endpoint, which has to be a free port.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from harness.benchmarks import sanity
from tests import tiny
from tests.fake_endpoint import FakeEndpoint

PAGE = Path(__file__).resolve().parent.parent / "docs" / "evaluating.md"


class Command(NamedTuple):
    line: str
    needs: str
    """What stands behind `sh` at its fence."""


def commands() -> list[Command]:
    blocks = re.findall(r"^```sh ?(\w*)\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    return [Command(line, needs) for needs, block in blocks for line in block.splitlines()]


def answer(asked: str) -> str:
    solutions = {problem.prompt.strip(): problem.solution for problem in sanity.load()}
    return next(f"```python\n{s}```" for prompt, s in solutions.items() if prompt in asked)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the page speaks of."""
    work = tmp_path_factory.mktemp("docs")
    tiny.make(work / "my-model", steps=20)
    for step in (10, 20):
        tiny.make(work / "my-run" / f"checkpoint-{step}", seed=step)
    tiny.lora(work / "my-model", work / "my-adapter")
    (work / "prices.toml").write_text("[my-model]\ninput = 1\noutput = 2\n")
    return work


def test_the_page_has_commands():
    assert len(commands()) >= 15
    assert {command.needs for command in commands()} == {"", "vllm"}


def run(command: Command, work: Path) -> "subprocess.CompletedProcess[str]":
    folder = Path(sys.executable).parent
    env: dict[str, Any] = {k: v for k, v in os.environ.items() if not k.startswith("HARNESS_")}
    env |= {
        "PATH": f"{folder}:{env['PATH']}",
        "HARNESS_CACHE": str(work / "cache"),
        "HARNESS_SAMPLING__MAX_TOKENS": "24",
        "HARNESS_SANDBOX__ALLOW_PLAIN": "true",
    }
    with FakeEndpoint(answer) as endpoint:
        line = command.line.replace("http://127.0.0.1:8000/v1", endpoint.url)
        return subprocess.run(
            ["bash", "-c", line], cwd=work, env=env, capture_output=True, text=True, timeout=400
        )


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize("command", [c for c in commands() if not c.needs], ids=lambda c: c.line)
def test_a_command_of_the_page(command: Command, work: Path):
    done = run(command, work)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.vllm
@pytest.mark.slow
@pytest.mark.parametrize("command", [c for c in commands() if c.needs], ids=lambda c: c.line)
def test_a_command_that_needs_vllm(command: Command, work: Path):
    done = run(command, work)
    assert done.returncode == 0, done.stderr
    assert "vLLM is ready" in done.stderr
