"""Stores of many runs, written at once: what a board is made of, in the store's own format.

The runs are real run directories, whose records the strict reader of the store accepts; only the
programs in them are made up. `python -m tests.stores FOLDER 50 1140 1` writes one by hand.
"""

import json
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.records import Checkpoint, Generation, RunConfig, content_sha256
from harness.store import Store

START = datetime(2026, 11, 1, tzinfo=UTC)

Outcome = Callable[[int, int], str]
"""Number of the problem and of the sample → `passed`, `plus` (fails the extra tests), or a status."""


@dataclass(frozen=True)
class Run:
    """One run to be written."""

    name: str
    outcome: Outcome
    num_problems: int = 164
    num_samples: int = 1
    benchmark: str = "humaneval+"
    task: str = "HumanEval"
    tasks: tuple[str, ...] = ()
    """Task IDs of the problems; empty: `task` and a number."""
    suites: tuple[str, ...] = ("base", "plus")
    profile: str = "evalplus-0.3.1"
    benchmark_problems: int | None = None
    number: int = 0
    """Its day of November."""
    code: str = "def f(x):\n    return x\n"
    got: str = "2"
    generated: bool = True
    kind: str = "model"

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint.model_validate(
            {
                "kind": self.kind,
                "name": self.name,
                "source": f"out/{self.name}",
                "identity": content_sha256(self.name),
            }
        )

    @property
    def config(self) -> RunConfig:
        generation = Generation(
            engine="local",
            prompt_form="plain",
            max_tokens=512,
            temperature=0.0 if self.num_samples == 1 else 0.8,
            top_p=1.0,
            seed=0,
        )
        return RunConfig(
            checkpoint=self.checkpoint,
            benchmark=self.benchmark,
            benchmark_hash=content_sha256(self.benchmark),
            profile=self.profile,
            extraction="harness",
            grader_version="1",
            environment="test",
            num_problems=self.benchmark_problems or self.num_problems,
            suites=self.suites,
            generation=generation if self.generated else None,
            created=START + timedelta(days=self.number),
            command=f"harness eval out/{self.name} -b {self.benchmark}",
            versions={"harness": "0", "python": "3.11"},
        )


def random_outcome(rate: float, *, seed: int) -> Outcome:
    """Each sample passes with this chance; half of the failures fail the extra tests alone."""
    generator = random.Random(seed)
    draws: dict[tuple[int, int], float] = {}

    def outcome(problem: int, sample: int) -> str:
        draw = draws.setdefault((problem, sample), generator.random())
        if draw < rate:
            return "passed"
        kind = (draw - rate) / (1 - rate)
        return (
            "plus" if kind < 0.5 else ("exception", "timeout", "wrong_answer")[int(kind * 30) % 3]
        )

    return outcome


def write(home: Path, run: Run) -> Path:
    """Writes one run directory, and gives its path."""
    directory = home / "runs" / Store.run_id(run.config)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(run.config.model_dump_json(indent=2) + "\n")
    code = json.dumps(run.code)
    with (
        (directory / "samples.jsonl").open("w") as samples,
        (directory / "verdicts.jsonl").open("w") as verdicts,
    ):
        for problem in range(run.num_problems):
            task = run.tasks[problem] if run.tasks else f"{run.task}/{problem}"
            key = f'"schema_version":1,"problem_id":"{run.benchmark}/{task}"'
            for sample in range(run.num_samples):
                tokens = (
                    f',"num_tokens_in":150,"num_tokens_out":{80 + problem % 40},"elapsed_s":0.5'
                    if run.generated
                    else ""
                )
                samples.write(f'{{{key},"index":{sample},"code":{code}{tokens}}}\n')
                suites = _suites(run, run.outcome(problem, sample))
                verdicts.write(
                    f'{{{key},"index":{sample},"suites":{suites},"stderr":"","cpu_s":0.02,'
                    f'"wall_s":0.03,"level":"namespaces","profile":"{run.profile}",'
                    '"grader_version":"1"}\n'
                )
    return directory


def _suites(run: Run, outcome: str) -> str:
    statuses = dict.fromkeys(run.suites, "passed")
    if outcome == "plus":
        statuses[run.suites[-1]] = "wrong_answer"
    elif outcome != "passed":
        statuses = dict.fromkeys(run.suites, outcome)
    failure = {"test": 1, "input": "f(1)", "expected": "1", "got": run.got}
    return json.dumps(
        {
            suite: {
                "status": status,
                "num_tests": 4,
                "num_run": 4 if status == "passed" else 2,
                "num_passed": 4 if status == "passed" else 1,
                "failure": failure if status == "wrong_answer" else None,
            }
            for suite, status in statuses.items()
        }
    )


def write_store(home: Path, num_runs: int, num_problems: int, num_samples: int = 1) -> list[Path]:
    """Checkpoints of one training run, each a little better than the one before."""
    return [
        write(
            home,
            Run(
                f"checkpoint-{number * 100}",
                random_outcome(0.2 + 0.5 * number / max(1, num_runs - 1), seed=number),
                num_problems=num_problems,
                num_samples=num_samples,
                benchmark="bigcodebench",
                task="BigCodeBench",
                suites=("base",),
                profile="bigcodebench-0.2",
                number=number,
                code=_PROGRAM,
            ),
        )
        for number in range(num_runs)
    ]


_PROGRAM = "import json\n\n\ndef task_func(path):\n" + "".join(
    f"    value_{line} = json.dumps({{'line': {line}, 'path': path}})\n" for line in range(14)
)


def main(arguments: Sequence[str]) -> None:
    folder, *numbers = arguments
    write_store(Path(folder), *(int(number) for number in numbers))


if __name__ == "__main__":
    main(sys.argv[1:])
