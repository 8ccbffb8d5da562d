"""The sanity benchmark: small problems of our own that travel inside the package.

    harness eval fake:demo -b sanity

sanity.toml has the problems, in the fields of a `jsonl:` row; sanity_replies.toml has replies
to them, good, bad and hostile, for the checkpoint `fake:demo`. So the whole path from reply to
verdict runs with nothing to download. It measures the harness, not a model.

`sanity-unittest` (sanity_unittest.toml) is the same for problems that a unittest file tests.
"""

import tomllib
from importlib import resources
from typing import NamedTuple, cast

from harness.benchmarks.jsonl import benchmark_of, problem_from_row
from harness.records import Benchmark

NAME = "sanity"
UNITTEST_NAME = "sanity-unittest"


class DemoReply(NamedTuple):
    """What the demo checkpoint answers to one problem."""

    task_id: str
    kind: str
    """What the reply is there to show: the `kind` of sanity_replies.toml."""
    text: str


def load() -> Benchmark:
    """The problems of sanity.toml, by default graded with the profile `strict`."""
    return _load(NAME, "sanity.toml")


def load_unittest() -> Benchmark:
    """The problems of sanity_unittest.toml: each has a unittest file that runs beside the answer."""
    return _load(UNITTEST_NAME, "sanity_unittest.toml")


def _load(name: str, file_name: str) -> Benchmark:
    rows = _tables(file_name, "problem")
    problems = [problem_from_row(row, benchmark=name, where=file_name) for row in rows]
    return benchmark_of(problems, name=name, where=file_name)


def replies() -> list[DemoReply]:
    """The replies of sanity_replies.toml, in their order."""
    return [
        DemoReply(str(row["task_id"]), str(row["kind"]), str(row["text"]))
        for row in _tables("sanity_replies.toml", "reply")
    ]


def _tables(file_name: str, name: str) -> list[dict[str, object]]:
    text = resources.files("harness.benchmarks").joinpath(file_name).read_text("utf-8")
    return cast(list[dict[str, object]], tomllib.loads(text)[name])
