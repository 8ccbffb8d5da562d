"""A checkpoint's tokenizer: prompts to token ids, token ids to what the model wrote.

Both engines on this machine go through here, so that they are asked the very same tokens. Chat
templates write their own special tokens, so none are added to them (EvalPlus lets the tokenizer
add a second beginning-of-text there; that is not copied).

Not here: which form a prompt has (prompts.py).
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from harness.errors import DataError, UserError
from harness.models.checkpoints import Located, config_of
from harness.models.protocol import Key, Request
from harness.prompts import Prompt, Style
from harness.records import Benchmark, content_sha256


class Tokens:
    """The tokenizer of a model's folder, or of its adapter's where that has one."""

    def __init__(self, located: Located) -> None:
        """Loads it; takes seconds, since it imports transformers.

        Raises:
            UserError: transformers is not installed.
            DataError: the files are no tokenizer that it can read.
        """
        assert located.path is not None
        self.folder = located.path
        if located.adapter is not None and any(located.adapter.glob("tokenizer_config.json")):
            self.folder = located.adapter
        self._model_folder = located.path
        self.tokenizer = _load(self.folder)

    def encode(self, prompt: Prompt, style: Style) -> list[int]:
        """The tokens of a prompt."""
        assert prompt.text is not None
        return self.tokenizer.encode(prompt.text, add_special_tokens=style.form == "base")

    def decode(self, ids: Sequence[int], marks: tuple[str, str] | None = None) -> str:
        """What these tokens say, without special tokens, but with the marks of thinking."""
        hidden = self._special_ids
        if marks is not None:
            hidden = hidden - self._ids_in(marks)
        shown = [token for token in ids if token not in hidden]
        return self.tokenizer.decode(
            shown, skip_special_tokens=False, clean_up_tokenization_spaces=False
        )

    def _ids_in(self, marks: tuple[str, str]) -> frozenset[int]:
        return frozenset(
            token for mark in marks for token in self.tokenizer.encode(mark, add_special_tokens=False)
        )  # fmt: skip

    @cached_property
    def _special_ids(self) -> frozenset[int]:
        return frozenset(self.tokenizer.all_special_ids) | frozenset(
            token for token, added in self.tokenizer.added_tokens_decoder.items() if added.special
        )

    @cached_property
    def eos(self) -> frozenset[int]:
        """The tokens that end a reply: the tokenizer's, and the configuration's."""
        found: set[int] = set()
        if self.tokenizer.eos_token_id is not None:
            found.add(int(self.tokenizer.eos_token_id))
        ids: object
        for name in ("generation_config.json", "config.json"):
            try:
                fields = json.loads((self._model_folder / name).read_text("utf-8"))
            except (OSError, ValueError):
                continue
            ids = fields.get("eos_token_id")
            listed = cast(list[object], ids) if isinstance(ids, list) else [ids]
            found.update(token for token in listed if isinstance(token, int))
        return frozenset(found)

    @cached_property
    def pad(self) -> int:
        """A token for places that are masked."""
        found = self.tokenizer.pad_token_id
        return int(found) if found is not None else min(self.eos, default=0)

    def max_model_len(self, asked: int | None) -> int:
        """Tokens of prompt and reply together: what was asked, else what the model was made for."""
        config = config_of(self._model_folder)
        inner = config.get("text_config")
        if "max_position_embeddings" not in config and isinstance(inner, dict):
            config = cast(dict[str, object], inner)
        known = config.get("max_position_embeddings")
        most = known if isinstance(known, int) else 1 << 20
        if asked is not None and asked > most:
            raise UserError(f"model.max_len={asked}: the model takes {most} tokens at most")
        return asked or most

    def requests(
        self, benchmark: Benchmark, keys: Iterable[Key], style: Style, *, seed: int, room: int
    ) -> Iterator[Request]:
        """The requests for these samples; `room` is the model's length.

        Raises:
            UserError: a prompt leaves no room for a reply.
        """
        problems = {problem.id: problem for problem in benchmark}
        prompts: dict[str, Prompt] = {}
        for problem_id, index in keys:
            if problem_id not in prompts:
                prompt = style.prompt(problems[problem_id], self.tokenizer)
                num_tokens = len(self.encode(prompt, style))
                if num_tokens >= room:
                    raise UserError(
                        f"{problems[problem_id].task_id}: its prompt has {num_tokens} tokens and the model takes "
                        f"{room}, prompt and reply together: leave it out, or raise model.max_len"
                    )
                prompts[problem_id] = prompt
            key = problem_id, index
            yield Request(key, prompts[problem_id], sample_seed(seed, key))


def sample_seed(seed: int, key: Key) -> int:
    """The seed of one sample: it depends on nothing but these, so runs can be extended.

    >>> sample_seed(0, ("sanity/sanity/f", 0)) == sample_seed(0, ("sanity/sanity/f", 0))
    True
    """
    return int(content_sha256([seed, *key])[:8], 16) & 0x7FFFFFFF


def _load(folder: Path) -> Any:
    # Two threads of torch beside another busy process spin, and burn many times the CPU.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        transformers: Any = import_module("transformers")
    except ModuleNotFoundError:
        raise UserError(
            "running a model here needs the extra `local`: pip install 'code-harness[local]'"
        ) from None
    try:
        return transformers.AutoTokenizer.from_pretrained(str(folder))
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = str(error).strip().splitlines()[0][:200] if str(error).strip() else repr(error)
        raise DataError(f"{folder}: its tokenizer can't be read: {said}") from None
