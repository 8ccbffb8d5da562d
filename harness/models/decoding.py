"""Many prompts continued at once on a transformers model: the loop behind local.py.

    for row in Decoder(model, ...).run(rows): ...

What makes it faster than `model.generate` in fixed batches: rows that are finished leave the
batch, waiting prompts take their places, prompts of like length are read together, and the KV
cache is written in place instead of being copied for every token.

All rows share one clock: the newest token of each is in the last column of the cache, and what
is left of a row's first token is masked. So a row may join at any time: its cache is padded on
the left. Models with other caches (sliding windows, recurrent states) are run the plain way:
whole batches, from which finished rows still leave.

A sampled token depends on the row's seed and on how many tokens came before, not on the batch.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any, Literal, TypeAlias

Tensor: TypeAlias = Any
_GROW = 128
"""Columns by which a full cache grows."""
_PREFILL_TOKENS = 8192
"""Prompt tokens that are read in one go: what a forward pass may take of memory."""
_JOIN_AT = 0.25
"""Share of free places from which on waiting rows are read: joining copies the cache."""


@dataclass(slots=True, eq=False)
class Row:
    """One prompt, and what came of it."""

    ids: Sequence[int]
    max_new: int
    seed: int = 0
    stops: tuple[str, ...] = ()
    tag: object = None
    """The caller's own."""
    new: list[int] = field(default_factory=list[int])
    """The tokens that were written, without the one that ended it."""
    finish: Literal["stop", "length"] | None = None
    ended_by: int | None = None
    """The token that ended it, where one did."""
    stopped_by: str | None = None
    """The textual stop that ended it."""
    started_at: float = 0.0
    elapsed_s: float = 0.0


class Decoder:
    """`temperature` 0 is greedy. `decode` turns tokens into text, for textual stops."""

    def __init__(
        self,
        model: Any,
        *,
        eos: frozenset[int],
        pad: int,
        decode: Callable[[Sequence[Sequence[int]]], list[str]],
        batch_size: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
    ) -> None:
        self._model = model
        self._eos = eos
        self._pad = pad
        self._decode = decode
        self._batch_size = batch_size
        self._temperature = temperature
        self._top_p = top_p
        self._joins = all(_is_plain(layer) for layer in _new_cache(model.config).layers)
        self._endings: dict[int, str] = {}
        """What a token says, as far as it was asked."""

    def run(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Each row when it is finished. The longest prompts come first."""
        torch: Any = import_module("torch")
        waiting = deque(sorted(rows, key=lambda row: -len(row.ids)))
        batch: _Batch | None = None
        while waiting or batch is not None:
            num_active = len(batch.rows) if batch else 0
            num_free = self._batch_size - num_active
            may_join = self._joins or batch is None
            if waiting and may_join and num_free >= max(1, int(_JOIN_AT * self._batch_size)):
                with torch.inference_mode():
                    joined, finished = self._read(self._take(waiting, num_free))
                    batch = joined if batch is None else _merged(batch, joined)
                yield from finished
                if not batch.rows:
                    batch = None
                continue
            assert batch is not None
            with torch.inference_mode():
                finished = self._step(batch)
                batch.drop()
            yield from finished
            if batch.num_active == 0:
                batch = None

    def _take(self, waiting: "deque[Row]", num_free: int) -> list[Row]:
        width = len(waiting[0].ids)
        most = max(1, min(num_free, _PREFILL_TOKENS // max(1, width)))
        now = time.monotonic()
        taken = [waiting.popleft() for _ in range(min(most, len(waiting)))]
        for row in taken:
            row.started_at = now
        return taken

    def _read(self, rows: list[Row]) -> "tuple[_Batch, list[Row]]":
        """Prompts read, and their first tokens written."""
        torch: Any = import_module("torch")
        device = self._model.device
        width = max(len(row.ids) for row in rows)
        ids = torch.tensor(
            [[self._pad] * (width - len(row.ids)) + list(row.ids) for row in rows], device=device
        )
        lengths = torch.tensor([len(row.ids) for row in rows], device=device)
        columns = torch.arange(width, device=device)[None, :]
        mask = (columns >= width - lengths[:, None]).long()
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        kv = _new_cache(self._model.config)
        logits = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=kv,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        batch = _Batch(rows, kv, mask, lengths)
        finished = self._advance(batch, logits)
        batch.drop(force=True)
        return batch, finished

    def _step(self, batch: "_Batch") -> list[Row]:
        torch: Any = import_module("torch")
        ones = torch.ones_like(batch.mask[:, :1])
        batch.mask = torch.cat([batch.mask, ones], dim=1)
        logits = self._model(
            input_ids=batch.last[:, None],
            attention_mask=batch.mask,
            position_ids=batch.positions[:, None],
            past_key_values=batch.kv,
            use_cache=True,
        ).logits[:, -1]
        batch.positions += 1
        return self._advance(batch, logits)

    def _advance(self, batch: "_Batch", logits: Tensor) -> list[Row]:
        """A token to each row that is still at it; those that are finished by it."""
        batch.last = self._choose(logits.float(), batch.rows)
        tokens: list[int] = batch.last.tolist()
        finished: list[Row] = []
        doubtful: list[Row] = []
        for row, token in zip(batch.rows, tokens, strict=True):
            if row.finish is not None:
                continue
            if token in self._eos:
                row.finish = "stop"
                row.ended_by = token
                finished.append(row)
                continue
            row.new.append(token)
            if row.stops and self._may_end(token, row.stops):
                doubtful.append(row)
        if doubtful:
            tails = self._decode([row.new[-_tail(row.stops) :] for row in doubtful])
            for row, tail in zip(doubtful, tails, strict=True):
                found = [stop for stop in row.stops if stop in tail]
                if found:
                    row.finish = "stop"
                    row.stopped_by = min(found, key=tail.index)
                    finished.append(row)
        now = time.monotonic()
        for row in batch.rows:
            if row.finish is None and len(row.new) >= row.max_new:
                row.finish = "length"
                finished.append(row)
        for row in finished:
            row.elapsed_s = now - row.started_at
        return finished

    def _may_end(self, token: int, stops: tuple[str, ...]) -> bool:
        """Whether the token holds the last character of a stop: a sieve before decoding."""
        said = self._endings.get(token)
        if said is None:
            said = self._endings[token] = self._decode([[token]])[0]
        return any(stop[-1] in said for stop in stops)

    def _choose(self, logits: Tensor, rows: Sequence[Row]) -> Tensor:
        torch: Any = import_module("torch")
        if self._temperature == 0:
            return logits.argmax(-1)
        probabilities, order = torch.softmax(logits / self._temperature, -1).sort(
            -1, descending=True
        )
        reached = probabilities.cumsum(-1)
        # Kept are the most likely tokens up to the first that reaches top_p.
        kept = (reached - probabilities < self._top_p).sum(-1, keepdim=True)
        total = reached.gather(-1, kept - 1)
        draws = [[_uniform(row.seed, len(row.new))] for row in rows]
        at = torch.tensor(draws, device=logits.device, dtype=reached.dtype) * total
        place = torch.minimum(torch.searchsorted(reached, at, right=True), kept - 1)
        return order.gather(-1, place)[:, 0]


def _uniform(seed: int, step: int) -> float:
    """A number in [0, 1) by the SplitMix64 mixer: the same on every machine, in any batch.

    >>> _uniform(1, 2) == _uniform(1, 2), 0 <= _uniform(5, 6) < 1
    (True, True)
    """
    mask = (1 << 64) - 1
    x = ((seed << 32) + step + 1) * 0x9E3779B97F4A7C15 & mask
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & mask
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & mask
    return ((x ^ (x >> 31)) >> 11) / (1 << 53)


def _tail(stops: tuple[str, ...]) -> int:
    """Tokens that surely hold the longest stop: each says at least a byte."""
    return max(len(stop) for stop in stops) + 2


class _Batch:
    """Rows on their way, with one cache."""

    def __init__(self, rows: list[Row], kv: Any, mask: Tensor, lengths: Tensor) -> None:
        self.rows = rows
        self.kv = kv
        self.mask = mask
        """Row × column of the cache; 0 where the column is before the row's first token."""
        self.positions = lengths.clone()
        """Of the token that comes next."""
        self.last: Tensor = None
        """The tokens that were written last, which the cache does not hold yet."""

    @property
    def num_active(self) -> int:
        return sum(row.finish is None for row in self.rows)

    def drop(self, *, force: bool = False) -> None:
        """Lets go of finished rows: at once, or when they are worth copying the cache."""
        torch: Any = import_module("torch")
        kept = [number for number, row in enumerate(self.rows) if row.finish is None]
        num_finished = len(self.rows) - len(kept)
        if not kept:
            self.rows = []
        if not kept or not num_finished or (8 * num_finished < len(self.rows) and not force):
            return
        index = torch.tensor(kept, device=self.mask.device)
        self.rows = [self.rows[number] for number in kept]
        self.mask = self.mask[index]
        self.positions = self.positions[index]
        self.last = self.last[index]
        # Columns that nobody needs any more go too.
        start = int(self.mask.any(0).int().argmax()) if _can_cut(self.kv) else 0
        self.mask = self.mask[:, start:]
        for layer in self.kv.layers:
            if _is_plain(layer):
                layer.select(index, start)
            else:
                layer.batch_select_indices(index)


def _merged(old: _Batch, new: _Batch) -> _Batch:
    """Both batches as one: the shorter cache is padded on the left."""
    torch: Any = import_module("torch")
    if not new.rows:
        return old
    old.drop(force=True)
    if not old.rows:
        return new
    width = max(old.mask.shape[1], new.mask.shape[1])
    pads = [width - batch.mask.shape[1] for batch in (old, new)]
    padded = torch.nn.functional.pad
    for layer, joining in zip(old.kv.layers, new.kv.layers, strict=True):
        layer.join(joining, *pads)
    old.rows = old.rows + new.rows
    old.mask = torch.cat([padded(b.mask, (p, 0)) for b, p in zip((old, new), pads, strict=True)])
    old.positions = torch.cat([old.positions, new.positions])
    old.last = torch.cat([old.last, new.last])
    return old


def _new_cache(config: Any) -> Any:
    """A cache for the model, its plain layers with room to be written in place."""
    transformers: Any = import_module("transformers")
    kv = transformers.DynamicCache(config=config)
    plain = import_module("transformers.cache_utils").DynamicLayer
    kv.layers = [_roomy()() if type(layer) is plain else layer for layer in kv.layers]
    return kv


def _is_plain(layer: Any) -> bool:
    return isinstance(layer, _roomy())


def _can_cut(kv: Any) -> bool:
    return all(_is_plain(layer) for layer in kv.layers)


@cache
def _roomy() -> Any:
    """The class of a cache layer that is written in place; made here, since it needs its base."""
    base: Any = import_module("transformers.cache_utils").DynamicLayer

    class Roomy(base):
        """`keys` and `values` are views of larger tensors, batch × heads × columns × width."""

        def update(self, key_states: Tensor, value_states: Tensor, *_: object, **__: object):
            if not self.is_initialized:
                self.lazy_initialization(key_states, value_states)
                self._room = [key_states.new_empty(0), value_states.new_empty(0)]
                self._length = 0
            end = self._length + key_states.shape[-2]
            if self._room[0].dim() != 4 or end > self._room[0].shape[2]:
                self._make_room(end, key_states, value_states)
            for room, states in zip(self._room, (key_states, value_states), strict=True):
                room[:, :, self._length : end] = states
            self._show(end)
            return self.keys, self.values

        def _make_room(self, end: int, *states: Tensor) -> None:
            for number, state in enumerate(states):
                b, h, _, d = state.shape
                room = state.new_empty((b, h, end + _GROW, d))
                if self._length:
                    room[:, :, : self._length] = self._room[number][:, :, : self._length]
                self._room[number] = room

        def _show(self, length: int) -> None:
            self._length = length
            self.keys, self.values = (room[:, :, :length] for room in self._room)

        def select(self, index: Tensor, start: int) -> None:
            """Keeps these rows, from the column `start` on."""
            length = self._length - start
            for number, states in enumerate((self.keys, self.values)):
                kept = states[index, :, start:]
                room = kept.new_empty((*kept.shape[:2], length + _GROW, kept.shape[3]))
                room[:, :, :length] = kept
                self._room[number] = room
            self._show(length)

        def join(self, other: Any, pad: int, other_pad: int) -> None:
            """Appends the rows of another layer; each is moved right by its pad."""
            length = self._length + pad
            for number, name in enumerate(("keys", "values")):
                mine, theirs = getattr(self, name), getattr(other, name)
                b, h, _, d = mine.shape
                room = mine.new_zeros((b + theirs.shape[0], h, length + _GROW, d))
                room[:b, :, pad:length] = mine
                room[b:, :, other_pad:length] = theirs
                self._room[number] = room
            self._show(length)

    return Roomy
