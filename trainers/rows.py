"""What is trained on: the rows of a dataset, or a file of problems, each with how it is asked.

    lessons = read("last", home=home)                 # a dataset of `harness generate`
    lessons = read("problems.jsonl", home=home)       # rows of harness.benchmarks.jsonl
    text = lesson_text(lesson, style, tokenizer)      # the very prompt that `harness eval` gives

A lesson is put to the model exactly as the evaluation puts it: same words, same template, same
fence. Published benchmarks are refused by name: what a model learned from, it may not be graded on.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from harness import benchmarks, datasets
from harness.benchmarks import jsonl
from harness.errors import DataError, UserError
from harness.prompts import OPENING_FENCE, ChatTemplate, Style
from harness.records import Problem, TrainingRow

CLOSING_FENCE = "\n```\n"


@dataclass(frozen=True, slots=True)
class Lesson:
    """One problem with its solution."""

    problem: Problem
    can_be_graded: bool = True
    """Whether its tests can be run: a program that reads standard input is for SFT alone."""

    @property
    def id(self) -> str:
        return self.problem.id

    @property
    def types(self) -> tuple[str, ...]:
        return self.problem.types


@dataclass(frozen=True, slots=True)
class Lessons:
    """All that one training sees, in the order of the files."""

    lessons: tuple[Lesson, ...]
    sha256: str
    """Of the files' contents, to the byte, in the order that they were named."""
    manifests: tuple[str, ...]
    """The datasets among them, by the sha of their manifest."""

    def __len__(self) -> int:
        return len(self.lessons)

    def gradable(self) -> tuple[Problem, ...]:
        """Problems whose tests can be run, each once.

        Raises:
            DataError: there is none.
        """
        found = {one.id: one.problem for one in self.lessons if one.can_be_graded}
        if not found:
            raise DataError("none of the rows has tests that can be run: a reward needs them")
        return tuple(found.values())


class LessonText(NamedTuple):
    """A lesson in two parts; the loss is on the second alone."""

    prompt: str
    completion: str


def read(sources: Sequence[str], *, home: Path) -> Lessons:
    """The lessons of these files and datasets.

    A source is the path of a file (rows of a dataset, or of a `jsonl:` benchmark), the folder of a
    dataset, its name, a prefix of it, or `last`.

    Raises:
        UserError: there is no such thing, it is a benchmark's name, or it holds no row.
    """
    lessons: list[Lesson] = []
    for source in sources:
        path, manifest = _locate(source, home)
        lessons += _lessons(path, name=manifest[: datasets.NAME_CHARS] or path.stem)
    if not lessons:
        raise DataError(f"{', '.join(sources)}: holds no row")
    return replace(named(sources, home=home), lessons=tuple(lessons))


def named(sources: Sequence[str], *, home: Path) -> Lessons:
    """The identity of these files and datasets, and no row of them: they may be plain text.

    Raises:
        UserError: there is no such thing, or it is a benchmark's name.
    """
    manifests: list[str] = []
    digest = hashlib.sha256()
    for source in sources:
        path, manifest = _locate(source, home)
        if manifest:
            manifests.append(manifest)
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return Lessons((), digest.hexdigest(), tuple(manifests))


def paths(sources: Sequence[str], *, home: Path) -> list[Path]:
    """The files that are meant.

    Raises:
        UserError: there is no such thing, or it is a benchmark's name.
    """
    return [_locate(source, home)[0] for source in sources]


def _locate(source: str, home: Path) -> tuple[Path, str]:
    """The file of rows, and the sha of its manifest where it has one."""
    path = Path(source.removeprefix("jsonl:")).expanduser()
    if path.is_file():
        return path, ""
    if (path / datasets.ROWS).is_file() and not (path / datasets.MANIFEST).is_file():
        return path / datasets.ROWS, ""
    if source in benchmarks.BUILT_IN:
        raise UserError(
            f"{source} is a benchmark: what a model was trained on can't measure it. "
            "Name a dataset (`harness generate` makes one) or a file of problems of your own"
        )
    if path.suffix in (".jsonl", ".gz"):
        raise DataError(f"{path}: there is no such file")
    found = datasets.find(home, source)
    return found.path / datasets.ROWS, found.manifest.sha


def _lessons(path: Path, *, name: str) -> list[Lesson]:
    first = next(iter(jsonl.numbered_lines(jsonl.read_text(path))), None)
    if first is None:
        return []
    if "seed_id" in jsonl.parse_object(first[1], f"{path}:{first[0]}"):
        return [_of_row(row, name) for row in datasets.rows(path)]
    return [Lesson(problem) for problem in jsonl.load(path, name=name).problems]


def _of_row(row: TrainingRow, name: str) -> Lesson:
    if row.form != "stdio":
        return Lesson(datasets.problem_of(row, dataset=name))
    bare = Problem(
        id=f"{name}/{row.id}",
        task_id=row.id,
        prompt=row.prompt,
        entry_point=row.entry_point,
        solution=row.solution,
        suites=(),
        sha256=hashlib.sha256(f"{row.prompt}\0{row.solution}".encode()).hexdigest(),
        types=(row.type,),
    )
    return Lesson(bare, can_be_graded=False)


def lesson_text(problem: Problem, style: Style, template: ChatTemplate | None) -> LessonText:
    """The prompt as an evaluation puts it, and the reply that would be wanted; without end token."""
    prompt = style.prompt(problem, template).text
    assert prompt is not None, "a local model is asked in text"
    solution = problem.solution.strip()
    match style.form:
        case "prefill":
            return LessonText(prompt, f"{solution}{CLOSING_FENCE}")
        case "base":
            asked = problem.prompt.strip()
            if solution.startswith(asked):  # the docstring form: the body goes on from it
                return LessonText(prompt, solution[len(asked) :].lstrip("\n") + "\n")
            return LessonText(prompt, f"{solution}\n")
        case _:
            return LessonText(prompt, f"{OPENING_FENCE}{solution}{CLOSING_FENCE}")


def texts(paths: Iterable[Path]) -> list[str]:
    """Documents: the fields `text`, or prompt and solution, of JSONL rows; else whole files.

    Raises:
        DataError: a file can't be read, or a row has none of these fields.
    """
    found: list[str] = []
    for path in paths:
        content = jsonl.read_text(path)
        if not path.name.endswith((".jsonl", ".jsonl.gz")):
            found.append(content)
            continue
        for number, line in jsonl.numbered_lines(content):
            row = jsonl.parse_object(line, f"{path}:{number}")
            if isinstance(row.get("text"), str):
                found.append(str(row["text"]))
            elif isinstance(row.get("prompt"), str) and isinstance(row.get("solution"), str):
                found.append(f"{row['prompt']}\n{row['solution']}\n")
            else:
                fields = json.dumps(sorted(row))[:200]
                raise DataError(
                    f"{path}:{number}: no `text`, nor `prompt` and `solution`: {fields}"
                )
    return found
