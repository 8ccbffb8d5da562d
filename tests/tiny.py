"""A tiny checkpoint made on the spot: Qwen3 architecture, own tokenizer, own chat template.

    python -m tests.tiny FOLDER [--steps 150] [--hidden 160] [--template chatml]

Trained for a few seconds on the replies that the sanity benchmark wants, so that its answers
are of mixed length and end by themselves. It knows nothing; it is there to be evaluated.
Needs the extra `local`.
"""

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from harness.benchmarks import sanity
from harness.prompts import INSTRUCTION_PREFIX, RESPONSE_PREFIX
from tests.templates import TEMPLATES

MAX_LENGTH = 1024
_SPECIAL = ("<|pad|>", "<|end|>", "<|turn|>")


def make(
    folder: Path,
    *,
    steps: int = 0,
    template: str | None = "chatml",
    hidden: int = 160,
    layers: int = 3,
    dtype: str = "float32",
    seed: int = 0,
) -> Path:
    """Writes a checkpoint to `folder`; `template` None is a tokenizer without one."""
    torch: Any = import_module("torch")
    from transformers import Qwen3Config, Qwen3ForCausalLM  # pyright: ignore

    torch.manual_seed(seed)
    tokenizer = make_tokenizer(template)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=4 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 32,
        num_key_value_heads=hidden // 32,
        head_dim=32,
        max_position_embeddings=MAX_LENGTH,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    model = Qwen3ForCausalLM(config)
    if steps:
        train(model, tokenizer, steps)
    model = model.to(getattr(torch, dtype))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_tokenizer(template: str | None = "chatml") -> Any:
    """BPE with 1,024 tokens on the benchmark's own text; the template's marks are tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    found = TEMPLATES[template] if template else None
    special = [*_SPECIAL, *(found.special if found else ())]
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1024,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(_texts(), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        eos_token=found.eos if found else "<|end|>",
        pad_token="<|pad|>",
        model_max_length=MAX_LENGTH,
    )
    if found:
        tokenizer.chat_template = found.text
        if found.plain_marks:  # marks that are tokens, but no special ones
            tokenizer.add_tokens(list(found.plain_marks))
    return tokenizer


def _texts() -> Iterator[str]:
    yield f"{INSTRUCTION_PREFIX}\n{RESPONSE_PREFIX}\n```python\n```\n"
    for problem in sanity.load():
        yield problem.prompt
        yield problem.solution


def train(model: Any, tokenizer: Any, steps: int) -> None:
    """A few seconds of AdamW on the wanted replies, chat and base form."""
    torch: Any = import_module("torch")

    rows = [_row(tokenizer, problem.prompt, problem.solution) for problem in sanity.load()]
    rows.sort(key=lambda row: len(row[0]))
    batches = [rows[at : at + 8] for at in range(0, len(rows), 8)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    model.train()
    for step in range(steps):
        batch = batches[(7 * step) % len(batches)]
        width = max(len(ids) for ids, _ in batch)
        pad = tokenizer.pad_token_id
        ids = torch.tensor([row + [pad] * (width - len(row)) for row, _ in batch])
        labels = ids.clone()
        for number, (row, start) in enumerate(batch):
            labels[number, :start] = -100
            labels[number, len(row) :] = -100
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    model.eval()


def _row(tokenizer: Any, prompt: str, solution: str) -> tuple[list[int], int]:
    asked = f"{INSTRUCTION_PREFIX}\n```\n{prompt.strip()}\n```\n"
    text = f"{asked}\n{RESPONSE_PREFIX}\n```python\n"
    if tokenizer.chat_template is not None:
        messages = [{"role": "user", "content": asked}]
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        text += f"{RESPONSE_PREFIX}\n```python\n"
    head = tokenizer.encode(text, add_special_tokens=False)
    tail = tokenizer.encode(f"{solution.strip()}\n```\n", add_special_tokens=False)
    kept = [*head, *tail][: MAX_LENGTH - 1]
    return [*kept, tokenizer.eos_token_id], len(head)


def lora(folder: Path, target: Path, names: Sequence[str] = ("q_proj", "v_proj")) -> Path:
    """An adapter on the model that does change what it says."""
    torch: Any = import_module("torch")
    import peft  # pyright: ignore
    from transformers import AutoModelForCausalLM  # pyright: ignore

    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    torch.manual_seed(1)
    wrapped: Any = peft.get_peft_model(model, peft.LoraConfig(r=4, target_modules=list(names)))
    with torch.no_grad():
        for name, parameter in wrapped.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.5)
    wrapped.save_pretrained(target)
    return target


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--hidden", type=int, default=160)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--template", default="chatml", choices=sorted(TEMPLATES))
    parser.add_argument("--dtype", default="float32")
    asked = vars(parser.parse_args(words))
    folder = make(asked.pop("folder"), **asked)
    config = json.loads((folder / "config.json").read_text())
    print(f"{folder}: {config['num_hidden_layers']} layers of {config['hidden_size']}")


if __name__ == "__main__":
    main()
