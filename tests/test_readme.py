"""What the README shows is run as it stands."""

import re
import textwrap
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text()


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    block = re.search(r"## From Python\n\n((?:    .*\n|\n)+)", README)
    assert block is not None
    monkeypatch.chdir(tmp_path)
    exec(textwrap.dedent(block.group(1)), {})
    assert list((tmp_path / "cache").rglob("*.truth"))


def test_the_benchmarks_of_the_table_exist():
    from harness import benchmarks

    families = "humaneval|mbpp|sanity|bigcodebench|livecodebench"
    shown = set(re.findall(rf"`((?:{families})[^`@:]*)[`@:]", README)) - {"humaneval_plus"}
    assert shown & benchmarks.BUILT_IN.keys() == benchmarks.BUILT_IN.keys()
