"""Supervised training on the solutions of verified problems, through TRL's SFTTrainer.

    harness train sft out/base last -o out/child

Every row is asked as an evaluation asks it; the loss is on the completion alone, which ends with
the model's own end token. Rows of like length share a batch, and nothing is packed on a CPU, where
packing costs more than padding. Rows that are longer than `max_length` are cut, which loses their
end: they are counted, and above 1 % said aloud.
"""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

from harness.errors import DataError
from harness.models.local import style_of
from harness.models.tokens import Tokens
from harness.prompts import Style
from trainers import running
from trainers.jobs import Task, TrainObserver
from trainers.rows import Lessons, lesson_text
from trainers.settings import SftSettings

MAX_CUT = 0.01
"""Share of rows that may be cut without a word."""


@dataclass(frozen=True, slots=True)
class Tokenized:
    """Rows as token ids."""

    input_ids: list[list[int]]
    completion_mask: list[list[int]]
    """1 where there is a loss."""
    num_cut: int
    """Rows that were longer than they may be, and lost their end."""
    num_dropped: int
    """Rows of which the prompt alone was too long."""

    def __len__(self) -> int:
        return len(self.input_ids)


def tokenize(lessons: Lessons, tokens: Tokens, style: Style, *, max_length: int) -> Tokenized:
    """The rows as an evaluation asks them, each completion with its end token."""
    made = Tokenized([], [], 0, 0)
    num_cut = num_dropped = 0
    for lesson in lessons.lessons:
        text = lesson_text(lesson.problem, style, tokens.tokenizer)
        encode = tokens.tokenizer.encode
        prompt: list[int] = encode(text.prompt, add_special_tokens=style.form == "base")
        completion: list[int] = encode(text.completion, add_special_tokens=False)
        ids = [*prompt, *completion, int(tokens.tokenizer.eos_token_id)]
        if len(prompt) >= max_length:
            num_dropped += 1
            continue
        num_cut += len(ids) > max_length
        kept = ids[:max_length]
        made.input_ids.append(kept)
        made.completion_mask.append([int(at >= len(prompt)) for at in range(len(kept))])
    return Tokenized(made.input_ids, made.completion_mask, num_cut, num_dropped)


def work(task: Task, observer: TrainObserver) -> None:
    """See `jobs.Work`."""
    running.require_torch()
    settings = cast(SftSettings, task.job.trainer_settings())
    running.check_tracker(settings)
    trl: Any = import_module("trl")
    tokens = running.tokens_of(task)
    style = style_of(tokens, task.job.harness_settings())
    max_length = min(settings.max_length, tokens.max_model_len(None))
    tokenized = tokenize(task.lessons, tokens, style, max_length=max_length)
    _say_what_was_cut(tokenized, len(task.lessons), max_length, observer)

    model = running.load_model(task)
    packing = settings.packing
    if packing is None:
        packing = running.on_gpu() and find_spec("flash_attn") is not None
    num_rows = len(tokenized)
    if packing:
        num_rows = max(1, sum(map(len, tokenized.input_ids)) // max_length)
    steps = running.num_steps(settings, num_rows)
    own: dict[str, object] = {
        "max_length": max_length,
        "packing": packing,
        "completion_only_loss": True,
        "train_sampling_strategy": "random" if packing else "group_by_length",
        "shuffle_dataset": False,
        "dataset_num_proc": None,
    }
    args = running.arguments(trl.SFTConfig, task, steps=steps, own=own)
    recorder = running.recorder(task, observer, steps)
    trainer = trl.SFTTrainer(
        model=model,
        args=args,
        train_dataset=dataset_of(tokenized),
        processing_class=tokens.tokenizer,
        peft_config=running.peft_config(settings),
        optimizers=(running.optimizer(model, settings), None),
        callbacks=[recorder, *running.callbacks(task)],
    )
    recorder.count_tokens = lambda: int(trainer._total_train_tokens)
    running.run(trainer, task, tokenizer=tokens.tokenizer, recorder=recorder)


def dataset_of(tokenized: Tokenized) -> Any:
    """As TRL takes rows that are tokenized already."""
    datasets: Any = import_module("datasets")
    return datasets.Dataset.from_dict(
        {"input_ids": tokenized.input_ids, "completion_mask": tokenized.completion_mask}
    )


def _say_what_was_cut(
    tokenized: Tokenized, num_rows: int, max_length: int, observer: TrainObserver
) -> None:
    if not len(tokenized):
        raise DataError(f"no prompt is shorter than max_length ({max_length} tokens): raise it")
    lost = tokenized.num_cut + tokenized.num_dropped
    if lost:
        loud = "WARNING: " if lost > MAX_CUT * num_rows else ""
        observer.say(
            f"{loud}{tokenized.num_cut} of {num_rows} rows are longer than max_length "
            f"({max_length} tokens) and lose their end, {tokenized.num_dropped} are left out since "
            "their prompt alone is: --set train.max_length=…"
        )
