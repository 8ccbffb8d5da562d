"""Replies of a paced endpoint, with faults, graded while the next ones are written.

The replies are recorded ones whose verdicts the official evaluator published: whatever the
connection does to them, every verdict must be the published one.
"""

import gzip
import json
import time
from pathlib import Path

import pytest

from harness import benchmarks
from harness.benchmarks import DataFolders
from harness.config import EvalSettings, ModelSettings, Settings
from harness.evaluation import Observer, evaluate
from harness.grading import Judge, profile_named
from harness.records import Sample, Verdict
from harness.store import RunWriter
from sandboxes.process import ProcessSandbox
from tests.evalplus_oracle import differences, read_results
from tests.fake_endpoint import FAULTS, FakeEndpoint, some

SET = "qwen25coder-1.5b-instruct.humanevalplus-v0.1.10"

pytestmark = [pytest.mark.data, pytest.mark.parity, pytest.mark.slow]


class Times(Observer):
    """When samples were recorded and verdicts reached."""

    def __init__(self) -> None:
        self.written_at: list[float] = []
        self.graded_at: list[float] = []
        self.wall_s: dict[tuple[str, int], float] = {}
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def written(self, run: RunWriter, sample: Sample, num_unwritten: int) -> None:
        self.written_at.append(time.monotonic())

    def graded(self, run: RunWriter, verdict: Verdict, num_owed: int) -> None:
        self.graded_at.append(time.monotonic())
        self.wall_s[verdict.key] = verdict.wall_s


def test_the_last_verdict_comes_right_after_the_last_reply(
    tmp_path: Path, data_folder: Path, parity_folder: Path
):
    settings = Settings(
        home=tmp_path / "home",
        data=data_folder,
        cache=tmp_path / "cache",
        eval=EvalSettings(),
        model=ModelSettings(concurrency=4, timeout_s=2.0),
    )
    benchmark = benchmarks.load("humaneval+", data=DataFolders.from_settings(settings))
    profile = profile_named(benchmark.default_profile)
    with Judge.open(ProcessSandbox(), profile, cache=settings.cache, num_workers=2) as judge:
        judge.prepare(benchmark.problems)

    with gzip.open(parity_folder / f"{SET}.samples.jsonl.gz", "rt") as file:
        rows = [json.loads(line) for line in file]
    by_prompt = {benchmark.by_task_id[row["task_id"]].prompt.strip(): row for row in rows}

    def answer(asked: str) -> str:
        prompt = asked.partition("```python\n")[2].removesuffix("\n```")
        row = by_prompt[prompt]
        program = benchmark.by_task_id[row["task_id"]].prompt + row["completion"]
        return f"Here it is:\n````python\n{program}\n````\nDone."

    paces = iter([0.1, 0.9, 0.3, 0.2, 1.2] * 200)
    faults = some(FAULTS, 150)
    times = Times()
    with FakeEndpoint(answer, faults=faults, delay_s=lambda: next(paces)) as endpoint:
        run = evaluate(f"{endpoint.url}#qwen", "humaneval+", settings=settings, observer=times)
    assert set(endpoint.injected) == set(FAULTS)
    assert len(run) == run.num_scored == 164
    ours = read_results(Path(run.path) / "eval_results.json")
    theirs = read_results(parity_folder / f"{SET}.verdicts.json.gz")
    assert differences(ours, theirs) == {}

    last_reply, last_verdict = endpoint.replied_at[-1], times.graded_at[-1]
    own_s = max(times.wall_s.values())
    overlapped = sum(at < last_reply for at in times.graded_at)
    print(
        f"\n{len(endpoint.injected)} faults; {len(endpoint.seen)} requests for 164; the last "
        f"verdict came {last_verdict - last_reply:.2f} s after the last reply; the slowest "
        f"problem takes {own_s:.2f} s; {overlapped} verdicts came before the last reply"
    )
    assert last_verdict - last_reply <= 2.0 + own_s
    assert overlapped > 100
