"""What the trainers share: a model loaded, TRL's arguments made, steps recorded, a result saved.

Everything here is used by sft.py, rl.py and pretrain.py on the main path; nothing knows which.
`OMP_WAIT_POLICY=PASSIVE` has to be set before torch is imported: two threads of torch beside a busy
sandbox spin, and burn many times the CPU. So this module sets it, and imports torch in functions.
"""

import dataclasses
import difflib
import json
import math
import os
import time
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from harness.errors import ConfigError, UserError
from harness.models.checkpoints import config_of
from harness.models.tokens import Tokens
from trainers.jobs import (
    CHECKPOINT,
    METRICS,
    Task,
    TrainObserver,
    TrainProgress,
    write_record,
)
from trainers.settings import TrainSettings

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")

_OURS = frozenset(("output_dir", "resume_from_checkpoint", "max_steps", "do_train"))
"""Arguments that have a name of ours, or would break what resume stands on."""
_SCHEDULES = {"wsd": "warmup_stable_decay", "constant": "constant_with_warmup"}


def require_torch() -> Any:
    """torch, set up for this process.

    Raises:
        UserError: what training needs is not installed.
    """
    missing = [name for name in ("torch", "transformers", "trl") if find_spec(name) is None]
    if missing:
        raise UserError(
            f"training needs {', '.join(missing)}: pip install 'code-harness[train]' "
            "(in this repository: make setup-models)"
        )
    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    import_module("datasets").disable_progress_bars()
    return torch


def on_gpu() -> bool:
    return bool(import_module("torch").cuda.is_available())


def uses_bf16(settings: TrainSettings) -> bool:
    """Whether arithmetic is in bf16: what was asked, or what the device multiplies fast."""
    if settings.precision != "auto":
        return settings.precision == "bf16"
    torch: Any = import_module("torch")
    if on_gpu():
        return bool(torch.cuda.is_bf16_supported())
    known = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(known()) if known else False


def load_model(task: Task) -> Any:
    """The parent's weights in fp32 (bf16 under an adapter on a GPU), ready for training."""
    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    settings = task.job.trainer_settings()
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    lean = settings.lora_rank > 0 and on_gpu()
    dtype = torch.bfloat16 if lean else torch.float32
    model = transformers.AutoModelForCausalLM.from_pretrained(str(task.located.path), dtype=dtype)
    if task.located.adapter is not None:
        peft: Any = import_module("peft")
        model = peft.PeftModel.from_pretrained(model, str(task.located.adapter)).merge_and_unload()
    model.config.use_cache = False
    return model


def tokens_of(task: Task) -> Tokens:
    """The parent's tokenizer, with a token to pad with."""
    tokens = Tokens(task.located)
    if tokens.tokenizer.eos_token_id is None:
        raise UserError(f"{task.job.parent}: its tokenizer has no end token, so no reply would end")
    if tokens.tokenizer.pad_token_id is None:
        tokens.tokenizer.pad_token = tokens.tokenizer.eos_token
    return tokens


def peft_config(settings: TrainSettings) -> Any:
    """What makes an adapter of the model; None trains all weights."""
    if not settings.lora_rank:
        return None
    peft: Any = import_module("peft")
    targets = settings.lora_targets
    return peft.LoraConfig(
        r=settings.lora_rank,
        lora_alpha=settings.lora_alpha or 2 * settings.lora_rank,
        target_modules=targets if targets == "all-linear" else targets.split(","),
        task_type="CAUSAL_LM",
    )


def num_steps(settings: TrainSettings, num_rows: int) -> int:
    """Optimizer steps: what was asked, or as many as the epochs have."""
    if settings.steps is not None:
        return settings.steps
    batches = math.ceil(num_rows / (settings.batch_size * settings.devices))
    return max(1, math.ceil(settings.epochs * max(1, math.ceil(batches / settings.accumulation))))


def arguments(
    config_class: Any, task: Task, *, steps: int, own: Mapping[str, object] | None = None
) -> Any:
    """An instance of TRL's configuration: ours, the trainer's own, and the user's, who wins.

    Raises:
        ConfigError: an argument that it does not have, or does not take.
    """
    settings = task.job.trainer_settings()
    gpu = on_gpu()
    bf16 = uses_bf16(settings)
    warmup = math.ceil(settings.warmup * steps)
    made: dict[str, object] = {
        "output_dir": str(task.out),
        "seed": settings.seed,
        "data_seed": settings.seed,
        "max_steps": steps,
        "learning_rate": settings.lr,
        "weight_decay": settings.weight_decay,
        "per_device_train_batch_size": settings.batch_size,
        "gradient_accumulation_steps": settings.accumulation,
        "warmup_steps": warmup,
        "lr_scheduler_type": _SCHEDULES.get(settings.schedule, settings.schedule),
        "use_cpu": not gpu,
        "bf16": bf16,
        "gradient_checkpointing": False,
        "logging_steps": settings.log_steps,
        "logging_nan_inf_filter": False,
        "save_steps": settings.save_steps,
        "save_total_limit": settings.keep,
        "report_to": [] if settings.track == "none" else [settings.track],
        "disable_tqdm": True,
        "dataloader_pin_memory": gpu,
    }
    if settings.schedule == "wsd":
        decay = min(steps - warmup, math.ceil(settings.decay * steps))
        made["lr_scheduler_kwargs"] = {"num_decay_steps": decay, "decay_type": "linear"}
    made |= own or {}
    known = {field.name for field in dataclasses.fields(config_class) if field.init}
    for name in settings.trl:
        if name in _OURS:
            raise ConfigError(f"train.trl.{name} can't be set: the harness decides it")
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f": did you mean {near[0]}?" if near else ""
            raise ConfigError(f"unknown key 'train.trl.{name}' ({config_class.__name__}){hint}")
    try:
        return config_class(**(made | settings.trl))
    except (ValueError, TypeError, ImportError) as error:
        said = str(error).strip().splitlines()[0][:300]
        raise ConfigError(f"{config_class.__name__} refuses the settings: {said}") from None


def optimizer(model: Any, settings: TrainSettings, factor: float = 1.0) -> Any:
    """Muon and AdamW as one; None where AdamW alone is wanted, which transformers makes itself.

    Raises:
        ConfigError: Muon on an adapter's small matrices.
    """
    if settings.optimizer == "adamw":
        return None
    if settings.lora_rank:
        raise ConfigError("train.optimizer=muon trains all weights: leave train.lora_rank out")
    from trainers.optimizers import muon_adamw

    return muon_adamw(
        model,
        muon_lr=settings.muon_lr * factor,
        adamw_lr=settings.lr * factor,
        weight_decay=settings.weight_decay,
    )


def callbacks(task: Task) -> list[Any]:
    """What the settings ask for besides the recorder."""
    settings = task.job.trainer_settings()
    if settings.eval_benchmark is None:
        return []
    from trainers.evaluating import evaluation_callback

    return [
        evaluation_callback(
            settings.eval_benchmark,
            every=settings.eval_steps,
            settings=task.job.harness_settings(),
            name=task.out.name,
            results=task.out / "evaluations.jsonl",
        )
    ]


def check_tracker(settings: TrainSettings) -> None:
    """Refuses a tracker that is not installed.

    Raises:
        UserError: it is not.
    """
    if settings.track != "none" and find_spec(settings.track) is None:
        raise UserError(
            f"--track {settings.track}: it is not installed: pip install {settings.track}"
        )


def check_world(trainer: Any, settings: TrainSettings) -> None:
    """Refuses to train in another number of processes than was asked for.

    `accelerate launch` starts one process where it finds no device, and says nothing.

    Raises:
        UserError: the world has another size.
    """
    size = int(trainer.accelerator.num_processes)
    if size != settings.devices:
        raise UserError(
            f"{settings.devices} processes were asked for (train.devices) and {size} are there: "
            "nothing was trained. An accelerate configuration that fits this machine mends it "
            "(train.accelerate_config)"
        )


def run(trainer: Any, task: Task, *, tokenizer: Any, recorder: Any) -> None:
    """Train to the end from where an earlier start stopped, and save the result."""
    check_world(trainer, task.job.trainer_settings())
    # It prints a dict a step; the recorder has a file and a progress line for that.
    trainer.remove_callback(import_module("transformers").PrinterCallback)
    recorder.trainer = trainer
    resume = str(task.resume_from) if task.resume_from else None
    trainer.train(resume_from_checkpoint=resume)
    save(trainer, task, tokenizer=tokenizer, recorder=recorder)


def save(trainer: Any, task: Task, *, tokenizer: Any, recorder: Any) -> None:
    """The result as a plain Hugging Face folder, checkpoint.json last."""
    state: Any = trainer.accelerator.get_state_dict(trainer.model)  # of all shards, on all ranks
    if trainer.is_world_process_zero():
        model = trainer.accelerator.unwrap_model(trainer.model)
        _write(model, state, task, tokenizer=tokenizer)
        from harness.models import checkpoints

        cache_folder = task.job.harness_settings().cache
        found = checkpoints.locate(str(task.out), cache=cache_folder).checkpoint
        record = recorder.record().model_copy(update={"id": found.identity, "base": found.base})
        write_record(task.out / CHECKPOINT, record)
    trainer.accelerator.wait_for_everyone()


def _write(model: Any, state: dict[str, Any], task: Task, *, tokenizer: Any) -> None:
    torch: Any = import_module("torch")
    base = task.located.path
    assert base is not None
    if task.job.trainer_settings().lora_rank:
        model.peft_config["default"].base_model_name_or_path = str(base.resolve())
        model.save_pretrained(task.out, state_dict=state)
    else:
        dtype = getattr(torch, str(config_of(base).get("dtype") or "float32"), torch.float32)
        state = {
            key: value.to(dtype) if value.is_floating_point() else value
            for key, value in state.items()
        }
        model.config.dtype = dtype
        # Training leaves it off, and whoever samples would pay for that.
        model.config.use_cache = True
        model.save_pretrained(task.out, state_dict=state)
    tokenizer.save_pretrained(task.out)


@cache
def recorder_class() -> Any:
    """A callback that writes metrics.jsonl, marks whole step checkpoints and tells the observer."""
    base: Any = import_module("transformers").TrainerCallback

    class Recorder(base):
        def __init__(self, task: Task, observer: TrainObserver, steps: int) -> None:
            self._task = task
            self._observer = observer
            self._steps = steps
            self._started = time.monotonic()
            self._step_started = self._started
            self._first_step = 0
            self._step_s: list[float] = []
            self._said: dict[str, float] = {}
            self.trainer: Any = None
            self.count_tokens: Callable[[], int] = lambda: 0
            """Tokens trained on, since this start or since the first, as `tokens_are_kept` says."""
            self.tokens_are_kept = False

        @property
        def num_tokens(self) -> int:
            before = self._task.before
            kept = before.num_tokens if before and not self.tokens_are_kept else 0
            return kept + self.count_tokens()

        def record(self) -> Any:
            return self._task.record(
                step=self.trainer.state.global_step,
                steps=self._steps,
                num_tokens=self.num_tokens,
                wall_s=time.monotonic() - self._started,
            )

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self._started = time.monotonic()
            self._first_step = state.global_step

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self._step_started = time.monotonic()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self._step_s.append(time.monotonic() - self._step_started)
            self._tell(state)

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if not state.is_world_process_zero or not logs:
                return
            numbers = {
                name: value for name, value in logs.items() if isinstance(value, int | float)
            }
            row: dict[str, object] = {
                "step": state.global_step,
                "elapsed_s": round(time.monotonic() - self._started, 3),
                "total_tokens": self.num_tokens,
            }
            if self._step_s:
                row["step_s"] = round(sum(self._step_s) / len(self._step_s), 4)
                self._step_s.clear()
            if "time/sample_s" in numbers and "reward/wait_s" in numbers:
                waited_s = numbers["time/sample_s"] + numbers["reward/wait_s"]
                row["time/train_s"] = round(float(str(row.get("step_s", 0.0))) - waited_s, 4)
            finite = {
                name: value if math.isfinite(value) else None for name, value in numbers.items()
            }
            with (self._task.out / METRICS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(row | finite) + "\n")
            self._said |= {name: float(value) for name, value in numbers.items()}
            self._tell(state)

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.is_world_process_zero:
                folder = self._task.out / f"checkpoint-{state.global_step}"
                write_record(folder / CHECKPOINT, self.record())

        def _tell(self, state: Any) -> None:
            if state.is_world_process_zero:
                self._observer.trained(
                    TrainProgress(
                        kind=self._task.job.kind,
                        step=state.global_step,
                        steps=self._steps,
                        num_tokens=self.num_tokens,
                        elapsed_s=time.monotonic() - self._started,
                        steps_done=state.global_step - self._first_step,
                        said=self._said,
                    )
                )

    return Recorder


def recorder(task: Task, observer: TrainObserver, steps: int) -> Any:
    """See `recorder_class`."""
    return recorder_class()(task, observer, steps)
