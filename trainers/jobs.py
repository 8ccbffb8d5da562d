"""One training on disk: begun, resumed after a kill, finished.

    record = train(TrainJob(kind="sft", parent="out/base", rows=("last",), out=Path("out/child")))

    OUT/training.json     what its weights depend on: resume compares it
        metrics.jsonl     a line a logged step; after a resume a step may be there twice
        checkpoint-N/     as transformers writes it, with optimizer, schedule and random states
        *.safetensors config.json tokenizer* …    the result, a plain Hugging Face folder
        checkpoint.json   where the result is from: written last, so that what lacks it is torn

The same command goes on where it was stopped: at the last step checkpoint that is whole. One that
was finished is not done again. Any program that makes such a folder is a `Trainer`.

Not here: how weights change (sft.py, rl.py, pretrain.py), several processes (launch.py).
"""

import fcntl
import re
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from pydantic import Field, JsonValue, ValidationError

from harness.config import Settings
from harness.errors import DataError, RunMismatch, StorageError, UserError
from harness.models import checkpoints
from harness.records import SCHEMA_VERSION, Record, content_sha256, utc_now
from trainers import rows
from trainers.settings import MODELS, Kind, TrainSettings

TRAINING, CHECKPOINT, METRICS = "training.json", "checkpoint.json", "metrics.jsonl"
_SHOWN = {"loss": "loss", "reward/mean": "reward", "reward/groups_with_signal": "signal"}
_STEP = re.compile(r"checkpoint-(\d+)")


class TrainJob(Record):
    """What is asked: everything that a process needs to know, so that it can be sent to others."""

    kind: Kind
    parent: str
    """A folder, a repository, or what else `harness eval` takes as a model on this machine."""
    rows: tuple[str, ...]
    """Files and datasets, as `rows.read` takes them."""
    out: Path
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    """Of the trainer: `TrainSettings.model_dump(mode="json")`."""
    harness: dict[str, JsonValue] = Field(default_factory=dict)
    """`harness.config.Settings`, in the same form: home, cache, sandbox."""
    round: int | None = None
    """Of the loop that asks."""

    def trainer_settings(self) -> TrainSettings:
        return MODELS[self.kind].model_validate(self.settings)

    def harness_settings(self) -> Settings:
        return Settings.model_validate(self.harness)


class TrainingConfig(Record):
    """`training.json`: what the weights depend on."""

    schema_version: int = SCHEMA_VERSION
    kind: Kind
    parent: str
    parent_id: str
    """sha256 of the parent's contents; empty where it has no weights that are hashed."""
    rows: tuple[str, ...]
    rows_sha256: str
    manifests: tuple[str, ...] = ()
    settings: dict[str, JsonValue]
    """All of them, resolved."""
    round: int | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    """For the reader, not for identity."""
    created: datetime = Field(default_factory=utc_now)

    def identity_fields(self) -> dict[str, object]:
        settings = MODELS[self.kind].model_validate(self.settings).identity_fields()
        fields: dict[str, object] = {f"train.{name}": value for name, value in settings.items()}
        return fields | {"kind": self.kind, "parent": self.parent_id, "rows": self.rows_sha256}


class TrainedCheckpoint(Record):
    """`checkpoint.json`: where the weights beside it are from."""

    schema_version: int = SCHEMA_VERSION
    id: str | None = None
    """sha256 of the contents, as `harness eval` makes it; None for a step of a training."""
    trainer: str
    parent: str
    parent_id: str
    base: str | None = None
    """What an adapter sits on, with its revision."""
    round: int | None = None
    rows_sha256: str
    manifests: tuple[str, ...] = ()
    training: str
    """Identity of the training: sha256 of its settings, parent and rows."""
    step: int
    steps: int
    """How many there were to be."""
    num_tokens: int
    """Tokens trained on, prompts included."""
    wall_s: float
    """Of all starts of this training together."""
    device_s: float
    """The same, times the devices."""
    settings: dict[str, JsonValue]
    versions: dict[str, str]
    created: datetime = Field(default_factory=utc_now)


@dataclass(frozen=True, slots=True)
class TrainProgress:
    """Where a training stands."""

    kind: str
    step: int
    steps: int
    num_tokens: int
    elapsed_s: float
    """Since this start."""
    steps_done: int
    """Since this start."""
    said: dict[str, float]
    """The newest loss, reward and the like."""

    def line(self) -> str:
        """For a progress line.

        >>> TrainProgress("sft", 50, 200, 51200, 20.0, 50, {"loss": 1.234}).line()
        'sft: step 50 of 200, loss 1.23, 51,200 tokens, 0.40 s a step, 1:00 left'
        """
        parts = [f"{self.kind}: step {self.step} of {self.steps}"]
        for key, name in _SHOWN.items():
            if key in self.said:
                parts.append(f"{name} {self.said[key]:.3g}")
        parts.append(f"{self.num_tokens:,} tokens")
        if self.steps_done:
            each_s = self.elapsed_s / self.steps_done
            left_s = round(each_s * (self.steps - self.step))
            parts.append(f"{each_s:.2f} s a step")
            parts.append(f"{left_s // 60}:{left_s % 60:02d} left")
        return ", ".join(parts)


class TrainObserver:
    """What trainers tell while they work. The methods do nothing; a screen overrides them."""

    def say(self, text: str) -> None:
        """Something that a person should know: once, in a line."""

    def trained(self, progress: TrainProgress) -> None:
        """A step was made."""


class Trainer(Protocol):
    """Checkpoint × rows → checkpoint. The same call again resumes."""

    def __call__(self, job: TrainJob, observer: TrainObserver) -> TrainedCheckpoint: ...


@dataclass(frozen=True, slots=True)
class Task:
    """A job with its files opened: what sft.py, rl.py and pretrain.py get."""

    job: TrainJob
    config: TrainingConfig
    lessons: rows.Lessons
    located: checkpoints.Located
    resume_from: Path | None
    """The last step checkpoint that is whole."""
    before: TrainedCheckpoint | None = None
    """Its record: read now, since training removes old steps."""
    earlier: tuple[TrainedCheckpoint, ...] = ()
    """Phases before this one."""

    @property
    def out(self) -> Path:
        return self.job.out

    def resumed_from(self, step: Path | None) -> "Task":
        """The same, to be gone on with from there."""
        return replace(self, resume_from=step, before=read_checkpoint(step) if step else None)

    def record(self, *, step: int, steps: int, num_tokens: int, wall_s: float) -> TrainedCheckpoint:
        """The record of the weights at a step; `wall_s` is this start's."""
        earlier_s = sum(phase.wall_s for phase in self.earlier)
        wall_s += self.before.wall_s if self.before else earlier_s
        return TrainedCheckpoint(
            trainer=self.job.kind,
            parent=self.config.parent,
            parent_id=self.config.parent_id,
            round=self.job.round,
            rows_sha256=self.config.rows_sha256,
            manifests=self.config.manifests,
            training=content_sha256(self.config.identity_fields()),
            step=step,
            steps=steps,
            num_tokens=num_tokens,
            wall_s=round(wall_s, 3),
            device_s=round(wall_s * self.job.trainer_settings().devices, 3),
            settings=self.config.settings,
            versions=self.config.versions,
        )


Work = Callable[[Task, TrainObserver], None]


def train(job: TrainJob, observer: TrainObserver | None = None) -> TrainedCheckpoint:
    """Do the job, or go on with it, or find it done: the checkpoint's record. See `Trainer`.

    Raises:
        UserError: the parent, the rows or a setting is wrong; nothing was done.
        RunMismatch: the folder holds another training.
        SandboxError: too many rewards could not be measured; the steps so far are kept.
        StorageError: the folder can't be written.
    """
    observer = observer or TrainObserver()
    settings = job.trainer_settings()
    with _claimed(job.out):
        task = open_task(job)
        if (done := finished(task)) is not None:
            observer.say(f"{job.out} is trained already: nothing to do")
            return done
        if task.resume_from is not None:
            observer.say(f"going on from {task.resume_from.name}")
        if settings.devices > 1:
            from trainers import launch

            launch.run(job, observer)
        else:
            work_of(job.kind)(task, observer)
        record = read_checkpoint(job.out)
        if record is None:
            raise StorageError(f"the training ended and left no {job.out / CHECKPOINT}")
        return record


def work_of(kind: Kind) -> Work:
    """The function that trains."""
    return cast(Work, import_module(f"trainers.{kind}").work)


def open_task(job: TrainJob, *, clear: bool = True) -> Task:
    """Read the parent and the rows, and find where an earlier start stopped.

    `clear` writes training.json and removes step checkpoints that a kill has torn; other processes
    of the same training leave that to the first.

    Raises:
        UserError: the parent or the rows are wrong.
        RunMismatch: another training is in the folder.
    """
    harness = job.harness_settings()
    located = checkpoints.locate(job.parent, cache=harness.cache)
    if located.path is None or located.checkpoint.kind not in ("model", "adapter"):
        raise UserError(f"{job.parent} has no weights on this machine: only those can be trained")
    read = rows.named if job.kind == "pretrain" else rows.read
    lessons = read(job.rows, home=harness.home)
    config = TrainingConfig(
        kind=job.kind,
        parent=job.parent,
        parent_id=located.checkpoint.identity,
        rows=job.rows,
        rows_sha256=lessons.sha256,
        manifests=lessons.manifests,
        settings=job.trainer_settings().model_dump(mode="json"),
        round=job.round,
        versions=versions(),
    )
    steps = whole_steps(job.out)
    if clear:
        claim(job.out, config)
        _remove_torn(job.out)
    task = Task(job, config, lessons, located, resume_from=None)
    return task.resumed_from(steps[-1] if steps else None)


def claim(out: Path, config: TrainingConfig) -> None:
    """Write training.json, or hold it against the one that is there.

    Raises:
        RunMismatch: another training is in the folder; the message names what differs.
    """
    path = out / TRAINING
    if not path.exists():
        if any(out.glob("*.safetensors")):
            raise UserError(
                f"{out} holds weights that no training of ours left: name another folder"
            )
        write_record(path, config)
        return
    try:
        recorded = TrainingConfig.model_validate_json(path.read_bytes()).identity_fields()
    except ValidationError as error:
        raise DataError(f"{path} can't be read: {error.errors()[0]['msg']}") from None
    asked = config.identity_fields()
    names = sorted(name for name in recorded | asked if recorded.get(name) != asked.get(name))
    if names:
        told = ", ".join(f"{name} {recorded.get(name)} → {asked.get(name)}" for name in names[:6])
        raise RunMismatch(
            f"{out} holds another training ({told}): name another folder (-o), or remove it"
        )


def finished(task: Task) -> TrainedCheckpoint | None:
    """The record of the result, where this very training is through."""
    record = read_checkpoint(task.out)
    wanted = content_sha256(task.config.identity_fields())
    return record if record is not None and record.training == wanted else None


def read_checkpoint(folder: Path) -> TrainedCheckpoint | None:
    """What checkpoint.json says; None where there is none that is whole."""
    try:
        return TrainedCheckpoint.model_validate_json((folder / CHECKPOINT).read_bytes())
    except (OSError, ValidationError):
        return None


def whole_steps(out: Path) -> list[Path]:
    """The step checkpoints that were written to their end, in their order."""
    found = [
        (int(match[1]), path)
        for path in (out.iterdir() if out.is_dir() else ())
        if (match := _STEP.fullmatch(path.name)) and read_checkpoint(path) is not None
    ]
    return [path for _, path in sorted(found)]


def write_record(path: Path, record: Record) -> None:
    """Whole or not at all.

    Raises:
        StorageError: the folder can't be written.
    """
    try:
        draft = path.with_suffix(".part")
        draft.write_text(record.model_dump_json(indent=2) + "\n", "utf-8")
        draft.replace(path)
    except OSError as error:
        raise StorageError(f"{path} can't be written: {error.strerror}") from error


def versions() -> dict[str, str]:
    """What to note beside a result."""
    from harness.evaluation import versions as of_harness
    from harness.models.local import versions_of

    return of_harness() | versions_of("torch", "transformers", "trl", "accelerate", "peft")


def _remove_torn(out: Path) -> None:
    for path in (*out.glob("checkpoint-*"), *out.glob("phase-*/checkpoint-*")):
        if _STEP.fullmatch(path.name) and read_checkpoint(path) is None:
            shutil.rmtree(path)


@contextmanager
def _claimed(out: Path) -> Generator[None]:
    """The folder is ours alone while the block lasts; a dead process holds nothing."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = (out / ".lock").open("w")
    except OSError as error:
        raise StorageError(f"{out} can't be written: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another process is training into {out}") from None
        yield
