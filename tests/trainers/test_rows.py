"""What is trained on is asked as an evaluation asks it."""

import json

import pytest

from harness.benchmarks import jsonl
from harness.errors import DataError, UnknownName, UserError
from harness.generation import sample_of
from harness.models.protocol import Reply
from harness.prompts import Style
from tests.trainers.problems import write
from trainers import rows
from trainers.rows import lesson_text


class Template:
    """A chat template of the plainest kind."""

    chat_template = "…"

    def apply_chat_template(self, conversation, *, tokenize, add_generation_prompt):
        text = "".join(f"<{m['role']}>{m['content']}</>" for m in conversation)
        return text + ("<assistant>" if add_generation_prompt else "")


@pytest.mark.parametrize("form", ["base", "prefill", "plain"])
def test_the_wanted_reply_is_read_back_as_the_solution(tmp_path, form) -> None:
    """Prompt as in an evaluation; its reply, extracted as there, is the program of the row."""
    style = Style(form)
    for lesson in rows.read([str(write(tmp_path / "p.jsonl", 6))], home=tmp_path).lessons:
        problem = lesson.problem
        text = lesson_text(problem, style, Template())
        assert text.prompt == style.prompt(problem, Template()).text
        reply = Reply((problem.id, 0), text.completion, "stop")
        code = sample_of(reply, problem, style, extraction="harness").code
        assert code.strip() == problem.solution.strip()


def test_a_file_is_identified_by_its_bytes(tmp_path) -> None:
    one = rows.read([str(write(tmp_path / "a.jsonl"))], home=tmp_path)
    two = rows.read([str(write(tmp_path / "b.jsonl"))], home=tmp_path)
    assert one.sha256 == two.sha256 != rows.named(["a.jsonl"] * 0, home=tmp_path).sha256
    assert len(one) == 48
    assert one.manifests == ()


def test_rows_of_a_dataset_are_lessons_and_stdio_is_for_sft_alone(tmp_path) -> None:
    common = {
        "type": "sums",
        "family": "sum",
        "level": 1,
        "style": "loop",
        "signature": "s",
        "seed_id": "1",
        "teacher": "grammar@1",
        "plan": "p",
    }
    function = {
        "id": "f",
        "form": "sentence",
        "prompt": "Double x.",
        "entry_point": "double",
        "solution": "def double(x):\n    return 2 * x\n",
        "tests": ["double(2) == 4"],
    }
    program = {
        "id": "g",
        "form": "stdio",
        "prompt": "Double the number that is read.",
        "entry_point": "",
        "solution": "print(2 * int(input()))\n",
        "tests": ['run("2\\n") == "4\\n"'],
    }
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(common | each) + "\n" for each in (function, program)))
    found = rows.read([str(path)], home=tmp_path)
    assert [lesson.can_be_graded for lesson in found.lessons] == [True, False]
    assert [problem.entry_point for problem in found.gradable()] == ["double"]
    assert found.lessons[1].types == ("sums",)


def test_a_benchmark_is_not_trained_on(tmp_path) -> None:
    with pytest.raises(UserError, match="humaneval\\+ is a benchmark"):
        rows.read(["humaneval+"], home=tmp_path)
    with pytest.raises(DataError, match="there is no such file"):
        rows.read(["nowhere.jsonl"], home=tmp_path)
    with pytest.raises((UserError, UnknownName), match="datasets"):
        rows.read(["last"], home=tmp_path)


def test_texts_are_read_from_rows_and_plain_files(tmp_path) -> None:
    plain, documents = tmp_path / "a.txt", tmp_path / "b.jsonl"
    plain.write_text("one document")
    documents.write_text('{"text": "two"}\n{"prompt": "p", "solution": "s"}\n')
    assert rows.texts([plain, documents]) == ["one document", "two", "p\ns\n"]
    documents.write_text('{"words": "two"}\n')
    with pytest.raises(DataError, match="no `text`"):
        rows.texts([documents])


def test_jsonl_rows_are_those_of_a_benchmark(tmp_path) -> None:
    path = write(tmp_path / "p.jsonl", 6)
    of_benchmark = jsonl.load(path, name="p").problems
    assert rows.read([f"jsonl:{path}"], home=tmp_path).gradable() == of_benchmark
