"""Verdict for verdict like EvalPlus: published verdicts, and the installed evalplus beside us.

Compared is whether base and plus passed. All three published sets, and both benchmarks in full
beside evalplus, run under `make verify`; a part of it runs here.
"""

import json
from pathlib import Path

import pytest

from harness.config import Settings
from harness.evaluation import evaluate
from harness.records import EvalRun
from tests.evalplus_oracle import Verdicts, cut, differences, read_lines, read_results, run_evalplus

HUMANEVAL_1B = "qwen25coder-1.5b-instruct.humanevalplus-v0.1.10"
HUMANEVAL_7B = "qwen25coder-7b-base.humanevalplus-v0.1.9"
MBPP_7B = "qwen25coder-7b-base.mbppplus-v0.1.0"
EXPLAINED = {
    "Mbpp/2": "set equality came after that evaluator",
    "Mbpp/111": "the same",
    "Mbpp/232": "the same",
    "Mbpp/579": "the same",
    "Mbpp/160": "its slowest inputs take about the one second that they have: the machine's speed",
    "Mbpp/599": "the reference alone takes tens of seconds: a matter of time limits",
}

pytestmark = [pytest.mark.data, pytest.mark.parity, pytest.mark.slow]


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory, data_folder: Path) -> Settings:
    folder = tmp_path_factory.mktemp("parity")
    return Settings(home=folder / "home", data=data_folder, cache=folder / "cache")


def verdicts(run: EvalRun) -> Verdicts:
    return read_results(Path(run.path) / "eval_results.json")


def published(parity_folder: Path, name: str) -> tuple[Path, Verdicts]:
    return (
        parity_folder / f"{name}.samples.jsonl.gz",
        read_results(parity_folder / f"{name}.verdicts.json.gz"),
    )


@pytest.mark.parametrize(
    "name", [HUMANEVAL_1B, pytest.param(HUMANEVAL_7B, marks=pytest.mark.verify)]
)
def test_humaneval_plus_equals_the_published_verdicts(
    name: str, settings: Settings, parity_folder: Path
):
    samples, theirs = published(parity_folder, name)
    ours = verdicts(evaluate(str(samples), "humaneval+", settings=settings))
    assert len(ours) == 164
    assert differences(ours, theirs) == {}


@pytest.mark.verify
def test_mbpp_plus_equals_the_published_verdicts_but_for_the_explained(
    settings: Settings, parity_folder: Path
):
    samples, theirs = published(parity_folder, MBPP_7B)
    ours = verdicts(evaluate(str(samples), "mbpp+", settings=settings))
    assert len(ours) == 378
    assert differences(ours, theirs).keys() <= EXPLAINED.keys()


@pytest.mark.parametrize(
    ("dataset", "name", "file_name", "num_tasks"),
    [
        ("humaneval", HUMANEVAL_1B, "HumanEvalPlus-v0.1.10.jsonl.gz", 164),
        ("mbpp", MBPP_7B, "MbppPlus-v0.2.0.jsonl.gz", 100),
        pytest.param("mbpp", MBPP_7B, "MbppPlus-v0.2.0.jsonl.gz", 378, marks=pytest.mark.verify),
    ],
)
def test_the_installed_evalplus_says_the_same(
    dataset: str,
    name: str,
    file_name: str,
    num_tasks: int,
    settings: Settings,
    data_folder: Path,
    parity_folder: Path,
    tmp_path: Path,
):
    assert dataset in ("humaneval", "mbpp")
    source = data_folder / file_name
    task_ids = [json.loads(line)["task_id"] for line in read_lines(source)][:num_tasks]
    problems = cut(source, tmp_path / "problems.jsonl", task_ids)
    samples = cut(parity_folder / f"{name}.samples.jsonl.gz", tmp_path / "samples.jsonl", task_ids)
    theirs = run_evalplus(dataset, problems, samples, tmp_path)
    ours = verdicts(
        evaluate(
            str(samples), "humaneval+" if dataset == "humaneval" else "mbpp+", settings=settings
        )
    )
    assert len(ours) == len(theirs) == num_tasks

    # Under load evalplus loses samples to its time limits: a serial run of both decides.
    doubtful = differences(ours, theirs)
    if doubtful:
        problems = cut(source, tmp_path / "again.jsonl", doubtful)
        samples = cut(samples, tmp_path / "doubtful.jsonl", doubtful)
        theirs = run_evalplus(dataset, problems, samples, tmp_path, parallel=1)
        serial = settings.model_copy(
            update={"sandbox": settings.sandbox.model_copy(update={"workers": 1})}
        )
        ours = verdicts(
            evaluate(
                str(samples), "humaneval+" if dataset == "humaneval" else "mbpp+", settings=serial
            )
        )
        assert differences(ours, theirs) == {}
