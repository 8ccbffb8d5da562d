"""From scratch: packed blocks, in phases, each with its data and its learning-rate schedule.

    harness train pretrain out/tiny problems.jsonl -o out/base

A phase is one run of transformers' Trainer, which costs nothing over a bare loop. Documents end
with the end token and are packed one after the other into blocks of `block_size` tokens; attention
crosses their borders. What a recipe needs beyond that is data: a mix is a list of files, an
annealing phase is a second phase, and `keep_order` reads blocks in the order of the files. The
phases but the last lie under OUT/phase-N, and each is resumed like a training of its own.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, cast

from harness.errors import ConfigError, DataError
from harness.models import checkpoints
from harness.models.local import style_of
from harness.models.tokens import Tokens
from trainers import jobs, rows, running
from trainers.jobs import Task, TrainObserver
from trainers.settings import Phase, PretrainSettings


def work(task: Task, observer: TrainObserver) -> None:
    """See `jobs.Work`."""
    running.require_torch()
    settings = cast(PretrainSettings, task.job.trainer_settings())
    running.check_tracker(settings)
    phases = settings.phases or (Phase(data=task.job.rows),)
    if len(phases) > 1 and settings.steps is not None:
        raise ConfigError("train.steps is for one phase: give each of train.phases its tokens")
    cache = task.job.harness_settings().cache
    for number, phase in enumerate(phases):
        is_last = number == len(phases) - 1
        out = task.out if is_last else task.out / f"phase-{number}"
        here = replace(task, job=task.job.model_copy(update={"out": out}))
        if not is_last:
            steps = jobs.whole_steps(out)
            here = here.resumed_from(steps[-1] if steps else None)
        record = None if is_last else jobs.read_checkpoint(out)
        if record is None:
            observer.say(f"phase {number + 1} of {len(phases)}: {', '.join(phase.data)}")
            _train(here, phase, settings, observer)
            record = jobs.read_checkpoint(out)
        assert record is not None
        if not is_last:
            located = checkpoints.locate(str(out), cache=cache)
            task = replace(task, located=located, earlier=(*task.earlier, record))


def _train(task: Task, phase: Phase, settings: PretrainSettings, observer: TrainObserver) -> None:
    transformers: Any = import_module("transformers")
    datasets: Any = import_module("datasets")
    tokens = running.tokens_of(task)
    room = tokens.max_model_len(None)
    size = min(settings.block_size, room)
    blocks = blocks_of(documents(task, phase, tokens), tokens, phase, size=size, seed=settings.seed)
    if not blocks:
        raise DataError(f"{', '.join(phase.data)}: holds no token")
    once = settings.model_copy(update={"epochs": 1.0})
    steps = running.num_steps(once, len(blocks))
    own: dict[str, object] = {
        "learning_rate": settings.lr * phase.lr_factor,
        "train_sampling_strategy": "sequential" if phase.keep_order else "random",
    }
    args = running.arguments(transformers.TrainingArguments, task, steps=steps, own=own)
    model = running.load_model(task)
    recorder = running.recorder(task, observer, steps)
    trainer = transformers.Trainer(
        model=model,
        args=args,
        train_dataset=datasets.Dataset.from_dict({"input_ids": blocks, "labels": blocks}),
        processing_class=tokens.tokenizer,
        data_collator=transformers.default_data_collator,
        optimizers=(running.optimizer(model, settings, phase.lr_factor), None),
        callbacks=[recorder, *running.callbacks(task)],
    )
    each = settings.batch_size * settings.accumulation * settings.devices * size
    before = sum(record.num_tokens for record in task.earlier)
    recorder.tokens_are_kept = True
    recorder.count_tokens = lambda: before + each * int(trainer.state.global_step)
    running.run(trainer, task, tokenizer=tokens.tokenizer, recorder=recorder)


def documents(task: Task, phase: Phase, tokens: Tokens) -> list[str]:
    """The texts of a phase, in the order of its files."""
    home = task.job.harness_settings().home
    if phase.form == "documents":
        return rows.texts(rows.paths(phase.data, home=home))
    style = style_of(tokens, task.job.harness_settings())
    lessons = rows.read(phase.data, home=home).lessons
    return [
        "".join(rows.lesson_text(lesson.problem, style, tokens.tokenizer)) for lesson in lessons
    ]


def blocks_of(
    documents: Sequence[str], tokens: Tokens, phase: Phase, *, size: int, seed: int
) -> list[list[int]]:
    """The documents as blocks of token ids, as many as the phase asks for.

    Every pass over the documents has an order of its own, unless the phase keeps theirs.
    """
    end = int(tokens.tokenizer.eos_token_id)
    encoded: list[list[int]] = [
        [*tokens.tokenizer.encode(text, add_special_tokens=False), end] for text in documents
    ]
    total = sum(map(len, encoded))
    wanted = phase.tokens or int(total * phase.repeats)
    if not total or not wanted:
        return []
    draws = random.Random(seed)
    stream: list[int] = []
    while len(stream) < wanted:
        order = list(range(len(encoded)))
        if not phase.keep_order:
            draws.shuffle(order)
        for index in order:
            stream += encoded[index]
    # What does not fill a block is left out, but where that would be all.
    size = min(size, wanted)
    return [stream[at : at + size] for at in range(0, wanted - size + 1, size)]
