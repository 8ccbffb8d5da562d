"""A benchmark run in the middle of a training: a callback for TRL's and transformers' trainers.

    from trainers.evaluating import evaluation_callback
    SFTTrainer(..., callbacks=[evaluation_callback("sanity", every=100)])

Every N steps the weights are written to a folder, measured by `harness.evaluation` like any
checkpoint (so the run is in the home, resumable and comparable), and the folder is removed. The
state of the random generators is put back, so that a training with the callback ends in the same
weights as one without.
"""

import json
import random
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from harness import config, evaluation
from harness.config import Settings
from harness.summary import summary


def evaluation_callback(
    benchmark: str,
    *,
    every: int,
    settings: Settings | None = None,
    name: str = "training",
    results: Path | None = None,
) -> Any:
    """A `TrainerCallback` that measures the model on `benchmark` every so many steps.

    Args:
        benchmark: a name, as `harness eval -b` takes it.
        every: steps.
        settings: None is what `harness.toml` and HARNESS_* say.
        name: what the checkpoint is called on the board, before `/step-N`.
        results: a JSONL file that gets a line a measurement.
    """
    return _callback_class()(benchmark, every, settings or config.load(), name, results)


def measure(
    model: Any, tokenizer: Any, benchmark: str, *, settings: Settings, name: str
) -> dict[str, object]:
    """The summary of a run of these weights, as JSON has it."""
    named = settings.eval.model_copy(update={"name": name})
    with tempfile.TemporaryDirectory(prefix="harness-eval-") as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        run = evaluation.evaluate(
            folder, benchmark, settings=settings.model_copy(update={"eval": named})
        )
        shutil.rmtree(folder, ignore_errors=True)
    return summary(run).as_json()


@contextmanager
def _same_randomness() -> Generator[None]:
    """Draws inside the block leave no trace outside."""
    torch: Any = import_module("torch")
    numpy: Any = import_module("numpy")
    states = random.getstate(), numpy.random.get_state()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(states[0])
        numpy.random.set_state(states[1])


@cache
def _callback_class() -> Any:
    base: Any = import_module("transformers").TrainerCallback

    class EvaluationCallback(base):
        def __init__(
            self, benchmark: str, every: int, settings: Settings, name: str, results: Path | None
        ) -> None:
            self._benchmark = benchmark
            self._every = every
            self._settings = settings
            self._name = name
            self._results = results
            self.measured: list[dict[str, object]] = []
            """What was found, in the order of the steps."""

        def on_step_end(
            self,
            args: Any,
            state: Any,
            control: Any,
            model: Any = None,
            processing_class: Any = None,
            **_: Any,
        ) -> None:
            if state.global_step % self._every or not state.is_world_process_zero:
                return
            model = getattr(model, "module", model)  # without the wrapper of several processes
            was_training = model.training
            with _same_randomness():
                found = measure(
                    model,
                    processing_class,
                    self._benchmark,
                    settings=self._settings,
                    name=f"{self._name}/step-{state.global_step}",
                )
            model.train(was_training)
            row: dict[str, object] = {"step": state.global_step, **found}
            self.measured.append(row)
            if self._results is not None:
                with self._results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")

    return EvaluationCallback
