"""`local`: tiny models made on the spot, run for real by transformers.

What the loop writes is held against `model.generate`, one prompt at a time.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from harness.benchmarks import sanity
from harness.config import ModelSettings, PromptSettings, SamplingSettings, Settings
from harness.errors import DataError, UserError
from harness.models.checkpoints import locate
from harness.models.local import LocalModel
from harness.models.protocol import Reply
from harness.models.tokens import Tokens
from tests import tiny
from tests.agreement import partings
from tests.templates import TEMPLATES

pytestmark = [pytest.mark.torch, pytest.mark.slow]

BENCHMARK = sanity.load()
MAX_TOKENS = 48


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make(tmp_path_factory.mktemp("models") / "tiny", steps=60)


def opened(
    folder: Path,
    cache: Path,
    *,
    prompt: PromptSettings | None = None,
    sampling: SamplingSettings | None = None,
    **model: Any,
) -> LocalModel:
    settings = Settings(
        model=ModelSettings(**model),
        prompt=prompt or PromptSettings(),
        sampling=sampling or SamplingSettings(max_tokens=MAX_TOKENS),
    )
    return LocalModel(locate(str(folder), cache=cache), settings)


def replies(model: LocalModel, num: int = 24, n: int = 1) -> dict[tuple[str, int], Reply]:
    keys = [(problem.id, index) for index in range(n) for problem in BENCHMARK.problems[:num]]
    found = list(model.replies(model.requests(BENCHMARK, keys)))
    assert len(found) == len(keys)
    return {reply.key: reply for reply in found}


def generated(model: LocalModel, folder: Path, num: int) -> list[Reply]:
    """The same by `generate`, one by one, without textual stops."""
    torch: Any = import_module("torch")
    from transformers import AutoModelForCausalLM  # pyright: ignore

    tokens = Tokens(model._located)
    theirs: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    found: list[Reply] = []
    keys = [(problem.id, 0) for problem in BENCHMARK.problems[:num]]
    for request in model.requests(BENCHMARK, keys):
        ids = torch.tensor([tokens.encode(request.prompt, model.style)])
        with torch.inference_mode():
            row = theirs.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=MAX_TOKENS,
                do_sample=False,
                eos_token_id=sorted(tokens.eos),
                pad_token_id=tokens.pad,
            )[0, ids.shape[1] :].tolist()
        new = [token for token in row if token not in tokens.eos]
        found.append(Reply(request.key, tokens.decode(new), "stop", token_ids=tuple(new)))
    return found


@pytest.mark.parametrize("batch_size", [1, 5, 64])
def test_greedy_is_what_generate_writes(tmp_path: Path, folder: Path, batch_size: int):
    model = opened(folder, tmp_path, batch_size=batch_size, prompt=PromptSettings(form="plain"))
    ours = replies(model)
    theirs = generated(model, folder, 24)
    tokens = Tokens(model._located)
    prompts = {
        request.key: tokens.encode(request.prompt, model.style)
        for request in model.requests(BENCHMARK, list(ours))
    }
    parted = partings(folder, prompts, ours.values(), theirs, tokens.eos)
    assert all(parting.gap < 1e-3 for parting in parted), parted
    assert len({len(reply.token_ids) for reply in theirs}) > 3, "answers of one length show little"


def test_stops_cut_and_the_limit_is_said(tmp_path: Path, folder: Path):
    model = opened(folder, tmp_path)
    assert model.style.form == "prefill"
    for reply in replies(model).values():
        assert "\n```\n" not in reply.text and "\nprint(" not in reply.text
        assert reply.num_tokens_in and reply.num_tokens_out is not None
        assert reply.num_tokens_out <= MAX_TOKENS
        assert reply.finish_reason == "stop" or reply.num_tokens_out == MAX_TOKENS


def test_a_sample_does_not_depend_on_its_batch(tmp_path: Path, folder: Path):
    sampling = SamplingSettings(temperature=0.8, max_tokens=MAX_TOKENS)
    alone = replies(opened(folder, tmp_path, sampling=sampling, batch_size=1), num=6, n=3)
    together = replies(opened(folder, tmp_path, sampling=sampling, batch_size=64), num=6, n=3)
    assert {k: r.text for k, r in alone.items()} == {k: r.text for k, r in together.items()}
    assert len({reply.text for reply in alone.values()}) > 6, "all samples of a problem are one"
    other = SamplingSettings(temperature=0.8, max_tokens=MAX_TOKENS, seed=1)
    seeded = replies(opened(folder, tmp_path, sampling=other), num=6, n=3)
    assert {k: r.text for k, r in seeded.items()} != {k: r.text for k, r in alone.items()}


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_form_of_template_is_answered(tmp_path: Path, name: str):
    folder = tiny.make(tmp_path / name, template=name)
    model = opened(folder, tmp_path, sampling=SamplingSettings(max_tokens=8))
    found = replies(model, num=4)
    assert all(reply.num_tokens_out for reply in found.values())
    special = TEMPLATES[name].special
    marks = "".join(model.style.marks or ())
    for reply in found.values():
        assert not any(mark in reply.text for mark in special if mark not in marks)


def test_thinking_gets_a_budget_of_its_own(tmp_path: Path):
    folder = tiny.make(tmp_path / "thinks", template="qwen3-thinking")
    sampling = SamplingSettings(thinking_tokens=100)
    assert opened(folder, tmp_path, sampling=sampling).generation.max_tokens == 868
    assert opened(folder, tmp_path, prompt=PromptSettings(chat=False)).generation.max_tokens == 48


def test_a_tokenizer_without_template_gets_completions(tmp_path: Path):
    folder = tiny.make(tmp_path / "base", template=None)
    model = opened(folder, tmp_path, sampling=SamplingSettings(max_tokens=4))
    assert model.style.form == "base" and len(replies(model, num=2)) == 2


def test_a_prompt_longer_than_the_model_is_one_line(tmp_path: Path, folder: Path):
    model = opened(folder, tmp_path, max_len=100)
    with pytest.raises(UserError, match=r"prompt has \d+ tokens and the model takes 100") as raised:
        replies(model, num=3)
    assert "\n" not in str(raised.value)
    with pytest.raises(UserError, match="takes 1024 tokens at most"):
        opened(folder, tmp_path, max_len=5000)


def test_what_cannot_be_loaded_is_one_line(tmp_path: Path, folder: Path):
    import shutil

    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    (copy / "tokenizer.json").write_text("{")
    with pytest.raises(DataError, match="tokenizer can't be read") as raised:
        opened(copy, tmp_path)
    assert "\n" not in str(raised.value)
    with pytest.raises(UserError, match=r"quantization is vLLM's"):
        opened(folder, tmp_path, quantization="fp8")


def test_use_cache_left_off_by_training_is_no_matter(tmp_path: Path, folder: Path):
    import json
    import shutil

    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"use_cache": False}))
    expected = {k: r.text for k, r in replies(opened(folder, tmp_path), num=4).items()}
    assert {k: r.text for k, r in replies(opened(copy, tmp_path), num=4).items()} == expected


def test_an_adapter_is_merged_into_its_base(tmp_path: Path, folder: Path):
    pytest.importorskip("peft")
    changed = tiny.lora(folder, tmp_path / "lora")
    model = opened(changed, tmp_path, sampling=SamplingSettings(max_tokens=16))
    assert model.checkpoint.kind == "adapter" and model.checkpoint.base == str(folder)
    plain = opened(folder, tmp_path, sampling=SamplingSettings(max_tokens=16))
    with_it = [reply.text for reply in replies(model, num=8).values()]
    without = [reply.text for reply in replies(plain, num=8).values()]
    assert with_it != without
