"""The fake trainer is a trainer: it learns, saves, is killed and resumes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.errors import RunMismatch
from tests.trainers.problems import write
from trainers import fake
from trainers.fake import FakeTrainer
from trainers.jobs import TrainJob

SCRIPT = """
import sys
from pathlib import Path
from trainers.fake import FakeTrainer
from trainers.jobs import TrainJob
FakeTrainer(pause_s=float(sys.argv[2]))(TrainJob.model_validate_json(Path(sys.argv[1]).read_text()))
"""


def job(folder: Path, name: str, **settings: object) -> TrainJob:
    parent = fake.make(folder / "parent", {"add": 0.25})
    rows = write(folder / "rows.jsonl")
    asked = {"steps": 24, "save_steps": 4, **settings}
    return TrainJob.model_validate(
        {
            "kind": "sft",
            "parent": str(parent),
            "rows": (str(rows),),
            "out": folder / name,
            "settings": asked,
            "harness": {"home": str(folder)},
        }
    )


def test_it_learns_what_it_is_given(tmp_path: Path) -> None:
    record = FakeTrainer(gain=0.02)(job(tmp_path, "child"))
    assert fake.read_skill(tmp_path / "child") == {"add": 0.57, "subtract": 0.32, "multiply": 0.32}
    assert record.id == fake.identity_of(tmp_path / "child")
    assert record.parent_id == fake.identity_of(tmp_path / "parent")


def test_killed_anywhere_it_ends_in_the_same_checkpoint(tmp_path: Path) -> None:
    FakeTrainer()(job(tmp_path, "undisturbed"))
    asked = job(tmp_path, "killed")
    (tmp_path / "job.json").write_text(asked.model_dump_json())
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "job.json"), "0.05"]
    for after_s in (0.3, 0.5, 0.4):
        process = subprocess.Popen(command)
        seen = time.monotonic()
        while not list((tmp_path / "killed").glob("checkpoint-*")) and process.poll() is None:
            assert time.monotonic() - seen < 60
            time.sleep(0.02)
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
    record = FakeTrainer()(asked)
    assert fake.read_skill(tmp_path / "killed") == fake.read_skill(tmp_path / "undisturbed")
    assert FakeTrainer()(asked) == record, "what is done is not done again"


def test_another_training_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    FakeTrainer()(job(tmp_path, "child"))
    with pytest.raises(RunMismatch, match=r"train.lr 1e-05 → 0.5"):
        FakeTrainer()(job(tmp_path, "child", lr=0.5))
