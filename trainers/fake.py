"""A trainer without torch: the `Trainer` protocol for real, and learning by arithmetic.

    record = FakeTrainer(gain=0.01)(job)

For tests of what drives trainers. What it trains is a folder with `skill.json`: a pass rate for each
problem type, which rises with the rows of that type. It goes through steps, saves every
`save_steps`, can be killed at any moment and resumes like the others, and its result depends on
parent, rows and settings alone.
"""

import json
import time
from collections import Counter
from pathlib import Path

from harness.errors import DataError
from harness.records import content_sha256
from trainers import jobs, rows
from trainers.jobs import (
    TrainedCheckpoint,
    TrainingConfig,
    TrainJob,
    TrainObserver,
    TrainProgress,
)

SKILL = "skill.json"


class FakeTrainer:
    """`gain`: what a row adds to the pass rate of its types; `pause_s` lies between two steps."""

    def __init__(self, *, gain: float = 0.01, pause_s: float = 0.0) -> None:
        self._gain = gain
        self._pause_s = pause_s

    def __call__(self, job: TrainJob, observer: TrainObserver | None = None) -> TrainedCheckpoint:
        """See `jobs.Trainer`."""
        observer = observer or TrainObserver()
        settings = job.trainer_settings()
        home = job.harness_settings().home
        lessons = rows.read(job.rows, home=home).lessons
        named = rows.named(job.rows, home=home)
        job.out.mkdir(parents=True, exist_ok=True)
        config = TrainingConfig(
            kind=job.kind,
            parent=job.parent,
            parent_id=identity_of(Path(job.parent)),
            rows=job.rows,
            rows_sha256=named.sha256,
            manifests=named.manifests,
            settings=settings.model_dump(mode="json"),
            round=job.round,
        )
        jobs.claim(job.out, config)
        wanted = content_sha256(config.identity_fields())
        done = jobs.read_checkpoint(job.out)
        if done is not None and done.training == wanted:
            return done

        saved = jobs.whole_steps(job.out)
        skill = read_skill(saved[-1] if saved else Path(job.parent))
        first = int(saved[-1].name.partition("-")[2]) if saved else 0
        steps = settings.steps or max(1, len(lessons) // settings.batch_size)
        record = TrainedCheckpoint(
            trainer=job.kind,
            parent=job.parent,
            parent_id=config.parent_id,
            round=job.round,
            rows_sha256=config.rows_sha256,
            manifests=config.manifests,
            training=wanted,
            step=steps,
            steps=steps,
            num_tokens=0,
            wall_s=0.0,
            device_s=0.0,
            settings=config.settings,
            versions={},
        )
        for step in range(first, steps):
            time.sleep(self._pause_s)
            part = lessons[step * len(lessons) // steps : (step + 1) * len(lessons) // steps]
            for name, count in Counter(name for one in part for name in one.types).items():
                skill[name] = min(1.0, round(skill.get(name, 0.0) + self._gain * count, 9))
            observer.trained(
                TrainProgress(job.kind, step + 1, steps, 0, 0.0, step + 1 - first, {"loss": 0.0})
            )
            if (step + 1) % settings.save_steps == 0:
                _write(job.out / f"checkpoint-{step + 1}", skill, record, step + 1)
        _write(job.out, skill, record, steps)
        result = jobs.read_checkpoint(job.out)
        assert result is not None
        return result


def make(folder: Path, skill: dict[str, float]) -> Path:
    """A checkpoint to begin with."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SKILL).write_text(json.dumps(skill, sort_keys=True))
    return folder


def read_skill(folder: Path) -> dict[str, float]:
    """The pass rate of each problem type.

    Raises:
        DataError: the folder is no checkpoint of this trainer.
    """
    try:
        return {
            name: float(rate) for name, rate in json.loads((folder / SKILL).read_text()).items()
        }
    except (OSError, ValueError) as error:
        raise DataError(f"{folder} is no checkpoint of the fake trainer: {error}") from None


def identity_of(folder: Path) -> str:
    return content_sha256(read_skill(folder))


def _write(folder: Path, skill: dict[str, float], record: TrainedCheckpoint, step: int) -> None:
    make(folder, skill)
    told = record.model_copy(update={"id": content_sha256(skill), "step": step})
    jobs.write_record(folder / jobs.CHECKPOINT, told)
