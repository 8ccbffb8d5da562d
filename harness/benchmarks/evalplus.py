"""HumanEval+ and MBPP+: the files of EvalPlus as problems, and verdicts in EvalPlus's format.

    benchmark = load("humaneval+", data=DataFolders.from_env())
    json.dump(eval_results(benchmark, run), out)

A benchmark's hash is what EvalPlus prints as `hash`: the md5 of the decompressed file. It is
held against the published one before a line is read, so the rows need no further checks.
`humaneval` and `mbpp` are the base suites of the same files.

Not here: expected values (the canonical solutions give them, in a sandbox), comparison rules
(grading/profiles.py), and the `contract` and `assertion` fields, which no verdict depends on.
"""

import gc
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias, TypedDict, cast

from harness.benchmarks.data import FILES, DataFolders, published, read_published
from harness.errors import UnknownName
from harness.records import (
    Benchmark,
    EvalRun,
    Problem,
    Sample,
    Status,
    Suite,
    SuiteResult,
    Value,
    Verdict,
    content_sha256,
)

PROFILE = "evalplus-0.3.1"
NAMES: tuple[str, ...] = ("humaneval", "mbpp", *(file.name for file in FILES))


def load(name: str, *, data: DataFolders) -> Benchmark:
    """One of `NAMES`, in the publisher's order.

    Raises:
        UnknownName: the name is none of `NAMES`.
        DataError: the file is missing or is not the published one; says what to type.
    """
    if name not in NAMES:
        raise UnknownName("benchmark", name, NAMES)
    file = published(name)
    content = read_published(file, data)
    suites = ("base", "plus") if "+" in name else ("base",)
    family = "mbpp" if name.startswith("mbpp") else "humaneval"
    with _collector_paused():
        problems = tuple(
            _problem(_fields(line), benchmark=name, family=family, suites=suites)
            for line in content.decode().split("\n")
            if line
        )
    return Benchmark(
        name=name,
        hash=file.md5,
        problems=problems,
        default_profile=PROFILE,
        version=file.version,
    )


@contextmanager
def _collector_paused() -> Generator[None]:
    """Parsing makes a million lists and no cycle; looking for cycles takes most of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Field(NamedTuple):
    """A value of a row, and the JSON that it was written as."""

    value: Value
    text: str

    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


_decode = json.JSONDecoder().raw_decode
_BETWEEN = re.compile(r"[\s,:]*")


def _fields(line: str) -> dict[str, _Field]:
    """A row, field by field, so that the inputs are hashed as they are written.

    A Mini file lacks a field that the full one has, so a hash of whole lines would tell
    apart problems that are the same; writing 120,000 inputs as JSON again takes longer than
    all the rest. The line must be a JSON object (the md5 of the file says that it is).
    """
    fields: dict[str, _Field] = {}
    at = line.index("{") + 1
    while line[at] != "}":
        key, end = cast(tuple[str, int], _decode(line, at))
        start = _after(line, end)
        value, end = _decode(line, start)
        fields[key] = _Field(value, line[start:end])
        at = _after(line, end)
    return fields


def _after(line: str, at: int) -> int:
    match = _BETWEEN.match(line, at)
    return match.end() if match else at


def _problem(
    fields: dict[str, _Field], *, benchmark: str, family: str, suites: tuple[str, ...]
) -> Problem:
    task_id, prompt, entry_point, canonical = (
        str(fields[name].value)
        for name in ("task_id", "prompt", "entry_point", "canonical_solution")
    )
    atol = float(cast(float, fields["atol"].value))
    tested = {
        "prompt": prompt,
        "entry_point": entry_point,
        "solution": prompt + canonical,
        "atol": atol,
        "family": family,
        "tests": {suite: fields[f"{suite}_input"].sha256() for suite in suites},
    }
    return Problem(
        id=f"{benchmark}/{task_id}",
        task_id=task_id,
        prompt=prompt,
        entry_point=entry_point,
        solution=prompt + canonical,
        suites=tuple(
            Suite(suite, _arguments(task_id, fields[f"{suite}_input"].value)) for suite in suites
        ),
        sha256=content_sha256(tested),
        atol=atol,
        family=family,
    )


# The inputs of MBPP+ are stored as JSON, which has neither tuples nor sets nor complex numbers.

Converter: TypeAlias = Callable[[Value], Value]


def _same(value: Value) -> Value:
    return value


def _tuple(value: Value) -> Value:
    return tuple(cast(list[Value], value))


def _tuple_if_list(value: Value) -> Value:
    return tuple(cast(list[Value], value)) if isinstance(value, list) else value


def _deep_tuple(value: Value) -> Value:
    if not isinstance(value, list):
        return value
    return tuple(_deep_tuple(element) for element in cast(list[Value], value))


def _set_or_dict(value: Value) -> Value:
    # Their reading of Mbpp/115: what was an empty set or dict, JSON wrote as something empty.
    return set(cast(list[Value], value)) if isinstance(value, list) and value else {}


def _complex(value: Value) -> Value:
    return complex(cast(str, value))


def _float(value: Value) -> Value:
    return float(cast(str, value))


def _list_of(convert: Converter) -> Converter:
    return lambda value: [convert(element) for element in cast(list[Value], value)]


def _tuple_of(convert: Converter) -> Converter:
    return lambda value: tuple(convert(element) for element in cast(list[Value], value))


def _dict_of(convert: Converter) -> Converter:
    return lambda value: {
        key: convert(element) for key, element in cast(dict[str, Value], value).items()
    }


def _table(*lines: tuple[str, tuple[Converter, ...]]) -> Mapping[int, tuple[Converter, ...]]:
    return {int(number): converters for numbers, converters in lines for number in numbers.split()}


MBPP_CONVERTERS = _table(
    (
        "2 116 132 143 222 261 273 394 399 421 424 429 470 560 579 596 616 630 726 740 744 809",
        (_tuple,),
    ),
    (
        "63 64 70 94 120 237 272 299 400 409 417 438 473 614 780",
        (_list_of(_tuple),),
    ),
    ("75 413 444 753", (_list_of(_tuple), _same)),
    ("106 750", (_same, _tuple)),
    ("250 307 405 446 617 720 763 808", (_tuple, _same)),
    ("259 401 445", (_tuple_of(_tuple),)),
    ("278", (_tuple_of(_tuple_if_list),)),
    ("580 615 791", (_deep_tuple,)),
    ("722", (_dict_of(_tuple), _same)),
    ("115", (_list_of(_set_or_dict),)),
    ("124", (_float, _complex)),
    ("252", (_complex,)),
)
"""By task number, a converter an argument; the last one holds for all that follow.

Held equal to `evalplus.data.mbpp.mbpp_deserialize_inputs` by a test. Ten of the tasks left the
set with v0.2.0 and are kept, so that the table is the publisher's whole.
"""


def _arguments(task_id: str, calls: Value) -> tuple[tuple[Value, ...], ...]:
    """The argument tuples of the calls that a row lists.

    `calls` is `{}` in one row, Mbpp/793: no calls.
    """
    rows = cast(list[list[Value]], calls)
    prefix, _, number = task_id.partition("/")
    converters = MBPP_CONVERTERS.get(int(number)) if prefix == "Mbpp" else None
    if converters is None:
        return tuple(map(tuple, rows))
    *leading, last = converters
    num_leading = len(leading)
    return tuple(
        (
            *(convert(value) for convert, value in zip(leading, row[:num_leading], strict=True)),
            *(last(value) for value in row[num_leading:]),
        )
        for row in rows
    )


class EvalResult(TypedDict):
    """One sample in EvalPlus's results."""

    task_id: str
    solution: str
    base_status: str
    plus_status: str | None
    base_fail_tests: list[list[object]]
    plus_fail_tests: list[list[object]]


class EvalResults(TypedDict):
    """The whole of an `_eval_results.json`."""

    date: str
    hash: str
    eval: dict[str, list[EvalResult]]


def eval_results(benchmark: Benchmark, run: EvalRun) -> EvalResults:
    """The run as EvalPlus 0.3.1 writes it, ready for `json.dump`.

    Tasks come in the benchmark's order, samples by index. A timeout is a `timeout`, any other
    failure a `fail`; `plus_status` is None where only the base suite was run. What is unscored
    is left out: their format has no word for it. `date` is that of the run, in UTC, so that
    writing the file again gives the same file.
    """
    by_problem: defaultdict[str, list[tuple[Sample, Verdict]]] = defaultdict(list)
    for key in sorted(run.samples):
        verdict = run.verdicts.get(key)
        if verdict and verdict.scored:
            by_problem[key[0]].append((run.samples[key], verdict))
    return {
        "date": run.config.created.strftime("%Y-%m-%d %H:%M"),
        "hash": benchmark.hash,
        "eval": {
            problem.task_id: [
                _eval_result(problem, sample, verdict) for sample, verdict in by_problem[problem.id]
            ]
            for problem in benchmark
            if problem.id in by_problem
        },
    }


def _eval_result(problem: Problem, sample: Sample, verdict: Verdict) -> EvalResult:
    base, plus = verdict.suites.get("base"), verdict.suites.get("plus")
    return {
        "task_id": problem.task_id,
        "solution": sample.code,
        "base_status": _status(base) or "fail",
        "plus_status": _status(plus),
        "base_fail_tests": _fail_tests(problem, "base", base),
        "plus_fail_tests": _fail_tests(problem, "plus", plus),
    }


def _status(suite: SuiteResult | None) -> str | None:
    if suite is None:
        return None
    return {Status.PASSED: "pass", Status.TIMEOUT: "timeout"}.get(suite.status, "fail")


def _fail_tests(problem: Problem, name: str, suite: SuiteResult | None) -> list[list[object]]:
    if suite is None or suite.failure is None or suite.failure.test is None:
        return []
    arguments = problem.suite(name).inputs[suite.failure.test]
    match problem.task_id, arguments:
        # Two tasks in which `mbpp_serialize_inputs` writes as if all values were of one type.
        case "Mbpp/115", _:
            return [[[list(element) for element in cast(list[set[Value]], arguments[0])]]]
        case "Mbpp/124", _:
            return [[str(value) for value in arguments]]
        case _:
            return [[_as_json(value) for value in arguments]]


def _as_json(value: Value) -> object:
    """The value in JSON's types; what JSON can't hold becomes text, as in their files."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list() | tuple() | set() | frozenset():
            return [_as_json(element) for element in cast(list[Value], value)]
        case dict():
            return {
                str(key): _as_json(inner) for key, inner in cast(dict[Value, Value], value).items()
            }
        case complex():
            return str(value)
        case _:
            return repr(value)
