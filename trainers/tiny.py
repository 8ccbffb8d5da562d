"""A student that learns in minutes on a CPU: about a million parameters, Qwen3's architecture.

    harness init tiny out/tiny --text problems.jsonl
    harness train pretrain out/tiny problems.jsonl -o out/base

Weights are random, so it has to be pretrained; the tokenizer is trained here, on the given text:
byte-level BPE, numbers split in groups of at most two digits (a sum is then learned digit by digit),
and a chat template with which `harness eval` begins the reply up to its fence.
"""

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.prompts import INSTRUCTION_PREFIX, OPENING_FENCE, RESPONSE_PREFIX
from trainers import running

PAD, END, TURN = "<|pad|>", "<|end|>", "<|turn|>"
TEMPLATE = (
    "{% for message in messages %}"
    f"{{{{ '{TURN}' + message['role'] + '\\n' + message['content'] + '{END}\\n' }}}}"
    "{% endfor %}"
    f"{{% if add_generation_prompt %}}{{{{ '{TURN}assistant\\n' }}}}{{% endif %}}"
)


def make(
    folder: Path,
    texts: Sequence[str],
    *,
    hidden: int = 160,
    layers: int = 3,
    vocabulary: int = 1024,
    max_length: int = 512,
    seed: int = 0,
) -> Path:
    """Write a checkpoint with random weights to `folder`; equal arguments give equal files.

    Raises:
        UserError: the folder holds a model already, or sizes that don't go together.
    """
    torch: Any = running.require_torch()
    transformers: Any = import_module("transformers")
    if any(folder.glob("*.safetensors")):
        raise UserError(f"{folder} holds a model already: name another folder")
    if hidden % 32:
        raise UserError(f"the width ({hidden}) has to be a multiple of 32, the width of a head")
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer(texts, vocabulary=vocabulary, max_length=max_length)
    torch.manual_seed(seed)
    config = transformers.Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=4 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 32,
        num_key_value_heads=hidden // 32,
        head_dim=32,
        max_position_embeddings=max_length,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    model = transformers.Qwen3ForCausalLM(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def num_parameters(folder: Path) -> int:
    """Of a checkpoint, by the heads of its safetensors files."""
    total = 0
    for path in folder.glob("*.safetensors"):
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            head = json.loads(file.read(length))
        for name, tensor in head.items():
            if name != "__metadata__":
                size = 1
                for axis in tensor["shape"]:
                    size *= axis
                total += size
    return total


def make_tokenizer(texts: Sequence[str], *, vocabulary: int, max_length: int) -> Any:
    """A fast tokenizer trained on these texts, and on the words that an evaluation asks with."""
    tokenizers: Any = import_module("tokenizers")
    transformers: Any = import_module("transformers")
    if not any(text.strip() for text in texts):
        raise UserError(
            "a tokenizer needs text: name files of the problems that will be trained on"
        )
    inner = tokenizers.Tokenizer(tokenizers.models.BPE())
    inner.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [
            tokenizers.pre_tokenizers.Split(tokenizers.Regex(r"\p{N}{1,2}"), behavior="isolated"),
            tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    inner.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, END, TURN],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    # The frame of every prompt: often enough that it costs a few tokens and not fifty.
    frame = (
        f"user\n{INSTRUCTION_PREFIX}\n```\n\nassistant\n{RESPONSE_PREFIX}\n{OPENING_FENCE}\n```\n"
    )
    inner.train_from_iterator([*texts, *[frame] * max(20, len(texts) // 20)], trainer)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token=END, pad_token=PAD, model_max_length=max_length
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer
