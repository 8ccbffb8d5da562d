"""Samples written by a model: kept as they come, graded meanwhile, owed again where they failed.

kill -9 is real here: `harness eval` runs as a process of its own against an endpoint on the
loopback, which knows what it was asked.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.benchmarks import sanity
from harness.config import EvalSettings, GradingSettings, Settings
from harness.errors import ModelError, UserError
from harness.evaluation import Observer, evaluate, regrade
from harness.generation import sample_of, unwritten, wanted_keys
from harness.models.protocol import Reply
from harness.prompts import Style
from harness.records import EvalRun, Problem, Status, Verdict
from harness.store import Store
from sandboxes.fake import FakeSandbox
from tests.fake_endpoint import FakeEndpoint
from tests.fake_model import FakeModel

COMMAND = [sys.executable, "-c", "from harness.cli import main; main()"]
BENCHMARK = sanity.load()
PROBLEM = BENCHMARK.problems[0]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def settings(tmp_path: Path, cache: Path) -> Settings:
    return Settings(home=tmp_path / "home", cache=cache, eval=EvalSettings(limit=6))


def fenced(problem: Problem, index: int) -> str:
    return f"Sure.\n```python\n{problem.solution}```\nThat is it."


def lost(problem: Problem, index: int) -> Reply:
    return Reply((problem.id, index), "", "error", error="503: away")


def cut_off(problem: Problem, index: int) -> Reply:
    return Reply((problem.id, index), f"def {problem.entry_point}(", "length")


def measured(
    model: FakeModel, settings: Settings, *, n: int | None = None, observer: Observer | None = None
) -> EvalRun:
    chosen = settings.eval.model_copy(update={"num_samples": n})
    return evaluate(
        "fake",
        "sanity",
        settings=settings.model_copy(update={"eval": chosen}),
        sandbox=FakeSandbox(),
        observer=observer,
        model=model,
    )


def test_what_is_written_is_graded_and_recorded_with_its_origin(settings: Settings):
    run = measured(FakeModel(fenced), settings)
    assert {verdict.status for verdict in run} == {Status.PASSED} and len(run) == 6
    assert run.num_scored == 6
    for sample in run.samples.values():
        assert sample.prompt_sha256 and sample.seed is not None and sample.finish_reason == "stop"
        assert sample.reply is not None and sample.reply.startswith("Sure.")
    assert run.config.generation is not None and run.config.generation.engine == "fake"


def test_a_second_start_makes_nothing_twice_and_n_extends(settings: Settings):
    first = FakeModel(fenced)
    run = measured(first, settings)
    again = FakeModel(fenced)
    assert measured(again, settings).id == run.id and again.asked == []
    more = FakeModel(fenced)
    assert len(measured(more, settings, n=2)) == 12
    assert set(more.asked) == {(key[0], 1) for key in first.asked}


def test_seeds_differ_by_sample_and_not_by_start(settings: Settings):
    run = measured(FakeModel(fenced), settings, n=2)
    seeds = {key: sample.seed for key, sample in run.samples.items()}
    assert len(set(seeds.values())) == 12
    other = settings.model_copy(update={"home": settings.home / "other"})
    assert {k: s.seed for k, s in measured(FakeModel(fenced), other).samples.items()} == {
        key: seed for key, seed in seeds.items() if key[1] == 0
    }
    assert measured(FakeModel(fenced, seed=1), settings).id != run.id


def test_a_reply_that_cannot_be_had_is_unscored_and_owed_again(settings: Settings):
    run = measured(FakeModel(lost), settings)
    assert (len(run), run.num_scored, run.num_unscored) == (6, 0, 6)
    assert {verdict.stderr for verdict in run} == {"503: away"}
    graded = regrade(run.id, settings=settings, sandbox=FakeSandbox())
    assert graded.num_unscored == 6, "an empty reply of ours was graded"
    model = FakeModel(fenced)
    run = measured(model, settings)
    assert len(model.asked) == 6 and run.num_scored == 6
    assert {verdict.status for verdict in run} == {Status.PASSED}


def test_what_came_before_a_model_died_is_graded(settings: Settings):
    with pytest.raises(ModelError, match="gone"):
        measured(FakeModel(fenced, stop_after=4, stop_with=ModelError("gone")), settings)
    run = Store(settings.home).load("last")
    assert len(run) == run.num_scored == 4
    rest = FakeModel(fenced)
    assert len(measured(rest, settings)) == 6 and len(rest.asked) == 2


def test_a_model_that_never_starts_is_said_at_once(settings: Settings, tmp_path: Path):
    cold = settings.model_copy(update={"cache": tmp_path / "cold", "eval": EvalSettings()})
    with pytest.raises(UserError, match="no such weights"):
        measured(FakeModel(fenced, stop_after=0, stop_with=UserError("no such weights")), cold)
    assert Store(settings.home).load("last").num_scored == 0


def test_a_bug_of_the_model_keeps_its_traceback(settings: Settings):
    with pytest.raises(ZeroDivisionError):
        measured(FakeModel(lambda problem, index: str(1 // 0)), settings)


def test_a_cut_reply_is_truncated_and_no_wrong_answer(settings: Settings):
    run = measured(FakeModel(cut_off), settings)
    assert {verdict.status for verdict in run} == {Status.TRUNCATED}


def test_generate_only_then_regrade(settings: Settings):
    only = settings.model_copy(update={"eval": EvalSettings(limit=6, generate_only=True)})
    run = measured(FakeModel(fenced), only)
    assert len(run) == 6 and not run.verdicts
    graded = regrade(run.id, settings=settings, sandbox=FakeSandbox())
    assert graded.num_scored == 6 and {v.status for v in graded} == {Status.PASSED}


def test_other_rules_grade_the_same_samples(settings: Settings):
    first = measured(FakeModel(fenced), settings)
    other = settings.model_copy(update={"grading": GradingSettings(profile="evalplus-0.3.1")})
    again = FakeModel(fenced)
    run = measured(again, other)
    assert run.id != first.id and again.asked == [] and run.num_scored == 6
    assert run.samples == first.samples
    seeded = FakeModel(fenced, seed=1)
    measured(seeded, other)
    assert len(seeded.asked) == 6, "samples of another seed are others"


def test_a_benchmark_has_to_be_named(settings: Settings):
    with pytest.raises(UserError, match="Name one: -b"):
        evaluate("fake", settings=settings, model=FakeModel(fenced))


def test_verdicts_come_while_samples_are_written(settings: Settings):
    class Order(Observer):
        seen: str = ""

        def written(self, run: object, sample: object, num_unwritten: int) -> None:
            self.seen += "w"

        def graded(self, run: object, verdict: Verdict, num_owed: int) -> None:
            self.seen += "g"
            assert num_owed == 6 - self.seen.count("g")

    order = Order()
    measured(FakeModel(fenced, pause_s=0.1), settings, observer=order)
    assert sorted(order.seen) == ["g"] * 6 + ["w"] * 6
    assert order.seen.index("g") < 4, order.seen


# From a reply to a sample


def made(text: str, style: Style, **fields: object) -> tuple[str, str | None]:
    reply = Reply((PROBLEM.id, 0), text, "stop", **fields)  # pyright: ignore[reportArgumentType]
    sample = sample_of(reply, PROBLEM, style, extraction="harness")
    return sample.code, sample.thinking


CODE = f"def {PROBLEM.entry_point}(line):\n    return line\n"
DRAFT = f"def {PROBLEM.entry_point}(line):\n    return 'draft'\n"
FENCED = f"```python\n{CODE}```\n"
THINK = ("<think>", "</think>")
HARMONY = ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>")


@pytest.mark.parametrize(
    ("style", "text", "thinking"),
    [
        (Style("prefill"), f"{CODE}```\nIt returns the line.", None),
        (Style("prefill"), CODE, None),
        (Style("messages"), FENCED, None),
        (Style("messages"), f"<think>{DRAFT}</think>\n{FENCED}", DRAFT),
        (Style("plain", marks=THINK), f"<think>{DRAFT}</think>\n{FENCED}", DRAFT),
        (Style("plain", marks=THINK, opens_thinking=True), f"{DRAFT}</think>{FENCED}", DRAFT),
        (
            Style("plain", marks=HARMONY),
            f"{HARMONY[0]}{DRAFT}<|start|>assistant{HARMONY[1]}{FENCED}",
            f"{DRAFT}<|start|>assistant",
        ),
    ],
)
def test_code_and_thinking_are_kept_apart(style: Style, text: str, thinking: str | None):
    assert made(text, style) == (CODE, thinking)


@pytest.mark.parametrize(
    ("style", "text"),
    [
        (Style("plain", marks=THINK), f"<think>{FENCED} but wait"),
        (Style("plain", marks=THINK, opens_thinking=True), f"{FENCED} but wait"),
        (Style("plain", marks=HARMONY), f"{HARMONY[0]}{FENCED}"),
    ],
)
def test_thinking_that_never_ends_is_no_answer(style: Style, text: str):
    code, thinking = made(text, style)
    assert code == "" and thinking is not None and "but wait" in thinking + "but wait"


def test_thinking_that_an_endpoint_took_out_is_kept():
    assert made(FENCED, Style("messages"), thinking="Let me see") == (CODE, "Let me see")


def test_a_base_completion_goes_on_where_the_prompt_ends():
    code, _ = made("    return 'x'\n", Style("base"))
    assert code.startswith("def ") and code.endswith("return 'x'\n")


def test_keys_come_breadth_first():
    keys = wanted_keys(BENCHMARK, n=2, limit=2)
    ids = [problem.id for problem in BENCHMARK.problems[:2]]
    assert keys == [(ids[0], 0), (ids[1], 0), (ids[0], 1), (ids[1], 1)]
    assert unwritten.__doc__


# kill -9


def answer(asked: str) -> str:
    for problem in BENCHMARK:
        if problem.prompt.strip() in asked:
            return fenced(problem, 0)
    raise AssertionError(asked)


def asked_for(body: dict[str, object]) -> str:
    return json.dumps([body["messages"], body["seed"]])


@pytest.mark.slow
@pytest.mark.parametrize("num_kills", [10])
def test_killed_at_random_moments_nothing_recorded_is_made_again(
    tmp_path: Path, cache: Path, num_kills: int
):
    width, num_samples = 4, 3
    moments = random.Random(7)
    home = tmp_path / "home"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HARNESS_")}
    environment |= {"HARNESS_CACHE": str(cache), "HARNESS_SANDBOX__ALLOW_PLAIN": "true"}
    words = ["--home", str(home), "-q", "--set", f"model.concurrency={width}"]

    def start(url: str) -> "subprocess.Popen[bytes]":
        words_of_eval = ["eval", f"{url}#m", "-b", "sanity", "-n", str(num_samples)]
        return subprocess.Popen([*COMMAND, *words, *words_of_eval], env=environment)

    def recorded() -> int:
        return sum(f.read_bytes().count(b"\n") for f in home.glob("runs/*/samples.jsonl"))

    num_torn = 0
    with FakeEndpoint(answer, delay_s=lambda: 0.15) as endpoint:
        for _ in range(num_kills):
            before = recorded()
            num_seen = len(endpoint.seen)
            process = start(endpoint.url)
            wait_for(lambda n=num_seen: len(endpoint.seen) > n)
            time.sleep(moments.uniform(0.16, 0.7))
            process.kill()
            process.wait()
            num_torn += before < recorded() < 204
            # What was asked in vain is at most the window in flight (and one drawn ahead).
            assert (len(endpoint.seen) - num_seen) - (recorded() - before) <= width + 1
        assert start(endpoint.url).wait() == 0
    assert recorded() == 204 and num_torn >= 8
    lines = next(home.glob("runs/*/samples.jsonl")).read_text().splitlines()
    keys = [(row["problem_id"], row["index"]) for row in map(json.loads, lines)]
    assert len(set(keys)) == 204, "a sample was recorded twice"
    num_asked = Counter(map(asked_for, endpoint.seen))
    num_again = sum(count - 1 for count in num_asked.values())
    print(f"\n{num_kills} kills, {num_torn} torn runs, {num_again} samples were asked for again")
    assert len(num_asked) == 204 and num_again <= num_kills * (width + 1)


def test_ctrl_c_is_seen_at_once_and_what_is_recorded_stays(tmp_path: Path, cache: Path):
    home = tmp_path / "home"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HARNESS_")}
    environment |= {"HARNESS_CACHE": str(cache), "HARNESS_SANDBOX__ALLOW_PLAIN": "true"}
    with FakeEndpoint(answer, delay_s=lambda: 0.2) as endpoint:
        process = subprocess.Popen(
            [
                *COMMAND,
                "--home",
                str(home),
                "--set",
                "model.concurrency=2",
                "eval",
                f"{endpoint.url}#m",
                "-b",
                "sanity",
            ],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_for(lambda: len(endpoint.replied_at) >= 4)
        interrupted = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert time.monotonic() - interrupted < 8
    assert process.returncode == 130 and "To go on: harness" in said and "Traceback" not in said
    (samples,) = home.glob("runs/*/samples.jsonl")
    assert samples.read_bytes().count(b"\n") >= 2


def wait_for(done: Callable[[], bool], timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.01)
