"""Where two engines' greedy replies part, and how near the two tokens were there."""

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from harness.models.protocol import Key, Reply


class Parting(NamedTuple):
    """The first token in which two replies to one prompt differ."""

    key: Key
    at: int
    gap: float
    """Between the two best logits there, recomputed in fp32."""
    are_best: bool
    """Whether the two tokens are those two."""


def partings(
    folder: Path,
    prompts: Mapping[Key, Sequence[int]],
    first: Iterable[Reply],
    second: Iterable[Reply],
    eos: frozenset[int],
) -> list[Parting]:
    """One for every pair of replies that differ."""
    torch: Any = import_module("torch")
    from transformers import AutoModelForCausalLM  # pyright: ignore

    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    others = {reply.key: list(reply.token_ids) for reply in second}
    found: list[Parting] = []
    for reply in first:
        mine, theirs = list(reply.token_ids), others[reply.key]
        if mine == theirs:
            continue
        pairs = zip(mine, theirs, strict=False)
        at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(mine), len(theirs)))
        ids = torch.tensor([[*prompts[reply.key], *mine[:at]]])
        with torch.inference_mode():
            logits = model(input_ids=ids, logits_to_keep=1).logits[0, -1]
        best = logits.topk(2)
        parted = {tokens[at] if at < len(tokens) else -1 for tokens in (mine, theirs)}
        parted = parted - {-1} | (set(eos) & set(best.indices.tolist()) if -1 in parted else set())
        gap = float(best.values[0] - best.values[1])
        found.append(Parting(reply.key, at, gap, parted == set(best.indices.tolist())))
    return found
