"""What is asked: EvalPlus's words held against the installed package, and the forms of templates.

The templates are in the form of what people serve (tests/templates.py). That a model really
answers them is in models/test_local.py.
"""

import inspect
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from harness import prompts
from harness.benchmarks import sanity
from harness.errors import UserError
from harness.prompts import Style, detect
from harness.records import Problem
from tests import tiny
from tests.templates import TEMPLATES

PROBLEM = sanity.load().problems[0]
THINK = ("<think>", "</think>")
HARMONY = ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>")


@pytest.fixture(scope="module")
def tokenizers() -> dict[str, Any]:
    return {name: tiny.make_tokenizer(name) for name in TEMPLATES}


def of_family(family: str) -> Problem:
    return Problem(
        id=f"{family}/1",
        task_id="1",
        prompt='\ndef f(x):\n    """Say x."""\n\n',
        entry_point="f",
        solution="",
        suites=(),
        sha256="",
        family=family,
    )


# Held against the installed evalplus


def test_the_words_are_those_of_evalplus():
    source = inspect.getsource(import_module("evalplus.codegen"))
    assert f'instruction_prefix = "{prompts.INSTRUCTION_PREFIX}"' in source
    assert f'response_prefix = "{prompts.RESPONSE_PREFIX}"' in source


def test_the_stops_are_those_of_evalplus():
    theirs = import_module("evalplus.provider.utility")
    assert list(prompts.STOPS) == theirs.EOS
    for family, stops in prompts.BASE_STOPS.items():
        assert list(stops) == theirs.extra_eos_for_direct_completion(family)
    vllm = inspect.getsource(import_module("evalplus.provider")).encode()
    assert vllm  # the package is there; what it adds for chats stands in the file beside it
    folder = import_module("evalplus.provider").__path__[0]
    with open(f"{folder}/vllm.py") as file:
        assert r'self.eos += ["\n```\n"]' in file.read()
    assert prompts.PREFILL_STOPS == ("\n```\n",)


@pytest.mark.parametrize("name", ["chatml", "llama-3", "qwen2.5"])
@pytest.mark.parametrize("family", ["humaneval", "mbpp"])
def test_a_prefilled_chat_is_evalpluss_own(tokenizers: dict[str, Any], name: str, family: str):
    problem = of_family(family)
    style = detect(tokenizers[name])
    assert style == Style("prefill")
    theirs = import_module("evalplus.provider.utility").make_raw_chat_prompt(
        problem.prompt, prompts.INSTRUCTION_PREFIX, prompts.RESPONSE_PREFIX, tokenizers[name]
    )
    prompt = style.prompt(problem, tokenizers[name])
    assert prompt.text == theirs
    assert set(prompt.stops) == {*prompts.STOPS, "\n```\n"}


@pytest.mark.parametrize("family", ["humaneval", "mbpp"])
def test_a_completion_is_evalpluss_own(family: str):
    problem = of_family(family)
    prompt = detect(None).prompt(problem)
    assert prompt.text == problem.prompt.strip() + "\n"
    assert prompt.stops == (*prompts.STOPS, *prompts.BASE_STOPS[family])


@pytest.mark.parametrize(
    ("prompt", "like"),
    [
        ('def add(a, b):\n    """The sum."""\n', "humaneval"),
        ('"""\nWrite a function to add.\nassert add(1, 2) == 3\n"""\n', "mbpp"),
    ],
)
def test_a_completion_of_ones_own_benchmark_stops_by_what_its_prompt_begins(prompt: str, like: str):
    problem = replace(PROBLEM, prompt=prompt, entry_point="add", family="jsonl")
    stops = detect(None).prompt(problem).stops
    assert stops == (*prompts.STOPS, *prompts.BASE_STOPS[like])
    written = "import math\n\n\ndef add(a, b):\n    return a + b\n"
    assert (prompts.cut(written, stops) == written) == (like == "mbpp")


def test_an_endpoints_chat_is_evalpluss_own():
    folder = import_module("evalplus.provider").__path__[0]
    with open(f"{folder}/openai.py") as file:
        source = file.read()
    assert 'self.instruction_prefix + f"\\n```python\\n{prompt.strip()}\\n```"' in source
    from harness.models.endpoint import API_SYSTEM

    prompt = Style("messages", API_SYSTEM).prompt(PROBLEM)
    system, user = prompt.messages
    made = import_module("evalplus.gen.util.openai_request")
    assert API_SYSTEM in inspect.getsource(made) and system["content"] == API_SYSTEM
    content = f"{prompts.INSTRUCTION_PREFIX}\n```python\n{PROBLEM.prompt.strip()}\n```"
    assert user == {"role": "user", "content": content} and prompt.stops == ()


# What templates allow


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("chatml", Style("prefill")),
        ("llama-3", Style("prefill")),
        ("qwen2.5", Style("prefill")),
        ("qwen3-thinking", Style("plain", marks=THINK)),
        ("deepseek-r1", Style("plain", marks=THINK, opens_thinking=True)),
        ("gpt-oss", Style("plain", marks=HARMONY)),
    ],
)
def test_the_form_is_what_the_template_allows(
    tokenizers: dict[str, Any], name: str, expected: Style
):
    assert detect(tokenizers[name]) == expected


@pytest.mark.parametrize("name", ["qwen3-thinking", "deepseek-r1", "gpt-oss"])
def test_a_thinking_prompt_ends_where_the_turn_begins(tokenizers: dict[str, Any], name: str):
    style = detect(tokenizers[name])
    prompt = style.prompt(PROBLEM, tokenizers[name])
    begins = {
        "qwen3-thinking": "<|im_start|>assistant\n",
        "deepseek-r1": "<|Assistant|><think>\n",
        "gpt-oss": "<|start|>assistant",
    }
    assert prompt.text is not None and prompt.text.endswith(begins[name])
    assert prompt.stops == (), "a stop would end a draft"
    assert prompts.RESPONSE_PREFIX not in prompt.text


def test_a_system_message_goes_where_the_template_puts_it(tokenizers: dict[str, Any]):
    style = detect(tokenizers["qwen2.5"], system="Be brief.")
    text = style.prompt(PROBLEM, tokenizers["qwen2.5"]).text
    assert text is not None and text.startswith("<|im_start|>system\nBe brief.<|im_end|>\n")
    assert "You help people" not in text
    plain = detect(tokenizers["qwen2.5"]).prompt(PROBLEM, tokenizers["qwen2.5"])
    assert plain.text is not None and "You help people" in plain.text
    assert plain.sha256 != style.prompt(PROBLEM, tokenizers["qwen2.5"]).sha256


def test_no_chat_is_a_completion(tokenizers: dict[str, Any]):
    assert detect(tokenizers["qwen2.5"], chat=False) == Style("base")
    assert detect(tiny.make_tokenizer(None)) == Style("base")
    with pytest.raises(UserError, match=r"--system needs a chat.*--no-chat"):
        detect(tokenizers["qwen2.5"], chat=False, system="Be brief.")
    with pytest.raises(UserError, match=r"--system needs a chat.*no chat template"):
        detect(tiny.make_tokenizer(None), system="Be brief.")


def test_the_user_can_insist(tokenizers: dict[str, Any]):
    assert detect(tokenizers["qwen3-thinking"], form="prefill").form == "prefill"
    assert detect(tokenizers["qwen2.5"], form="plain").form == "plain"
    own = ("[[", "]]")
    assert detect(tokenizers["qwen3-thinking"], marks=own).marks == own


def test_a_template_that_refuses_says_so_in_a_line(tokenizers: dict[str, Any]):
    class Strict:
        chat_template = "{{ raise_exception('no system') }}"

        def apply_chat_template(self, conversation: object, **_: object) -> str:
            raise ValueError("no system role here")

    with pytest.raises(UserError, match=r"refuses a conversation of system, user: no system role"):
        detect(Strict(), system="Be brief.")


@pytest.mark.parametrize("name", TEMPLATES)
def test_marks_survive_the_way_through_tokens(tokenizers: dict[str, Any], name: str):
    from harness.models.tokens import Tokens

    tokens = Tokens.__new__(Tokens)
    tokens.tokenizer = tokenizers[name]
    style = detect(tokenizers[name])
    opening, closing = style.marks or ("", "")
    said = f"{opening}let me see{closing}\n```python\nx = 1\n```\n"
    eos = TEMPLATES[name].eos
    ids = tokenizers[name].encode(said + eos, add_special_tokens=False)
    assert tokens.decode(ids, style.marks) == said
