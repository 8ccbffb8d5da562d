"""BigCodeBench's extraction: its quirks one by one, and a thousand replies of a real model."""

import gzip
import json
from pathlib import Path

import pytest

from harness.sanitizing import bigcodebench_code

F = "def f(x):\n    return x"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"Sure:\n```python\n{F}\n```\nDone.", F),
        (f"  \n{F}\n\n", F),
        (f"def helper():\n    print(1)\n{F}", F),
        ("def helper():\n    print(1)\ndef f(x):\n    helper()", None),
        (f"import os\nA = 1\nA = 2\n{F} + A", f"import os\nA = 1\n{F} + A"),
        (f"A, B = 1, 2\n{F}", F),
        (f"{F}\ndef f(x):\n    return 0", F),
        (f"{F}\nif True:\n    y = f(1)", F),
        (f"@cache\n{F}", "@cache\ndef f(x):\n    return x"),
        (f"{F}\nclass C:\n    pass\nresult = f(1)", F),
        ("one line", "one line"),
        ("", ""),
    ],
)
def test_quirks(text: str, code: str | None):
    assert bigcodebench_code(text, "f") == (text if code is None else code)


def test_the_tail_is_cut_where_it_mentions_the_entry_point():
    # `f = wrap(f)` is the second definition of `f`, so it is lost anyway; `g` is not.
    text = "g = 1\ndef f(x):\n    return h\nh = f2 = 3"
    assert bigcodebench_code(text, "f") == "def f(x):\n    return h"


@pytest.mark.parity
def test_as_published(parity_folder: Path):
    """The file has replies, and what the publisher's package (0.2.5) made of them."""
    name = "qwen25coder-7b-instruct.bigcodebench-complete-v0.1.2.samples.jsonl.gz"
    lines = gzip.decompress((parity_folder / name).read_bytes()).decode().splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 1140
    different = [
        row["task_id"]
        for row in rows
        if bigcodebench_code(row["raw_solution"], "task_func") != row["solution"]
    ]
    assert different == []
