"""Boards of run directories: real ones that the harness made, and stores written at once."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config import Settings
from harness.errors import UserError
from harness.evaluation import evaluate
from harness.models.endpoint import Price
from harness.records import Checkpoint, Measured, Problem, Round
from harness.stats import paired_difference
from harness.store import Store
from harness.summary import summary
from leaderboards import pairs
from leaderboards.board import Board, Place, make_board
from leaderboards.rounds import read_guards, read_rounds
from leaderboards.tallies import Tallies, state_of
from sandboxes.fake import FakeSandbox
from tests.fake_model import FakeModel
from tests.stores import Outcome, Run, random_outcome, write


def board_of(*homes: Path, **more: Any) -> Board:
    return make_board(Tallies().read(homes), **more)


def passes(*failed: int) -> Outcome:
    return lambda problem, sample: "wrong_answer" if problem in failed else "passed"


def first(problems: int) -> Outcome:
    """Passes the first problems."""
    return lambda problem, sample: "passed" if problem < problems else "exception"


def names(board: Board) -> list[tuple[int | None, str]]:
    return [(place.rank, place.row.name) for place in board.rankings[0].places]


def place_of(board: Board, name: str) -> Place:
    return next(p for r in board.rankings for p in r.places if p.row.name == name)


# --- counting ---------------------------------------------------------------------------------


@pytest.mark.parametrize("num_samples", [1, 3])
def test_tallies_say_what_the_store_says(tmp_path: Path, num_samples: int):
    outcome = random_outcome(0.5, seed=1)
    run = Run("a", lambda p, s: "unscored" if p == 7 else outcome(p, s), num_samples=num_samples)
    path = write(tmp_path, run)
    (tally,) = Tallies().read([tmp_path]).tallies
    recorded = Store(tmp_path).load(path.name)
    assert (tally.num_samples, tally.num_scored) == (len(recorded), recorded.num_scored)
    assert tally.num_unscored == num_samples and len(tally.problems) == 163
    assert tally.grading_cpu_s == pytest.approx(sum(verdict.cpu_s for verdict in recorded))
    samples = list(recorded.samples.values())
    assert tally.tokens_out == pytest.approx(
        sum(sample.num_tokens_out or 0 for sample in samples) / len(samples)
    )
    assert tally.total_tokens is not None and tally.total_tokens[0] == 150 * len(samples)
    assert tally.generation_s == pytest.approx(0.5 * len(samples))
    place = board_of(tmp_path).rankings[0].places[0]
    assert place.rates == summary(recorded).pass_at[1]
    assert place.score == place.rates["plus"]


def test_the_latest_verdict_counts_and_one_without_its_sample_does_not(tmp_path: Path):
    path = write(tmp_path, Run("a", passes(0, 1), num_problems=20))
    verdicts = (path / "verdicts.jsonl").read_text().splitlines()
    graded_again = verdicts[2].replace('HumanEval/2"', 'HumanEval/0"')
    foreign = verdicts[2].replace('HumanEval/2"', 'HumanEval/900"')
    (path / "verdicts.jsonl").write_text("\n".join([*verdicts, graded_again, foreign]) + "\n")
    (tally,) = Tallies().read([tmp_path]).tallies
    assert tally.num_scored == 20
    assert sum(problem.num_passed[-1] for problem in tally.problems.values()) == 19
    recorded = Store(tmp_path).load(path.name)
    assert sum(verdict.passed for verdict in recorded) == 19


def test_lines_that_duckdb_cannot_read_are_read_all_the_same(tmp_path: Path):
    path = write(tmp_path, Run("a", passes(0), num_problems=20))
    verdicts = (path / "verdicts.jsonl").read_text().splitlines()
    verdicts[0] = verdicts[0].replace('"got": "2"', '"got": "\\ud800"')
    (path / "verdicts.jsonl").write_text("\n".join(verdicts) + "\n")
    found = Tallies().read([tmp_path])
    assert not found.warnings
    assert found.tallies[0].num_scored == 20


def test_only_what_changed_is_read_again(tmp_path: Path):
    write(tmp_path, Run("a", passes()))
    path = write(tmp_path, Run("b", passes(1)))
    tallies, before = Tallies(), state_of([tmp_path])
    one, two = tallies.read([tmp_path]).tallies
    with (path / "samples.jsonl").open("a") as samples:
        samples.write('{"problem_id":"humaneval+/HumanEval/164","index":0,"code":""}\n')
    assert state_of([tmp_path]) != before
    again = tallies.read([tmp_path]).tallies
    kept = next(tally for tally in (one, two) if tally.run.path != path)
    assert any(tally is kept for tally in again)
    assert {tally.num_samples for tally in again} == {164, 165}


# --- what is broken costs a line ----------------------------------------------------------------


def spoil(path: Path, how: str) -> None:
    verdicts = path / "verdicts.jsonl"
    text = verdicts.read_text()
    if how == "no config":
        (path / "config.json").unlink()
    elif how == "half a config":
        config = (path / "config.json").read_text()
        (path / "config.json").write_text(config[: len(config) // 2])
    elif how == "a line of garbage":
        verdicts.write_text(text + "garbage\n")
    elif how == "a verdict of another shape":
        verdicts.write_text(text + '{"problem_id": "x", "index": 0, "suites": 3}\n')
    elif how == "bytes":
        verdicts.write_bytes(b"\xff\xfe\x00\x01\n" * 5)


@pytest.mark.parametrize(
    "how",
    ["no config", "half a config", "a line of garbage", "a verdict of another shape", "bytes"],
)
def test_a_corrupt_run_costs_one_line_and_never_the_board(tmp_path: Path, how: str):
    write(tmp_path, Run("good", passes()))
    spoil(write(tmp_path, Run("spoiled", passes())), how)
    board = board_of(tmp_path)
    assert [name for _, name in names(board)] == ["good"]
    (warning,) = board.warnings
    assert "spoiled" in warning and "\n" not in warning


@pytest.mark.parametrize("num_bytes", [0, 1, 700, 5000])
def test_a_run_that_is_being_written_is_shown_without_a_rank(tmp_path: Path, num_bytes: int):
    write(tmp_path, Run("good", passes()))
    path = write(tmp_path, Run("half", passes()))
    for name in ("samples.jsonl", "verdicts.jsonl"):
        (path / name).write_bytes((path / name).read_bytes()[:num_bytes])
    board = board_of(tmp_path)
    assert not board.warnings
    half = place_of(board, "half")
    assert half.rank is None and half.unranked
    assert names(board)[0] == (1, "good")


def test_a_folder_without_runs_is_said(tmp_path: Path):
    with pytest.raises(UserError, match="has no runs"):
        board_of(tmp_path)


# --- ranks --------------------------------------------------------------------------------------


def test_ties_share_the_rank_of_the_best_of_their_tier(tmp_path: Path):
    for name, num_passed in (("best", 120), ("close", 118), ("far", 60), ("farther", 58)):
        write(tmp_path, Run(name, first(num_passed)))
    board = board_of(tmp_path)
    assert names(board) == [(1, "best"), (1, "close"), (3, "far"), (3, "farther")]
    # Problems 58 to 119: all pass those before, none those after.
    assert board.rankings[0].num_informative == 62


def test_checkpoints_that_differ_by_noise_share_a_rank(tmp_path: Path):
    """From the model to the board: two that fail on other problems, and one that fails on most."""
    settings = Settings(home=tmp_path / "home", cache=tmp_path / "cache")

    def measure(name: str, fails: range) -> None:
        def answer(problem: Problem, index: int) -> str:
            number = numbers.setdefault(problem.id, len(numbers))
            return "def nothing(): pass" if number in fails else f"```python\n{problem.solution}```"

        numbers: dict[str, int] = {}
        model = FakeModel(answer)
        model.checkpoint = Checkpoint(kind="model", name=name, source=name, identity=name)
        evaluate("fake", "sanity", settings=settings, sandbox=FakeSandbox(), model=model)

    measure("one", range(0, 5))
    measure("two", range(5, 12))
    measure("weak", range(0, 40))
    board = board_of(tmp_path / "home")
    assert names(board) == [(1, "one"), (1, "two"), (3, "weak")]
    assert all(place.tally.num_unscored == 0 for place in board.rankings[0].places)


def test_more_than_one_percent_unscored_is_not_ranked_and_said(tmp_path: Path):
    def lost(*which: int) -> Outcome:
        return lambda problem, sample: "unscored" if problem in which else "passed"

    write(tmp_path, Run("one lost", lost(1)))
    write(tmp_path, Run("two lost", lost(1, 2)))
    board = board_of(tmp_path)
    assert names(board) == [(1, "one lost"), (None, "two lost")]
    assert place_of(board, "two lost").unranked == "1.2% unscored"
    score = place_of(board, "two lost").score
    assert score is not None and score.num_problems == 162


def test_a_part_of_a_benchmark_is_not_ranked(tmp_path: Path):
    write(tmp_path, Run("whole", passes(1, 2, 3)))
    write(tmp_path, Run("twenty", passes(), num_problems=20, benchmark_problems=164))
    board = board_of(tmp_path)
    assert names(board) == [(1, "whole"), (None, "twenty")]
    assert place_of(board, "twenty").unranked == "20 of 164 problems"


# --- rows ---------------------------------------------------------------------------------------


def test_published_runs_stand_beside_our_own_and_are_marked(tmp_path: Path):
    write(tmp_path, Run("ours", first(100)))
    known = Run("known", first(99), profile="published", generated=False, kind="published")
    write(tmp_path, known)
    (ranking,) = board_of(tmp_path).rankings
    assert ranking.profile == "evalplus-0.3.1" and len(ranking.places) == 2
    place = ranking.places[1]
    assert place.published and "imported" in place.notes[0]
    assert place.tally.tokens_out is None and place.cost is None
    assert place.tally.total_tokens is None and place.tally.generation_s is None


def test_published_runs_alone_have_a_ranking_too(tmp_path: Path):
    write(tmp_path, Run("known", first(99), profile="published", kind="published"))
    (ranking,) = board_of(tmp_path).rankings
    assert ranking.profile == "published" and ranking.places[0].rank == 1


def test_profiles_are_ranked_apart(tmp_path: Path):
    write(tmp_path, Run("a", first(100)))
    write(tmp_path, Run("a", first(90), profile="strict"))
    board = board_of(tmp_path)
    assert {ranking.profile for ranking in board.rankings} == {"evalplus-0.3.1", "strict"}


def test_versions_of_a_benchmark_are_ranked_apart(tmp_path: Path):
    write(tmp_path, Run("a", first(100)))
    path = write(tmp_path, Run("b", first(90)))
    other = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(other | {"benchmark_hash": "0" * 64}))
    board = board_of(tmp_path)
    assert len(board.rankings) == 2 and len({ranking.key for ranking in board.rankings}) == 2


def test_runs_of_one_name_are_one_row_and_other_checkpoints_are_not(tmp_path: Path):
    write(tmp_path, Run("m", first(100)))
    write(tmp_path, Run("m", first(60), benchmark="mbpp+", task="Mbpp"))
    board = board_of(tmp_path)
    assert [row.name for row in board.rows] == ["m"] and len(board.rankings) == 2
    path = write(tmp_path, Run("m", first(100), benchmark="mbpp+", task="Mbpp", number=3))
    other = json.loads((path / "config.json").read_text())
    other["checkpoint"]["identity"] = "e" * 64
    (path / "config.json").write_text(json.dumps(other))
    assert sorted(row.name for row in board_of(tmp_path).rows)[1] == "m (eeeeee)"


def test_the_fullest_and_latest_of_several_runs_is_shown(tmp_path: Path):
    write(tmp_path, Run("m", first(100)))
    write(tmp_path, Run("m", lambda p, s: "passed", num_samples=2))
    (ranking,) = board_of(tmp_path).rankings
    (place,) = ranking.places
    assert place.num_others == 1 and place.tally.num_samples == 328


def test_a_run_in_two_homes_is_one(tmp_path: Path):
    for home in ("one", "two"):
        write(tmp_path / home, Run("m", first(100)))
    write(tmp_path / "two", Run("n", first(90)))
    board = board_of(tmp_path / "one", tmp_path / "two")
    assert names(board) == [(1, "m"), (2, "n")]


def test_cost_is_by_the_users_prices_and_else_not_known(tmp_path: Path):
    write(tmp_path, Run("m", first(100)))
    write(tmp_path, Run("n", first(90)))
    board = board_of(tmp_path, prices={"m": Price(2.0, 8.0)})
    tokens = place_of(board, "m").tally.total_tokens
    assert tokens is not None
    assert place_of(board, "m").cost == pytest.approx((2 * tokens[0] + 8 * tokens[1]) / 1e6)
    assert place_of(board, "n").cost is None


# --- rounds -------------------------------------------------------------------------------------


def a_round(number: int, parent: Checkpoint, child: Checkpoint, **more: Any) -> Round:
    before = Measured(value=0.4, low=0.3, high=0.5, num_problems=100)
    return Round(
        loop="loop",
        number=number,
        parent=parent,
        child=child,
        method="sft",
        before=before,
        after=before.model_copy(update={"value": 0.5, "low": 0.4, "high": 0.6}),
        decision="promoted",
        **more,
    )


def test_a_row_knows_the_round_that_made_it_and_what_it_was_held_against(tmp_path: Path):
    base, child = Run("base", first(80)), Run("child", first(100))
    for run in (base, child, replace(child, benchmark="mbpp+", task="Mbpp")):
        write(tmp_path, run)
    folder = tmp_path / "rounds" / "loop" / "1"
    folder.mkdir(parents=True)
    made = a_round(1, base.checkpoint, child.checkpoint, dataset="d" * 64)
    (folder / "round.json").write_text(made.model_dump_json())
    dataset = tmp_path / "datasets" / ("d" * 16)
    dataset.mkdir(parents=True)
    manifest = {"guarded": {"humaneval+": 164}, "contamination": {"exact": 2}, "quarantined": 1}
    (dataset / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "rounds" / "loop" / "2").mkdir()
    (tmp_path / "rounds" / "loop" / "2" / "round.json").write_text("{")

    rounds = read_rounds([tmp_path])
    assert rounds.rounds == [made] and len(rounds.warnings) == 1
    guards = read_guards([tmp_path], rounds.rounds)
    assert guards["d" * 64].num_kept_out == 3
    board = board_of(tmp_path, rounds=rounds.rounds, guards=guards, warnings=rounds.warnings)
    places = {p.tally.config.benchmark: p for r in board.rankings for p in r.places
              if p.row.name == "child"}  # fmt: skip
    assert places["humaneval+"].contamination == "checked"
    assert places["mbpp+"].contamination == "unchecked"
    assert places["mbpp+"].row.parent == "base" and places["mbpp+"].row.round == 1
    assert place_of(board, "base").contamination is None
    assert board.warnings == tuple(rounds.warnings)


# --- pairs of the page --------------------------------------------------------------------------


@given(
    st.lists(st.tuples(*[st.sampled_from([0.0, 0.5, 1.0, None])] * 2), min_size=1, max_size=30),
    st.booleans(),
)
def test_pairs_say_what_the_paired_test_says(rates: list[tuple[Any, Any]], binary: bool):
    if binary:
        rates = [tuple(round(r) if r is not None else None for r in row) for row in rates]  # type: ignore[misc]
    both = [(a, b) for a, b in rates if a is not None and b is not None]
    matrix = np.array(list(zip(*rates, strict=True)), dtype=float)
    find = pairs._binary_pairs if binary else pairs._graded_pairs
    found = list(find(matrix, [list(range(len(rates)))], [(0, 1)]))
    wanted = paired_difference([a for a, _ in both], [b for _, b in both])
    if wanted is None:
        assert not found
        return
    (pair,) = found
    assert pair.difference == pytest.approx(wanted[:3])
    assert pair.p_value == pytest.approx(wanted.p_value) and pair.test == wanted.test
    assert (pair.num_won, pair.num_lost) == (wanted.num_won, wanted.num_lost)
    assert pair.by_type == pytest.approx((wanted.p_value,))
    assert pair.turned().difference == pytest.approx((-wanted.value, -wanted.high, -wanted.low))
