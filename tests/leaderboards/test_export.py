"""A board in other people's formats."""

import csv
import io
import json
import re
from collections import Counter

import pytest

from leaderboards import export
from leaderboards.board import Board, make_board
from leaderboards.table import tables
from leaderboards.tallies import Tallies
from tests import schemas
from tests.stores import Run, random_outcome, write

HOSTILE = '=cmd|"/c calc"!A1 & 50%_of_a #|<b>$x^2$ \\{~}'
"""A name that means something to a spreadsheet, to Markdown and to LaTeX."""


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    home = tmp_path_factory.mktemp("home")
    write(home, Run("good", random_outcome(0.9, seed=1)))
    write(home, Run("weak", random_outcome(0.2, seed=2), num_samples=2))
    write(home, Run(HOSTILE, random_outcome(0.1, seed=3)))
    published = Run("good", random_outcome(0.9, seed=1), profile="published", kind="published")
    write(home, published)
    write(home, Run("lost", lambda p, s: "unscored"))
    write(home, Run("good", random_outcome(0.8, seed=4), benchmark="mbpp+", task="Mbpp"))
    (home / "runs" / "broken").mkdir()
    return make_board(Tallies().read([home]))


def test_json_is_as_the_schema_says(board: Board):
    content = json.loads(json.dumps(export.as_json(board)))
    schemas.check(content, "board")
    assert len(content["warnings"]) == 1
    rows = content["rankings"][0]["rows"]
    assert [row["checkpoint"] for row in rows][-1] == "lost"
    assert "rank" not in rows[-1] and rows[-1]["unranked"] == "nothing is scored"
    assert "cost" not in rows[0] and rows[0]["pass@1"].keys() == {"base", "plus"}
    del rows[0]["run"]
    with pytest.raises(AssertionError, match="run"):
        schemas.check(content, "board")


def test_csv_is_what_a_spreadsheet_opens(board: Board):
    text = export.as_csv(board)
    assert text.count("\r\n") == text.count("\n")
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    assert tuple(lines[0]) == export.COLUMNS
    assert Counter(line["checkpoint"] for line in lines)["good"] == 6
    plus = next(line for line in lines if line["suite"] == "plus" and line["rank"] == "1")
    assert 0 < float(plus["low"]) < float(plus["pass@1"]) < float(plus["high"]) < 1
    assert plus["n"] == "164" and plus["unscored"] == "0" and plus["cost"] == ""
    assert not any(value[:1] in "=+-@" for line in lines for value in line.values() if value)


def test_markdown_has_a_table_a_ranking(board: Board):
    text = export.as_markdown(board)
    blocks = [block.splitlines() for block in text.strip().split("\n\n")]
    tables_found = [block for block in blocks if block[0].startswith("|")]
    assert len(tables_found) == 2
    for table in tables_found:
        columns = {len(re.findall(r"(?<!\\)\|", line)) for line in table}
        assert columns == {8}, "every row has as many cells as the head"
    assert r"\<b\>" in text and "<b>" not in text


def test_latex_has_what_booktabs_wants_and_escapes_the_rest(board: Board):
    text = export.as_latex(board)
    for word in ("toprule", "midrule", "bottomrule"):
        assert text.count(rf"\{word}") == 2
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 2
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {5}
    hostile = next(row for row in rows if "calc" in row)
    assert r"\& 50\%\_of\_a \#" in hostile and r"\textbackslash{}\{\textasciitilde{}\}" in hostile
    without = re.sub(r"\\[&%$#_{}]|\\\w+(\{\})?|\\\\$|\$[\d.]+ \\pm [\d.]+\$", "", hostile)
    assert not re.search(r"[%$#_{}^~\\]", without), without


def test_eval_arena_lines_are_unique_and_add_up(board: Board):
    lines = [json.loads(line) for line in export.eval_arena_lines(board)]
    keys = Counter((line["benchmark_id"], line["model"], line["example_id"]) for line in lines)
    assert set(keys.values()) == {1}
    assert {line["model"] for line in lines} >= {"good", "good (published)", "weak"}
    weak = [line for line in lines if line["model"] == "weak"]
    assert len(weak) == 164 and {line["count"] for line in weak} == {2}
    assert all(line["pass1"] == line["correct"] / line["count"] for line in lines)


def test_the_terminals_table_says_what_matters(board: Board):
    from rich.console import Console

    console = Console(width=200, no_color=True)
    with console.capture() as shown:
        for part in tables(board):
            console.print(part)
    text = shown.get()
    assert "humaneval+ · profile evalplus-0.3.1 · 164 problems" in text
    (lost,) = (line for line in text.splitlines() if "lost" in line)
    assert "not ranked: nothing is scored" in lost and "–" in lost
    (imported,) = (line for line in text.splitlines() if "imported" in line)
    assert "●" in imported
