"""`harness board` as it is typed, and the server behind --serve."""

import http.client
import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, cast

import pytest

from harness import cli
from harness.benchmarks import DataFolders
from leaderboards.board import make_board
from leaderboards.page import PageOptions, render
from leaderboards.problems import describe
from leaderboards.serve import BoardServer
from leaderboards.tallies import Tallies, state_of
from tests import schemas
from tests.stores import Run, random_outcome, write


class Typed(NamedTuple):
    code: int
    out: str
    err: str


TypeIn = Callable[..., Typed]


@pytest.fixture
def type_in(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> TypeIn:
    monkeypatch.chdir(home.parent)
    monkeypatch.delenv("HARNESS_DATA", raising=False)

    def type_in(*words: str) -> Typed:
        monkeypatch.setattr(sys, "argv", ["harness", *words])
        capfd.readouterr()
        with pytest.raises(SystemExit) as exited:
            cli.main()
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Typed(cast(int, exited.value.code or 0), out, err)

    return type_in


@pytest.fixture
def stored(home: Path) -> Path:
    write(home, Run("good", random_outcome(0.9, seed=1)))
    write(home, Run("weak", random_outcome(0.3, seed=2), number=1))
    return home


def test_the_board_of_this_home_and_of_others(stored: Path, type_in: TypeIn, tmp_path: Path):
    typed = type_in("board")
    rows = [line.split() for line in typed.out.splitlines()[2:]]
    assert typed.code == 0 and [row[:2] for row in rows] == [["1", "good"], ["2", "weak"]]
    write(tmp_path / "theirs", Run("best", lambda p, s: "passed"))
    both = type_in("board", str(stored), str(tmp_path / "theirs"))
    assert [line.split()[1] for line in both.out.splitlines()[2:]] == ["best", "good", "weak"]
    nothing = type_in("board", str(tmp_path / "nowhere"))
    assert nothing.code == 2 and "has no runs" in nothing.err


def test_each_form_is_alone_on_standard_output(stored: Path, type_in: TypeIn):
    (stored / "runs" / "spoiled").mkdir()
    typed = type_in("board", "--json")
    schemas.check(json.loads(typed.out), "board")
    assert typed.code == 0 and typed.err.count("\n") == 1 and "spoiled" in typed.err
    assert type_in("board", "--csv").out.startswith("benchmark,rank,")
    assert type_in("board", "--markdown").out.startswith("**humaneval+**")
    assert r"\toprule" in type_in("board", "--latex").out
    lines = type_in("board", "--eval-arena").out.splitlines()
    assert len(lines) == 328 and json.loads(lines[0])["benchmark_id"] == "humaneval+"
    two = type_in("board", "--json", "--csv")
    assert two.code == 2 and "one form at a time" in two.err


def test_one_benchmark_alone(stored: Path, type_in: TypeIn):
    write(stored, Run("good", random_outcome(0.5, seed=3), benchmark="mbpp+", task="Mbpp"))
    assert type_in("board").out.count("profile evalplus-0.3.1") == 2
    typed = type_in("board", "-b", "mbpp+", "--json")
    (ranking,) = json.loads(typed.out)["rankings"]
    assert ranking["benchmark"] == "mbpp+"


def test_the_page_is_written_whole(stored: Path, type_in: TypeIn, tmp_path: Path):
    typed = type_in("board", "--html", "out/board.html", "--title", "Ours & theirs")
    assert typed.code == 0 and "2 runs" in typed.err
    text = (stored.parent / "out" / "board.html").read_text()
    assert text.rstrip().endswith("</html>")
    assert "<title>Ours &amp; theirs</title>" in text and "<script src" not in text
    assert type_in("board", "--html", "s.html", "--split").code == 0
    data = stored.parent / "s-data"
    assert sorted(path.name for path in data.iterdir()) == ["0.js", "1.js"]
    assert (data / "0.js").read_text().startswith("BOARD.add(0, {")
    assert type_in("board", "--split").code == 2
    blocked = type_in("board", "--html", "s.html/board.html")
    assert blocked.code == 4 and "cannot write" in blocked.err


def test_prices_give_a_cost(stored: Path, type_in: TypeIn):
    prices = stored.parent / "prices.toml"
    prices.write_text('[good]\ninput = 1.0\noutput = 2.0\n[note]\ntext = "no price"\n')
    typed = type_in("board", "--json")
    rows = json.loads(typed.out)["rankings"][0]["rows"]
    assert all("cost" not in row for row in rows)
    typed = type_in("--set", f"model.prices={prices}", "board", "--json")
    costs = {
        row["checkpoint"]: row.get("cost") for row in json.loads(typed.out)["rankings"][0]["rows"]
    }
    assert costs["good"] == pytest.approx(
        (164 * 150 + 2 * sum(80 + n % 40 for n in range(164))) / 1e6
    )
    assert costs["weak"] is None


def test_a_name_for_recorded_samples_is_their_row(home: Path, type_in: TypeIn, monkeypatch):
    """Two files of one's own models: the board, the comparison."""
    from harness.benchmarks import sanity

    monkeypatch.setenv("HARNESS_SANDBOX__ALLOW_PLAIN", "true")
    problems = sanity.load().problems[:6]
    for name, num_right in (("one", 6), ("two", 2)):
        lines = [
            {"task_id": problem.task_id,
             "solution": problem.solution if number < num_right else "x = 1"}
            for number, problem in enumerate(problems)
        ]  # fmt: skip
        file = home.parent / f"{name}.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        assert type_in("eval", str(file), "-b", "sanity", "--name", f"model-{name}").code == 0
    typed = type_in("board")
    assert "model-one" in typed.out and "model-two" in typed.out
    assert "6 of 68 problems" in typed.out


# --- serving --------------------------------------------------------------------------------------


@pytest.fixture
def server(stored: Path) -> Iterator[BoardServer]:
    tallies = Tallies()

    def make_page(state: str):
        board = make_board(tallies.read([stored]))
        about = describe(board, data=DataFolders(None, Path("/nowhere")))
        return render(board, about=about, options=PageOptions(folder="samples", state=state))

    with BoardServer(lambda: state_of([stored]), make_page) as server:
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        yield server
    thread.join(timeout=10)
    assert not thread.is_alive()


def ask(server: BoardServer, path: str, host: str | None = None) -> tuple[int, str]:
    address = server.url.removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("GET", path, headers={"Host": host or address})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_what_is_served_is_made_again_when_runs_go_on(server: BoardServer, stored: Path):
    status, page = ask(server, "/")
    _, state = ask(server, "/state")
    assert status == 200 and f'"state":"{state}"' in page and "connect-src" in page
    assert ask(server, "/samples/0.js")[1].startswith("BOARD.add(0, ")
    write(stored, Run("new", random_outcome(0.6, seed=5), number=2))
    assert ask(server, "/state")[1] != state
    assert ">new</a>" in ask(server, "/")[1]


def test_only_the_loopback_is_answered_and_only_what_there_is(server: BoardServer):
    assert server.url.startswith("http://127.0.0.1:")
    assert ask(server, "/", host="board.example")[0] == 404
    for path in ("/samples/99.js", "/samples/../config.js", "/config.json", "/samples/x.js"):
        assert ask(server, path)[0] == 404
