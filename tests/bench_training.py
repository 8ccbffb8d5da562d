"""Time the trainers beside bare loops: tokens a second of SFT, seconds a step of GRPO.

    make bench-train                          (about a quarter of an hour on two cores)
    python -m tests.bench_training --sizes 1,10 --repeats 3 --only sft

A bare loop has the same model, rows, batch, precision and optimizer, its batches sorted by length,
and nothing else: no callbacks, no checkpoints, no library. Runs alternate; medians are printed, and
the ratios that they give. The first steps of each run are left out. Sizes are in millions of weights.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from harness.benchmarks import sanity
from harness.config import Settings
from harness.models import checkpoints
from harness.models.decoding import Decoder, Row
from harness.models.local import style_of
from harness.models.tokens import Tokens
from tests.trainers.problems import write
from trainers import jobs, rewards, rows, running, tiny
from trainers.jobs import TrainJob
from trainers.rows import lesson_text
from trainers.sft import tokenize

SHAPES = {1: (160, 3), 3: (256, 3), 10: (384, 4)}
"""Width and blocks, by millions of weights."""
SKIPPED = 8
BATCH, STEPS = 8, 68
PROMPTS, GENERATIONS, NEW_TOKENS, MICRO = 32, 8, 48, 64
RL_STEPS = 8


class World(NamedTuple):
    folder: Path
    settings: Settings
    base: Path
    sft_rows: Path
    rl_rows: Path


class Speed(NamedTuple):
    tokens_per_s: float
    loss: float


class Step(NamedTuple):
    """Seconds of one step, by part."""

    total_s: float
    sample_s: float
    wait_s: float

    @property
    def train_s(self) -> float:
        return self.total_s - self.sample_s - self.wait_s


def world(folder: Path, millions: int) -> World:
    """A model of the size, pretrained for a moment so that it writes what may be right."""
    hidden, layers = SHAPES[millions]
    settings = Settings(home=folder, cache=folder / "cache")
    rl_rows = write(folder / "rl.jsonl", 96)
    sft_rows = folder / "sft.jsonl"
    with sft_rows.open("w") as file:
        for problem in sanity.load():
            row = {
                "id": problem.task_id,
                "prompt": problem.prompt,
                "entry_point": problem.entry_point,
                "solution": problem.solution,
                "tests": {"base": [f"{problem.entry_point}()"]},
            }
            file.write(json.dumps(row) + "\n")
    made = tiny.make(
        folder / "tiny",
        rows.texts([rl_rows, sft_rows]),
        hidden=hidden,
        layers=layers,
        max_length=1024,
    )
    print(f"\n{tiny.num_parameters(made):,} weights", flush=True)
    phases = [{"data": [str(rl_rows)], "form": "lessons", "repeats": 12}]
    asked = {"phases": phases, "lr": 3e-3, "batch_size": 8, "block_size": 128}
    train(settings, "pretrain", made, rl_rows, folder / "base", **asked)
    return World(folder, settings, folder / "base", sft_rows, rl_rows)


def train(
    settings: Settings, kind: Any, parent: Path, data: Path, out: Path, **asked: Any
) -> list[dict[str, Any]]:
    """A job done; its metrics."""
    job = TrainJob(
        kind=kind,
        parent=str(parent),
        rows=(str(data),),
        out=out,
        settings=jobs.MODELS[kind].model_validate(asked).model_dump(mode="json"),
        harness=settings.model_dump(mode="json"),
    )
    jobs.train(job)
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


# --- SFT -----------------------------------------------------------------------------------------


def sft_by_trl(here: World, number: int) -> Speed:
    asked = {"steps": STEPS, "batch_size": BATCH, "log_steps": 1, "lr": 1e-3, "save_steps": 10_000}
    found = train(
        here.settings, "sft", here.base, here.sft_rows, here.folder / f"sft{number}", **asked
    )
    logged = [row for row in found if "loss" in row]
    first, last = logged[SKIPPED - 1], logged[-1]
    num_tokens = last["total_tokens"] - first["total_tokens"]
    return Speed(num_tokens / (last["elapsed_s"] - first["elapsed_s"]), last["loss"])


def sft_bare(here: World) -> Speed:
    torch: Any = import_module("torch")
    model, tokens = opened(here)
    lessons = rows.read([str(here.sft_rows)], home=here.folder)
    found = tokenize(lessons, tokens, style_of(tokens, here.settings), max_length=1024)
    ordered = sorted(
        zip(found.input_ids, found.completion_mask, strict=True), key=lambda r: len(r[0])
    )
    batches = [ordered[at : at + BATCH] for at in range(0, len(ordered), BATCH)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
    model.train()
    bf16 = running.uses_bf16(jobs.MODELS["sft"]())
    num_tokens, started, loss = 0, 0.0, 0.0
    for step in range(STEPS):
        if step == SKIPPED:
            num_tokens, started = 0, time.perf_counter()
        batch = batches[(7 * step) % len(batches)]
        width = max(len(ids) for ids, _ in batch)
        ids = torch.tensor([ids + [tokens.pad] * (width - len(ids)) for ids, _ in batch])
        mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in batch])
        counts = torch.tensor([m + [0] * (width - len(m)) for _, m in batch])
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            labels = ids.masked_fill(counts == 0, -100)
            found_loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        found_loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        loss = float(found_loss)
        num_tokens += int(mask.sum())
    return Speed(num_tokens / (time.perf_counter() - started), loss)


def opened(here: World) -> tuple[Any, Tokens]:
    transformers: Any = import_module("transformers")
    model = transformers.AutoModelForCausalLM.from_pretrained(str(here.base))
    return model, Tokens(checkpoints.locate(str(here.base), cache=here.settings.cache))


# --- GRPO ----------------------------------------------------------------------------------------


def grpo_by_trl(here: World, number: int) -> list[Step]:
    asked = {
        "steps": RL_STEPS,
        "num_prompts": PROMPTS,
        "num_generations": GENERATIONS,
        "batch_size": MICRO,
        "max_new_tokens": NEW_TOKENS,
        "lr": 1e-5,
        "save_steps": 10_000,
    }
    found = train(
        here.settings, "rl", here.base, here.rl_rows, here.folder / f"rl{number}", **asked
    )
    return [
        Step(row["step_s"], row["time/sample_s"], row["reward/wait_s"])
        for row in found
        if "reward/mean" in row
    ][2:]


def grpo_bare(here: World) -> list[Step]:
    """Sample, grade while sampling, drop what has no advantage, train in sorted micro-batches."""
    torch: Any = import_module("torch")
    model, tokens = opened(here)
    lessons = rows.read([str(here.rl_rows)], home=here.folder)
    style = style_of(tokens, here.settings)
    problems = lessons.gradable()
    texts = {p.id: lesson_text(p, style, tokens.tokenizer).prompt for p in problems}
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.0)
    steps: list[Step] = []
    with rewards.Grader(problems, settings=here.settings, to_the_end=False) as grader:
        for number in range(RL_STEPS):
            started = time.perf_counter()
            chosen = [problems[(number * PROMPTS + at) % len(problems)] for at in range(PROMPTS)]
            asked = [
                Row(
                    tokens.tokenizer.encode(texts[problem.id], add_special_tokens=False),
                    NEW_TOKENS,
                    seed=1000 * number + GENERATIONS * place + each,
                    tag=(problem.id, place),
                )
                for place, problem in enumerate(chosen)
                for each in range(GENERATIONS)
            ]
            step = grader.step()
            attempts = []
            for row in sampled(model, tokens, asked):
                problem_id, _ = row.tag  # pyright: ignore[reportGeneralTypeIssues]
                text = tokens.tokenizer.decode(row.new, skip_special_tokens=True)
                attempts.append((row, rewards.Attempt(problem_id, texts[problem_id], text)))
                step.submit(attempts[-1][1])
            sampled_s = time.perf_counter() - started
            graded = step.verdicts([attempt for _, attempt in attempts])
            worth = {
                id(row): float(reward or 0)
                for (row, _), reward in zip(attempts, graded.rewards("binary"), strict=True)
            }
            update(model, optimizer, asked, worth, tokens)
            steps.append(Step(time.perf_counter() - started, sampled_s, graded.waited_s))
    return steps[2:]


def sampled(model: Any, tokens: Tokens, asked: Sequence[Row]) -> Iterator[Row]:
    model.eval()
    model.config.use_cache = True
    decoder = Decoder(
        model,
        eos=tokens.eos,
        pad=tokens.pad,
        decode=lambda rows: tokens.tokenizer.batch_decode([list(row) for row in rows]),
        batch_size=256,
        temperature=1.0,
    )
    yield from decoder.run(asked)
    model.train()


def update(
    model: Any, optimizer: Any, asked: Sequence[Row], worth: dict[int, float], tokens: Tokens
) -> None:
    torch: Any = import_module("torch")
    kept: list[tuple[float, Row]] = []
    for at in range(0, len(asked), GENERATIONS):
        group = asked[at : at + GENERATIONS]
        values = [worth[id(row)] for row in group]
        spread = statistics.pstdev(values)
        if spread:
            kept += [
                ((value - statistics.fmean(values)) / spread, row)
                for value, row in zip(values, group, strict=True)
            ]
    kept.sort(key=lambda pair: len(pair[1].ids) + len(pair[1].new))
    total = sum(len(row.new) + 1 for _, row in kept)
    for at in range(0, len(kept), MICRO):
        part = kept[at : at + MICRO]
        whole = [[*row.ids, *row.new, tokens.tokenizer.eos_token_id] for _, row in part]
        width = max(map(len, whole))
        ids = torch.tensor([one + [tokens.pad] * (width - len(one)) for one in whole])
        mask = torch.tensor([[1] * len(one) + [0] * (width - len(one)) for one in whole])
        counts = mask.clone()
        for number, (_, row) in enumerate(part):
            counts[number, : len(row.ids)] = 0
        advantages = torch.tensor([advantage for advantage, _ in part])[:, None]
        logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1]
        chosen = torch.log_softmax(logits.float(), -1).gather(-1, ids[:, 1:, None])[..., 0]
        ratio = torch.exp(chosen - chosen.detach())
        (-(ratio * advantages * counts[:, 1:]).sum() / total).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


def say_steps(name: str, steps: Sequence[Step]) -> float:
    parts = [
        statistics.median(values)
        for values in (
            [step.total_s for step in steps],
            [step.sample_s for step in steps],
            [step.wait_s for step in steps],
            [step.train_s for step in steps],
        )
    ]
    total_s, sample_s, wait_s, train_s = parts
    print(
        f"  GRPO {name:<6}{total_s:>7.2f} s a step: sampling {sample_s:.2f}, waiting for the "
        f"sandbox {wait_s:.3f} ({wait_s / total_s:.1%}), training {train_s:.2f}",
        flush=True,
    )
    return total_s


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1,10")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=["sft", "grpo"])
    asked = parser.parse_args(words)
    torch = running.require_torch()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, load {os.getloadavg()}")
    for millions in map(int, asked.sizes.split(",")):
        with tempfile.TemporaryDirectory() as name:
            here = world(Path(name), millions)
            if asked.only != "grpo":
                pairs = [(sft_by_trl(here, n), sft_bare(here)) for n in range(asked.repeats)]
                for kind, of in (("TRL", 0), ("bare", 1)):
                    rates = [pair[of].tokens_per_s for pair in pairs]
                    print(f"  SFT {kind:<7}{statistics.median(rates):>7.0f} tokens/s  {rates}")
                ratios = [one.tokens_per_s / two.tokens_per_s for one, two in pairs]
                print(f"  SFT ratio  {statistics.median(ratios):.2f}  {ratios}", flush=True)
            if asked.only != "sft":
                of_trl: list[Step] = []
                bare: list[Step] = []
                for n in range(asked.repeats):
                    of_trl += grpo_by_trl(here, n)
                    bare += grpo_bare(here)
                ratio = say_steps("TRL", of_trl) / say_steps("bare", bare)
                print(f"  GRPO TRL costs {ratio:.2f} of the bare loop", flush=True)


if __name__ == "__main__":
    main()
