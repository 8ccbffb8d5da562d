"""Time the engines on models made on the spot: local, `model.generate`, vLLM.

    make bench-models                       (about ten minutes on two cores)
    python -m tests.bench_models --hidden 160,512 --no-vllm

Prompts of mixed length (the sanity benchmark's, several samples of each) and answers of mixed
length (the models are trained for a moment, so that they end by themselves). All decode greedily
to the end of text, without textual stops, so that all write the same tokens. A second of start-up
counts for no engine here; it is printed on a line of its own.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from harness.benchmarks import sanity
from harness.config import ModelSettings, SamplingSettings, Settings
from harness.models.checkpoints import locate
from harness.models.decoding import Decoder, Row
from harness.models.local import LocalModel
from harness.models.protocol import Reply, Request
from harness.models.server import VllmModel, is_installed
from harness.models.tokens import Tokens
from tests import tiny
from tests.agreement import partings

BENCHMARK = sanity.load()
MAX_TOKENS = 256


class Timed:
    """Wall and CPU seconds of a block, of this process and of children that have ended."""

    def __enter__(self) -> "Timed":
        self._started = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall_s = time.perf_counter() - self._started[0]
        self.cpu_s = time.process_time() - self._started[1]


def say(name: str, num_tokens: int, timed: Timed, note: str = "") -> float:
    rate = num_tokens / timed.wall_s
    print(
        f"  {name:<28}{num_tokens:>7} tokens {timed.wall_s:>7.1f} s {rate:>7.0f} tok/s"
        f"{num_tokens / timed.cpu_s:>8.0f} tok/CPU s  {note}",
        flush=True,
    )
    return rate


def by_generate(model: Any, tokens: Tokens, ids: Sequence[Sequence[int]], size: int) -> int:
    """Tokens that `model.generate` writes in fixed batches, padded on the left."""
    torch: Any = import_module("torch")
    num_tokens = 0
    for at in range(0, len(ids), size):
        part = ids[at : at + size]
        width = max(map(len, part))
        padded = torch.tensor([[tokens.pad] * (width - len(row)) + list(row) for row in part])
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in part])
        with torch.inference_mode():
            rows = model.generate(
                padded,
                attention_mask=mask,
                max_new_tokens=MAX_TOKENS,
                do_sample=False,
                eos_token_id=sorted(tokens.eos),
                pad_token_id=tokens.pad,
            )[:, width:].tolist()
        for row in rows:
            ends = [n for n, token in enumerate(row) if token in tokens.eos]
            num_tokens += ends[0] if ends else len(row)
    return num_tokens


def by_loop(
    model: Any, tokens: Tokens, ids: Sequence[Sequence[int]], size: int
) -> tuple[int, list[int]]:
    decode: Callable[[Sequence[Sequence[int]]], list[str]] = tokens.tokenizer.batch_decode
    decoder = Decoder(model, eos=tokens.eos, pad=tokens.pad, decode=decode, batch_size=size)
    lengths = [len(row.new) for row in decoder.run([Row(row, MAX_TOKENS) for row in ids])]
    return sum(lengths), sorted(lengths)


def settings_of(work: Path, dtype: str = "auto") -> Settings:
    return Settings(
        cache=work / "cache",
        sampling=SamplingSettings(max_tokens=MAX_TOKENS),
        model=ModelSettings.model_validate({"dtype": dtype, "cpu_cache_gb": 2, "concurrency": 128}),
    )


def requests_of(model: LocalModel | VllmModel, num: int) -> list[Request]:
    keys = [(problem.id, index) for index in range(9) for problem in BENCHMARK][:num]
    return [
        replace(request, prompt=replace(request.prompt, stops=()))
        for request in model.requests(BENCHMARK, keys)
    ]


def count(replies: Iterable[Reply]) -> int:
    return sum(reply.num_tokens_out or 0 for reply in replies)


def bench(hidden: int, layers: int, steps: int, num: int, work: Path, with_vllm: bool) -> None:
    """One size of model on all engines."""
    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    transformers.utils.logging.disable_progress_bar()
    folder = tiny.make(work / f"h{hidden}", steps=steps, hidden=hidden, layers=layers)
    located = locate(str(folder), cache=work / "cache")
    local = LocalModel(located, settings_of(work))
    tokens = Tokens(located)
    requests = requests_of(local, num)
    ids = [tokens.encode(request.prompt, local.style) for request in requests]
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    num_parameters = sum(parameter.numel() for parameter in model.parameters())
    print(
        f"{num_parameters / 1e6:.1f} M parameters, fp32, {len(ids)} prompts of "
        f"{min(map(len, ids))} to {max(map(len, ids))} tokens, {torch.get_num_threads()} threads"
    )
    with Timed() as slow:
        num_slow = by_generate(model, tokens, ids, 64)
    say("generate, batches of 64", num_slow, slow)
    fastest = 0.0
    for size in (32, 64, 128, 256):
        with Timed() as timed:
            num_tokens, lengths = by_loop(model, tokens, ids, size)
        spread = f"answers of {lengths[0]}, {lengths[len(lengths) // 2]}, {lengths[-1]}"
        fast = say(f"local, batch size {size}", num_tokens, timed, spread)
        fastest = max(fastest, fast)
        by_wall = fast / (num_slow / slow.wall_s)
        by_cpu = (num_tokens / timed.cpu_s) / (num_slow / slow.cpu_s)
        print(f"{'':>30}×{by_wall:.2f} of generate by the clock, ×{by_cpu:.2f} by CPU seconds")
    if with_vllm:
        vllm(folder, work, num, fastest)


def vllm(folder: Path, work: Path, num: int, local_rate: float) -> None:
    """The real server, and how its bf16 and fp32 replies differ from local's."""
    for dtype in ("float32", "bfloat16"):
        located = locate(str(folder), cache=work / "cache")
        local = LocalModel(located, settings_of(work, dtype))
        keys = requests_of(local, len(BENCHMARK.problems))
        ours = list(local.replies(keys))
        with VllmModel(located, settings_of(work, dtype)) as served:
            served.server.ensure()
            # First of all: what was asked once is in its prefix cache.
            with Timed() as timed:
                num_tokens = count(served.replies(requests_of(served, num)))
            theirs = list(served.replies(requests_of(served, len(BENCHMARK.problems))))
            rate = num_tokens / timed.wall_s
            print(
                f"  vLLM, {dtype:<22}{num_tokens:>7} tokens {timed.wall_s:>7.1f} s {rate:>7.0f} "
                f"tok/s  ready after {served.server.start_s:.0f} s; ×{rate / local_rate:.2f} of "
                f"local's best in fp32"
            )
        tokens = Tokens(located)
        prompts = {r.key: tokens.encode(r.prompt, local.style) for r in keys}
        parted = partings(folder, prompts, ours, theirs, tokens.eos)
        gaps = sorted(parting.gap for parting in parted)
        print(
            f"    {len(parted)} of {len(keys)} greedy replies part from local's in {dtype}"
            + (f"; gaps of the two best logits {gaps[0]:.2g} to {gaps[-1]:.2g}" if gaps else "")
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hidden", default="160,512", help="widths of models, with commas")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--num", type=int, default=256, help="prompts")
    parser.add_argument("--no-vllm", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        for hidden in map(int, asked.hidden.split(",")):
            layers = 3 if hidden <= 256 else 8
            with_vllm = is_installed() and not asked.no_vllm
            bench(hidden, layers, asked.steps, asked.num, Path(work), with_vllm)


if __name__ == "__main__":
    main()
