"""The settings: one frozen tree, and the four places that they come from.

    defaults  <  harness.toml  <  HARNESS_* variables  <  --set a.b=c  <  flags

    HARNESS_HOME=/runs HARNESS_SANDBOX__WORKERS=4 harness eval samples.jsonl --set eval.limit=20

A setting is named by its dotted key everywhere: `sandbox.workers` is `workers` in the table
`[sandbox]` of the file and `HARNESS_SANDBOX__WORKERS` in the environment. Relative paths are
relative to the working directory, wherever they were written.

Not here: what a run's verdicts depend on (`records.RunConfig`, whose `identity()` resume
compares); all settings below are operational but `grading.profile`, the two `extraction`, and
what `model`, `sampling` and `prompt` say of the replies, which end up in it, resolved. There is no global settings object: pass the leaf.
"""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, TypeAlias, cast, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, ValidationError
from pydantic.fields import FieldInfo

from harness.errors import ConfigError
from sandboxes.image import DEFAULT_BASE

DEFAULT_FILE = Path("harness.toml")
ENV_PREFIX = "HARNESS_"

HomePath = Annotated[Path, AfterValidator(Path.expanduser)]
"""A path in which a leading `~` is the user's home: files and variables see no shell."""


def _default_cache(env: Mapping[str, str] = os.environ) -> Path:
    return Path(env.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "code-harness"


class Section(BaseModel):
    """Base of the tree: frozen, strict about unknown keys, documented field by field."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class SandboxSettings(Section):
    """Where programs that nobody trusts are run."""

    kind: Literal["auto", "container", "namespaces", "plain"] = "auto"
    """Isolation: containers (Docker, Podman), Linux namespaces, or plain processes; `auto` takes
    containers where an engine answers, else namespaces."""
    workers: PositiveInt | None = None
    """Programs at a time; None is the number of cores."""
    base_image: str = DEFAULT_BASE
    """What the image of the containers is built from: anything with python3 and pip."""
    wheels: HomePath | None = None
    """A folder of wheels for that build, where it has no network."""
    runtime: str | None = None
    """Another OCI runtime that the engine knows: `runsc` (gVisor), `kata`."""
    memory_mb: PositiveInt | None = None
    """Of one container, with all that runs in it; None is 16 GiB, or 0.9 of the machine's."""
    allow_plain: bool = False
    """Whether `auto` may fall back to plain processes, which are no isolation."""


class GradingSettings(Section):
    """How verdicts are reached."""

    profile: str | None = None
    """Name of the grading profile; None is the benchmark's own."""


class ReplaySettings(Section):
    """How a samples file is read."""

    extraction: Literal["auto", "none", "harness", "evalplus"] = "auto"
    """Whether code is taken out of the replies, and by whom; `auto` decides by the file's fields."""


class ModelSettings(Section):
    """Who writes the replies, and on what. Verdicts depend on most of it."""

    engine: Literal["auto", "vllm", "local"] = "auto"
    """What runs a model on this machine; `auto` is vLLM where it pays."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Of weights and arithmetic; `auto` is the checkpoint's own."""
    quantization: str | None = None
    """vLLM's name of a method that is applied on loading, as in `fp8`."""
    max_len: PositiveInt | None = None
    """Tokens of prompt and reply together; None is what the model was made for."""
    batch_size: PositiveInt | None = None
    """Rows at a time of `local`; None is what fits."""
    tensor_parallel: PositiveInt = 1
    """GPUs that share one copy of the model."""
    data_parallel: PositiveInt = 1
    """Copies of the model."""
    gpu_memory: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Share of a GPU's memory that vLLM may take."""
    cpu_cache_gb: PositiveInt | None = None
    """GiB for vLLM's KV cache on a CPU; None is a quarter of what is free, 8 at most."""
    start_timeout_s: Annotated[float, Field(gt=0)] = 1800.0
    """What the start of a server may take, a download of kernels included."""
    concurrency: PositiveInt = 64
    """Requests at a time."""
    timeout_s: Annotated[float, Field(gt=0)] = 600.0
    """What one request may take, retries not included."""
    retries: Annotated[int, Field(ge=0)] = 8
    """How often a request is repeated that failed for no fault of its own."""
    api: Literal["auto", "chat", "completions"] = "auto"
    """How an endpoint is asked; `auto` is chat, unless --no-chat."""
    prices: HomePath | None = None
    """A TOML file: a table a model, with `input` and `output` per million tokens."""
    reasoning_effort: str | None = None
    """Sent to an endpoint as it is."""


class SamplingSettings(Section):
    """How replies are drawn. Verdicts depend on all of it."""

    temperature: Annotated[float, Field(ge=0)] = 0.0
    """0 is greedy."""
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    """None is 0.95 where samples are drawn and 1 where decoding is greedy, as in EvalPlus."""
    max_tokens: PositiveInt | None = None
    """Of a reply; None is 768, and `thinking_tokens` more where the model thinks."""
    thinking_tokens: Annotated[int, Field(ge=0)] = 8192
    """What a thinking model may take for it."""
    seed: int = 0
    """Every sample's own seed is made of it."""


class PromptSettings(Section):
    """What a model is asked. Verdicts depend on all of it."""

    system: str | None = None
    """A system message; None is none of ours."""
    chat: bool = True
    """Whether the chat template is used where there is one."""
    form: Literal["base", "prefill", "plain"] | None = None
    """Insists on a form; None is what the template allows."""
    think_open: str | None = None
    """The mark before thinking; None is what the template shows."""
    think_close: str | None = None
    """The mark behind it."""


class EvalSettings(Section):
    """How much is measured."""

    num_samples: PositiveInt | None = None
    """Samples a problem; None is all that there are."""
    limit: PositiveInt | None = None
    """Only the first so many problems; None is all."""
    type: str | None = None
    """Only problems of this type, or of these with commas between; None is all."""
    max_unscored: Annotated[int, Field(ge=0)] = 0
    """Unscored samples that are borne before the run counts as incomplete (exit 4)."""
    name: str | None = None
    """The checkpoint's name on screens and on the board; None is its folder's or repository's."""
    generate_only: bool = False
    """Whether samples are written and not graded: `harness regrade` does that, here or elsewhere."""
    extraction: Literal["harness", "evalplus"] = "harness"
    """Who takes the code out of replies that a model writes for us."""


class DisplaySettings(Section):
    """What is said on the screen."""

    color: Literal["auto", "always", "never"] = "auto"
    """`auto`: on a terminal, unless NO_COLOR is set."""
    verbosity: Literal["quiet", "normal", "verbose"] = "normal"
    """One setting, so that `-v` and a file's `quiet` can't contradict one another."""


class Settings(Section):
    """All settings of one invocation."""

    home: HomePath = Path("harness-out")
    """Where runs are kept."""
    data: HomePath | None = None
    """The folder of benchmark files."""
    cache: HomePath = Field(default_factory=_default_cache)
    """What can be made again; by default `code-harness` in XDG_CACHE_HOME or ~/.cache."""
    sandbox: SandboxSettings = SandboxSettings()
    grading: GradingSettings = GradingSettings()
    replay: ReplaySettings = ReplaySettings()
    model: ModelSettings = ModelSettings()
    sampling: SamplingSettings = SamplingSettings()
    prompt: PromptSettings = PromptSettings()
    eval: EvalSettings = EvalSettings()
    display: DisplaySettings = DisplaySettings()


class _Origin(NamedTuple):
    """One value, and where the user wrote it: what an error message needs."""

    value: object
    source: str


_Table: TypeAlias = dict[str, object]

FLAGS = {
    "eval.num_samples": "-n",
    "sandbox.kind": "--sandbox",
    "display.color": "--no-color",
    "display.verbosity": "-q/-v",
    "prompt.chat": "--no-chat",
    "model.engine": "--engine",
}
"""Flags that aren't called like the last word of their key."""


def load(
    *,
    config_file: Path | None = None,
    overrides: Mapping[str, object] | None = None,
    sets: Sequence[str] = (),
    env: Mapping[str, str] = os.environ,
) -> Settings:
    """The settings of this invocation.

    `config_file` is read when given, else `harness.toml` where the working directory has one.
    `sets` are the texts of `--set`, as in `sandbox.workers=4`; `overrides` are flags by dotted
    key, where None is a flag that was not given. In variables and `--set`, `none` clears a
    setting that may be None, and an empty variable is one that is not set.

    Raises:
        ConfigError: one line with the source, the key and what is wrong with it.
    """
    origins: dict[str, _Origin] = {}
    origins |= _from_file(config_file)
    origins |= _from_env(env)
    origins |= _from_sets(sets)
    origins |= _from_flags(overrides or {})

    tree: _Table = {"cache": _default_cache(env)}
    for key, origin in origins.items():
        section, _, leaf = key.rpartition(".")
        if section:
            cast(_Table, tree.setdefault(section, {}))[leaf] = origin.value
        else:
            tree[leaf] = origin.value
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"][:2])
        key = key if key in origins else str(first["loc"][0])
        source = origins[key].source if key in origins else "defaults"
        said = first["msg"][:1].lower() + first["msg"][1:]
        raise ConfigError(f"{source}: {key}: {said}, not {first['input']!r}") from None


def _leaves() -> Iterator[tuple[str, FieldInfo]]:
    for name, branch in Settings.model_fields.items():
        if isinstance(branch.annotation, type) and issubclass(branch.annotation, Section):
            for leaf, field in branch.annotation.model_fields.items():
                yield f"{name}.{leaf}", field
        else:
            yield name, branch


KEYS: Mapping[str, FieldInfo] = dict(_leaves())
"""Every setting by its dotted key."""


def _check_key(key: str, source: str) -> None:
    if key in KEYS:
        return
    inside = [known for known in KEYS if known.startswith(f"{key}.")]
    if inside:
        raise ConfigError(f"{source}: {key!r} is a section; its keys are {', '.join(inside)}")
    # `workers` alone is as likely as `sandbox.wrokers`: look among the last words as well.
    last_words = {known.rpartition(".")[2]: known for known in KEYS}
    near = difflib.get_close_matches(key, KEYS, n=1) or [
        last_words[word] for word in difflib.get_close_matches(key, last_words, n=1)
    ]
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(KEYS)}"
    raise ConfigError(f"{source}: unknown key {key!r}: {hint}")


def _parse(key: str, text: str) -> str | None:
    """The text of a variable or of `--set`; pydantic turns it into numbers and booleans."""
    may_be_none = type(None) in get_args(KEYS[key].annotation)
    return None if may_be_none and text.lower() == "none" else text


def _from_file(config_file: Path | None) -> dict[str, _Origin]:
    path = config_file or DEFAULT_FILE
    if config_file is None and not path.exists():
        return {}
    try:
        tree: _Table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from None
    origins: dict[str, _Origin] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            leaves = {f"{name}.{leaf}": inner for leaf, inner in cast(_Table, value).items()}
        else:
            leaves = {name: value}
        for key, leaf_value in leaves.items():
            _check_key(key, str(path))
            origins[key] = _Origin(leaf_value, str(path))
    return origins


def _from_env(env: Mapping[str, str]) -> dict[str, _Origin]:
    origins: dict[str, _Origin] = {}
    sections = {key.partition(".")[0] for key in KEYS if "." in key}
    for variable, text in sorted(env.items()):
        key = variable.removeprefix(ENV_PREFIX).lower().replace("__", ".")
        if not variable.startswith(ENV_PREFIX) or not text:
            continue
        # HARNESS_PARITY, and whatever CI product calls itself Harness: other people's names.
        # A double underscore or the name of a section is meant for us.
        if key not in KEYS and "." not in key and key not in sections:
            continue
        _check_key(key, variable)
        origins[key] = _Origin(_parse(key, text), variable)
    return origins


def _from_sets(sets: Sequence[str]) -> dict[str, _Origin]:
    origins: dict[str, _Origin] = {}
    for assignment in sets:
        source = f"--set {assignment}"
        key, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError(f"{source}: write it as key=value, as in --set sandbox.workers=4")
        _check_key(key.strip(), source)
        origins[key.strip()] = _Origin(_parse(key.strip(), text.strip()), source)
    return origins


def _from_flags(overrides: Mapping[str, object]) -> dict[str, _Origin]:
    origins: dict[str, _Origin] = {}
    for key, value in overrides.items():
        assert key in KEYS, f"a flag for no setting: {key}"
        flag = FLAGS.get(key, "--" + key.rpartition(".")[2].replace("_", "-"))
        if value is not None:
            origins[key] = _Origin(value, flag)
    return origins
