"""Problems that ask for a whole program: what a model is asked, and what is taken from its reply."""

from pathlib import Path

import pytest

from harness import benchmarks, prompts
from harness.benchmarks import jsonl
from harness.benchmarks.data import DataFolders
from harness.errors import DataError
from harness.extraction import extract_program
from harness.generation import sample_of
from harness.models.protocol import Reply
from harness.models.replay import open_replay
from harness.prompts import LIVECODEBENCH_SYSTEM, Style
from harness.records import Benchmark, Problem
from tests.livecodebench_problems import PROBLEMS, write

CODE = 'n = int(input())\nif __name__ == "__main__":\n    print(n)\n'


class Template:
    """A chat as tags, with or without a beginning of the assistant's turn."""

    chat_template = "tags"

    def apply_chat_template(
        self, conversation: list[dict[str, str]], *, tokenize: bool, add_generation_prompt: bool
    ) -> object:
        turns = "".join(f"<{m['role']}>{m['content']}</{m['role']}>\n" for m in conversation)
        return turns + ("<assistant>" if add_generation_prompt else "")


@pytest.fixture
def theirs(tmp_path: Path) -> Benchmark:
    path = write(tmp_path / "own.jsonl")
    return benchmarks.load(f"livecodebench:{path}", data=DataFolders(None, tmp_path))


@pytest.fixture
def ours() -> Problem:
    row = {
        "id": "echo",
        "prompt": "Print the input.\n",
        "solution": "print(input())",
        "stdio": [{"input": "a", "output": "a"}],
    }
    return jsonl.problem_from_row(row, benchmark="b", where="w")


# What is asked


def test_livecodebench_asks_in_its_own_words(theirs: Benchmark):
    problem = theirs.by_task_id["ours_sum"]
    prompt = Style("messages").prompt(problem)
    assert [message["role"] for message in prompt.messages] == ["system", "user"]
    assert prompt.messages[0]["content"] == LIVECODEBENCH_SYSTEM
    asked = prompt.messages[1]["content"]
    assert asked.startswith(f"### Question:\n{PROBLEMS[0].content}\n\n### Format: Read the inputs")
    assert asked.endswith(
        "writes output to STDOUT.\n```python\n# YOUR CODE HERE\n```\n\n"
        "### Answer: (use the provided format with backticks)\n\n"
    )
    own = Style("messages", system="Be brief.").prompt(problem)
    assert own.messages[0]["content"] == "Be brief."


def test_a_chat_about_livecodebench_is_not_begun_for_the_model(theirs: Benchmark):
    problem = theirs.by_task_id["ours_sum"]
    text = Style("prefill").prompt(problem, Template()).text
    assert text is not None and text.endswith("</user>\n<assistant>")
    assert Style("plain").prompt(problem, Template()).text == text
    assert Style("prefill").prompt(problem, Template()).stops == ()


def test_a_program_of_ours_is_asked_for_as_one(ours: Problem):
    text = Style("prefill").prompt(ours, Template()).text
    assert text is not None
    assert prompts.PROGRAM_PREFIX in text and "Print the input." in text
    assert text.endswith(f"<assistant>{prompts.PROGRAM_RESPONSE_PREFIX}\n```python\n")
    assert "<system>" not in text
    plain = Style("plain").prompt(ours, Template()).text
    assert plain is not None and plain.endswith("<assistant>")
    base = Style("base").prompt(ours).text
    assert (
        base is not None
        and base.startswith("Print the input.\n\n")
        and base.endswith("```python\n")
    )


@pytest.mark.parametrize("form", ["base", "prefill", "plain", "messages"])
def test_neither_printing_nor_a_main_part_ends_a_program(
    theirs: Benchmark, ours: Problem, form: prompts.Form
):
    for problem in (ours, *theirs):
        stops = Style(form).prompt(problem, Template()).stops
        assert prompts.cut(CODE, stops) == CODE


# What is taken from the reply


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (f"Sure.\n```python\n{CODE}```\nDone.", CODE),
        (f"```python\nprint(1)\n```\nBetter:\n```python\n{CODE}```\n", CODE),
        (f"```python\n{CODE}```\nIt prints\n```text\n5\n```\n", CODE),
        (f"```\n{CODE}```", CODE),
        (f"```python\n{CODE}", CODE),
        ("```C++\nint main() {}\n```\n", "int main() {}\n"),
        (CODE, CODE),
        ("print(1", ""),
        ("I can't solve this one.", ""),
        ("", ""),
    ],
)
def test_the_last_block_is_the_program(reply: str, code: str):
    assert extract_program(reply) == code


@pytest.mark.parametrize("form", ["base", "prefill", "plain", "messages"])
def test_a_reply_gives_its_program_in_every_form(
    theirs: Benchmark, ours: Problem, form: prompts.Form
):
    style = Style(form)
    for problem in (ours, theirs.by_task_id["ours_twice"], theirs.by_task_id["ours_sum"]):
        is_begun = style.opens_fence(problem)
        asked = style.prompt(problem, Template())
        if asked.text is not None:
            assert asked.text.endswith("```python\n") == is_begun
        text = CODE if is_begun else f"Here:\n```python\n{CODE}```\n"
        reply = Reply(key=(problem.id, 0), text=text, finish_reason="stop")
        for extraction in ("harness", "evalplus"):
            assert sample_of(reply, problem, style, extraction=extraction).code == CODE


# What was recorded


def test_livecodebenchs_own_lists_of_programs_are_read(theirs: Benchmark, tmp_path: Path):
    path = tmp_path / "lcb.json"
    path.write_text(
        '[{"question_id": "ours_sum", "code_list": ["print(1)", "print(2)"]},'
        ' {"question_id": "ours_half", "code_list": ["print(3)"]}]'
    )
    found = open_replay(path).samples(theirs)
    assert [
        (sample.problem_id.rpartition("/")[2], sample.index, sample.code)
        for sample in found.samples
    ] == [
        ("ours_sum", 0, "print(1)"),
        ("ours_sum", 1, "print(2)"),
        ("ours_half", 0, "print(3)"),
    ]
    path.write_text('[{"question_id": "ours_sum", "code_list": ["print(1)", 2]}]')
    with pytest.raises(DataError, match="row 0, code_list 1: solution is not a text but int"):
        open_replay(path)


def test_samples_of_the_whole_release_fit_a_window(theirs: Benchmark, tmp_path: Path):
    path = tmp_path / "samples.jsonl"
    path.write_text(
        "".join(f'{{"task_id": "{p.id}", "completion": "print(1)"}}\n' for p in PROBLEMS)
    )
    name = f"{theirs.name}:2025-03-01.."
    late = benchmarks.load(name, data=DataFolders(None, tmp_path))
    found = open_replay(path).samples(late)
    assert [sample.problem_id for sample in found.samples] == [
        f"{name}/ours_echo",
        f"{name}/ours_true",
    ]
    assert found.samples[0].code == "print(1)", "a program stands behind no prompt"
    assert not found.unknown and not found.missing
