"""What may be set of a training: one frozen model a trainer, read from the section `train`.

    --set train.lr=1e-3                  all trainers
    --set train.rl.num_generations=16    one of them
    --set train.trl.max_grad_norm=0.5    any argument of TRL's own configuration, by its name

In a file these are the tables `[train]`, `[train.rl]`, `[train.trl]`, `[train.rl.trl]`. A value for
one trainer wins over a value for all, and a flag over both. The resolved settings are written
beside the checkpoint, and a training is resumed only under the ones that it was begun with.
"""

import difflib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeAlias, TypeVar

from pydantic import Field, JsonValue, PositiveInt, ValidationError

from harness.config import Section
from harness.errors import ConfigError

Kind: TypeAlias = Literal["sft", "rl", "pretrain"]
Rate: TypeAlias = Annotated[float, Field(ge=0, le=1)]


class TrainSettings(Section):
    """What all trainers share."""

    kind: ClassVar[Kind]
    OPERATIONAL: ClassVar[frozenset[str]] = frozenset(
        "save_steps keep log_steps track eval_benchmark eval_steps threads".split()
    )
    """What the weights do not depend on: it may differ when a training is resumed."""

    seed: int = 0
    lr: Annotated[float, Field(gt=0)] = 1e-5
    """Of AdamW, at the height of its schedule."""
    epochs: Annotated[float, Field(gt=0)] = 1.0
    """How often the rows are gone through, unless `steps` says where to end."""
    steps: PositiveInt | None = None
    """Optimizer steps."""
    batch_size: PositiveInt = 8
    """Rows a device reads at a time."""
    accumulation: PositiveInt = 1
    """Such batches to an optimizer step."""
    max_length: PositiveInt = 1024
    """Tokens of prompt and completion together; what is longer is cut, and counted."""
    schedule: Literal["wsd", "cosine", "linear", "constant"] = "wsd"
    """`wsd`: warm-up, flat, linear decay."""
    warmup: Rate = 0.05
    """Share of the steps."""
    decay: Rate = 0.3
    """Share of the steps, at the end of `wsd`."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    """`muon`: Muon for the matrices inside the blocks, AdamW for the rest."""
    muon_lr: Annotated[float, Field(gt=0)] = 0.02
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """Of the arithmetic; `auto` is bf16 where the device multiplies in it."""
    lora_rank: Annotated[int, Field(ge=0)] = 0
    """0 trains all weights."""
    lora_alpha: PositiveInt | None = None
    """None is twice the rank."""
    lora_targets: str = "all-linear"
    """Names of modules, with commas between, or `all-linear`."""
    devices: PositiveInt = 1
    """Processes, one a device; more than one go through `accelerate launch`."""
    accelerate_config: Path | None = None
    """A file of accelerate's own (FSDP, DeepSpeed, several machines) for that launch."""
    threads: PositiveInt | None = None
    """Of torch, in a process; None is torch's own choice."""
    save_steps: PositiveInt = 100
    """What a kill costs at most."""
    keep: Annotated[int, Field(ge=2)] = 2
    """Step checkpoints that are kept, the newest: one may be torn by a kill."""
    log_steps: PositiveInt = 10
    track: Literal["none", "trackio", "wandb", "tensorboard"] = "none"
    """Where metrics go besides metrics.jsonl."""
    eval_benchmark: str | None = None
    """Measured every `eval_steps` steps, as `harness eval` does it."""
    eval_steps: PositiveInt = 100
    trl: dict[str, JsonValue] = Field(default_factory=dict)
    """Arguments of TRL's (for `pretrain`: transformers') configuration; they have the last word."""

    def identity_fields(self) -> dict[str, object]:
        """What weights depend on."""
        fields = self.model_dump(mode="json")
        return {name: value for name, value in fields.items() if name not in self.OPERATIONAL}


class SftSettings(TrainSettings):
    """Supervised training on solutions."""

    kind = "sft"

    packing: bool | None = None
    """None packs rows where a GPU has FlashAttention, and never on a CPU."""


class RlSettings(TrainSettings):
    """GRPO on what the sandbox says."""

    kind = "rl"

    lr: Annotated[float, Field(gt=0)] = 1e-6
    schedule: Literal["wsd", "cosine", "linear", "constant"] = "constant"
    num_prompts: PositiveInt = 32
    """Problems a step."""
    num_generations: Annotated[int, Field(ge=2)] = 8
    """Completions a problem: the group."""
    batch_size: PositiveInt = 64
    """Completions a device trains on at a time."""
    max_new_tokens: PositiveInt = 256
    temperature: Annotated[float, Field(gt=0)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    reward: Literal["binary", "fraction", "x-coder"] = "binary"
    num_tests: PositiveInt | None = None
    """Tests drawn a problem and step, the same for a whole group; None is all."""
    time_limit_s: Annotated[float, Field(gt=0)] | None = None
    """The least limit of one input; None is the profile's (4 s)."""
    loss: Literal["dapo", "dr_grpo", "grpo", "bnpo"] = "dapo"
    beta: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the distance to the policy that it began with."""
    epsilon_high: Annotated[float, Field(gt=0)] = 0.28
    """Upper clip: higher than the lower one, so that rare tokens may become likely."""
    sampler: Literal["auto", "local", "vllm-server", "vllm-colocate", "transformers"] = "auto"
    """Who writes the completions; `auto` is this package's loop, and vLLM beside the trainer
    (`vllm-colocate`) on a GPU where it is installed."""
    log_steps: PositiveInt = 1

    @property
    def completions_a_step(self) -> int:
        return self.num_prompts * self.num_generations


class Phase(Section):
    """One stretch of pretraining, with a learning-rate schedule of its own."""

    data: tuple[str, ...]
    """Files: text, or JSONL with `text`, or with `prompt` and `solution`; or datasets."""
    tokens: PositiveInt | None = None
    """None is what the files hold, `repeats` times."""
    repeats: Annotated[float, Field(gt=0)] = 1.0
    lr_factor: Annotated[float, Field(gt=0)] = 1.0
    """Times `lr` and `muon_lr`."""
    form: Literal["documents", "lessons"] = "documents"
    """`lessons`: rows of problems, each as an evaluation asks it, with its solution."""
    keep_order: bool = False
    """Whether blocks are read in the order of the files."""


class PretrainSettings(TrainSettings):
    """From scratch, on packed blocks."""

    kind = "pretrain"

    lr: Annotated[float, Field(gt=0)] = 3e-3
    optimizer: Literal["adamw", "muon"] = "muon"
    block_size: PositiveInt = 256
    """Tokens of a block, which documents are packed into, one after the other."""
    batch_size: PositiveInt = 4
    phases: tuple[Phase, ...] = ()
    """In their order; empty is one phase over the files that the command names."""


MODELS: Mapping[Kind, type[TrainSettings]] = {
    "sft": SftSettings,
    "rl": RlSettings,
    "pretrain": PretrainSettings,
}
_Settings = TypeVar("_Settings", bound=TrainSettings)


def load(
    model: type[_Settings],
    section: Mapping[str, object],
    flags: Mapping[str, object] | None = None,
) -> _Settings:
    """The settings of a trainer, from the section `train` and the flags of the verb.

    `section` is `Settings.train`: dotted keys without `train.`. A flag that is None was not given.

    Raises:
        ConfigError: an unknown key, or a value that is none; one line.
    """
    tree: dict[str, object] = {}
    trl: dict[str, JsonValue] = {}
    for scope in ("", f"{model.kind}."):
        for key, value in section.items():
            _check(key)
            if not key.startswith(scope) or (not scope and key.partition(".")[0] in MODELS):
                continue
            leaf = key.removeprefix(scope)
            if leaf.startswith("trl."):
                trl[leaf.removeprefix("trl.")] = _parsed(value)
            elif leaf in model.model_fields:
                tree[leaf] = _parsed(value)
    tree |= {name: value for name, value in (flags or {}).items() if value is not None}
    if trl:
        tree["trl"] = trl
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        said = first["msg"][:1].lower() + first["msg"][1:]
        key = ".".join(map(str, first["loc"]))
        raise ConfigError(f"train.{key}: {said}, not {first['input']!r}") from None


def sources(settings: TrainSettings, named: Sequence[str]) -> tuple[str, ...]:
    """All files and datasets that a training reads: those named, and those of its phases."""
    phases = settings.phases if isinstance(settings, PretrainSettings) else ()
    of_phases = [source for phase in phases for source in phase.data]
    return tuple(dict.fromkeys([*named, *of_phases]))


def _check(key: str) -> None:
    """Refuses a key that no trainer has; one that only another trainer has is not for us."""
    scope, dot, leaf = key.partition(".")
    own = [model for kind, model in MODELS.items() if dot and kind == scope]
    models = own or list(MODELS.values())
    leaf = leaf if own else key
    if leaf.startswith("trl.") and leaf != "trl.":
        return
    known = sorted({name for model in models for name in model.model_fields})
    if leaf in known and leaf != "trl":
        return
    near = difflib.get_close_matches(leaf, known, n=1)
    hint = f"did you mean train.{near[0]}?" if near else f"there are: {', '.join(known)}"
    raise ConfigError(f"unknown key 'train.{key}': {hint}")


def _parsed(value: object) -> JsonValue:
    """The text of `--set` as what it says: a number, a boolean, a list; else as it is.

    >>> _parsed("1e-5"), _parsed("true"), _parsed("none"), _parsed("cosine"), _parsed("[1, 2]")
    (1e-05, True, None, 'cosine', [1, 2])
    """
    if not isinstance(value, str):
        return value  # pyright: ignore[reportReturnType]
    if value.lower() == "none":
        return None
    try:
        found: JsonValue = json.loads(
            value.lower() if value.lower() in ("true", "false") else value
        )
    except ValueError:
        return value
    return found
