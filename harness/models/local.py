"""A checkpoint run in this process, with transformers: CPU, CUDA or Apple's MPS.

    model = LocalModel(located, settings)
    for reply in model.replies(requests): ...

For machines without vLLM, and for models so small that its start doesn't pay. The loop is
decoding.py's. The model is loaded at the first request; an adapter is merged into its base.

Not here: serving, quantization, more than one device (server.py does those).
"""

import os
from collections.abc import Iterable, Iterator
from functools import cached_property
from importlib import import_module
from typing import Any, cast

from harness.config import Settings
from harness.errors import DataError, ModelError, UserError
from harness.models.checkpoints import Located, config_of
from harness.models.decoding import Decoder, Row
from harness.models.protocol import Key, Reply, Request
from harness.models.tokens import Tokens
from harness.prompts import Style, detect
from harness.records import Benchmark, Checkpoint, Generation

MAX_TOKENS = 768
"""EvalPlus's limit of a reply."""
_MAX_ROWS = {"cpu": 128, "cuda": 256, "mps": 64}
_CACHE_SHARE = 0.3
"""Of the free memory, for the KV cache."""


def style_of(tokens: Tokens, settings: Settings) -> Style:
    """The form of the prompts, by the checkpoint's template and the user's settings."""
    asked = settings.prompt
    if (asked.think_open is None) != (asked.think_close is None):
        raise UserError("prompt.think_open and prompt.think_close go together: set both")
    marks = (asked.think_open, asked.think_close)
    return detect(
        tokens.tokenizer,
        system=asked.system,
        chat=asked.chat,
        form=asked.form,
        marks=(marks[0], marks[1]) if marks[0] and marks[1] else None,
    )


def dtype_of(located: Located, settings: Settings) -> str:
    """The precision that is asked for, or the checkpoint's own."""
    if settings.model.dtype != "auto":
        return settings.model.dtype
    assert located.path is not None
    config = config_of(located.path)
    own = config.get("dtype") or config.get("torch_dtype")
    return own if own in ("float32", "bfloat16", "float16") else "bfloat16"


def generation_of(
    engine: str, style: Style, settings: Settings, *, room: int | None, dtype: str | None
) -> Generation:
    """How samples are written, with all defaults resolved."""
    sampling = settings.sampling
    thinking = sampling.thinking_tokens if style.marks else 0
    greedy = sampling.temperature == 0
    top_p = sampling.top_p if sampling.top_p is not None else 1.0 if greedy else 0.95
    effort = settings.model.reasoning_effort
    return Generation.model_validate(
        {
            "engine": engine,
            "dtype": dtype,
            "quantization": settings.model.quantization if engine == "vllm" else None,
            "prompt_form": style.form,
            "system": style.system,
            "think_marks": style.marks,
            "max_tokens": sampling.max_tokens or MAX_TOKENS + thinking,
            "max_model_len": room,
            "temperature": sampling.temperature,
            "top_p": top_p,
            "seed": sampling.seed,
            "extra": {"reasoning_effort": effort} if effort and engine == "endpoint" else {},
        }
    )


class LocalModel:
    """See `protocol.Model`."""

    def __init__(self, located: Located, settings: Settings) -> None:
        """Reads the tokenizer; the weights are read when they are needed.

        Raises:
            UserError: transformers or torch is missing, or the tokenizer can't be read.
        """
        if settings.model.quantization is not None:
            raise UserError("model.quantization is vLLM's: --set model.engine=vllm")
        self._located = located
        self._settings = settings
        self._tokens = Tokens(located)
        self._room = self._tokens.max_model_len(settings.model.max_len)
        self._dtype = dtype_of(located, settings)
        self.style = style_of(self._tokens, settings)
        self.generation = generation_of(
            "local", self.style, settings, room=self._room, dtype=self._dtype
        )

    @property
    def checkpoint(self) -> Checkpoint:
        return self._located.checkpoint

    @property
    def versions(self) -> dict[str, str]:
        return versions_of("torch", "transformers")

    def requests(self, benchmark: Benchmark, keys: Iterable[Key]) -> Iterator[Request]:
        """See `protocol.Model`."""
        return self._tokens.requests(
            benchmark, keys, self.style, seed=self.generation.seed, room=self._room
        )

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """See `protocol.Model`. The longest prompts come first."""
        _ = self._model  # before the requests, which may be waiting for something themselves
        rows = [self._row(request) for request in requests]
        if not rows:
            return
        torch: Any = import_module("torch")
        longest = max(len(row.ids) + row.max_new for row in rows)
        decoder = Decoder(
            self._model,
            eos=self._tokens.eos,
            pad=self._tokens.pad,
            decode=self._decode_all,
            batch_size=self._settings.model.batch_size or self._rows_that_fit(longest),
            temperature=self.generation.temperature,
            top_p=self.generation.top_p,
        )
        try:
            for row in decoder.run(rows):
                yield self._reply(row)
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise ModelError(
                f"out of memory ({str(error).splitlines()[0][:120]}): "
                "what came is kept; go on with a smaller --set model.batch_size"
            ) from None

    def _row(self, request: Request) -> Row:
        ids = self._tokens.encode(request.prompt, self.style)
        max_new = min(self.generation.max_tokens, self._room - len(ids))
        return Row(ids, max_new, seed=request.seed, stops=request.prompt.stops, tag=request.key)

    def _decode_all(self, rows: Iterable[Iterable[int]]) -> list[str]:
        return self._tokens.tokenizer.batch_decode(
            [list(row) for row in rows], clean_up_tokenization_spaces=False
        )

    def _reply(self, row: Row) -> Reply:
        assert row.finish is not None
        text = self._tokens.decode(row.new, self.style.marks)
        if row.stopped_by is not None:
            text = text.partition(row.stopped_by)[0]
        return Reply(
            key=cast(Key, row.tag),
            text=text,
            finish_reason=row.finish,
            num_tokens_in=len(row.ids),
            num_tokens_out=len(row.new),
            elapsed_s=round(row.elapsed_s, 3),
            token_ids=tuple(row.new),
        )

    @cached_property
    def _model(self) -> Any:
        torch: Any = import_module("torch")
        transformers: Any = import_module("transformers")
        device = (
            "cuda"
            if torch.cuda.is_available()
            else "mps"
            if torch.backends.mps.is_available()
            else "cpu"
        )
        folder = str(self._located.path)
        dtype = getattr(torch, self._dtype)
        transformers.utils.logging.disable_progress_bar()
        try:
            model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
            if self._located.adapter is not None:
                model = _merged(model, str(self._located.adapter))
        except torch.OutOfMemoryError:
            raise UserError(f"{folder} does not fit into the memory of this {device}") from None
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            said = str(error).strip().splitlines()[0][:200]
            raise DataError(f"{folder} can't be loaded: {said}") from None
        # Training leaves `use_cache` off in the configuration.
        model.config.use_cache = True
        return model.to(device).eval()

    def _rows_that_fit(self, longest: int) -> int:
        """Rows whose KV caches fit into a share of the free memory."""
        torch: Any = import_module("torch")
        config = self._model.config.get_text_config(decoder=True)
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        width = getattr(config, "head_dim", None) or (
            config.hidden_size // config.num_attention_heads
        )
        num_bytes = torch.finfo(self._model.dtype).bits // 8
        row_bytes = 2 * config.num_hidden_layers * heads * width * num_bytes * longest
        device = self._model.device.type
        free = torch.cuda.mem_get_info()[0] if device == "cuda" else _free_bytes()
        # Twice: dropping and joining rows copies the cache.
        fitting = int(_CACHE_SHARE * free / (2 * row_bytes))
        return max(1, min(_MAX_ROWS.get(device, 64), fitting))


def _merged(model: Any, adapter: str) -> Any:
    try:
        peft: Any = import_module("peft")
    except ModuleNotFoundError:
        raise UserError("an adapter needs peft: pip install 'code-harness[train]'") from None
    return peft.PeftModel.from_pretrained(model, adapter).merge_and_unload()


def _free_bytes() -> int:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return 4 << 30


def versions_of(*names: str) -> dict[str, str]:
    """The installed versions of these distributions, of those that are installed."""
    import importlib.metadata

    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
