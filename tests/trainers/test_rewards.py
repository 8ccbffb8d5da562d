"""Rewards: the judge's verdicts as numbers, by position; each defect of released reward code."""

import ast
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.benchmarks import sanity
from harness.config import SandboxSettings, Settings
from harness.errors import DataError, SandboxError, UnknownName
from harness.grading import Judge, Submission, profile_named
from harness.prompts import OPENING_FENCE
from harness.records import Problem, Status, Suite, Verdict
from sandboxes.fake import FakeSandbox
from sandboxes.process import ProcessSandbox
from sandboxes.protocol import End, Job, Sandbox
from tests.sandboxes.attacks.loader import CHEATS
from trainers import rewards
from trainers.rewards import REWARDS, Attempt, Grader, RewardName, TrlReward, reward_of

TRIPLE = Problem(
    id="t/triple",
    task_id="triple",
    prompt="Return three times x.",
    entry_point="triple",
    solution="def triple(x):\n    return 3 * x\n",
    suites=(Suite("base", tuple((x,) for x in range(1, 21))),),
    sha256="triple-of-one-to-twenty",
)
RIGHT = "```python\ndef triple(x):\n    return 3 * x\n```"
WRONG = "```python\ndef triple(x):\n    return x\n```"
UP_TO_5 = "```python\ndef triple(x):\n    return 3 * x if x <= 5 else x\n```"
BROKEN = "```python\ndef triple(x)\n    return 3 * x\n```"
LIMIT_S = 0.5
"""Of an input, in the real sandbox: some damaged programs loop, and every timeout is tried twice."""
NO_CODE = "I would rather not."


def settings(folder: Path) -> Settings:
    return Settings(home=folder, cache=folder / "cache", sandbox=SandboxSettings(workers=1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rewards")


def made(
    folder: Path,
    reward: RewardName,
    problems: Sequence[Problem] = (TRIPLE,),
    *,
    sandbox: Sandbox | None = None,
    num_tests: int | None = None,
) -> TrlReward:
    return rewards.for_trl(
        problems,
        reward=reward,
        num_tests=num_tests,
        settings=settings(folder),
        sandbox=sandbox or FakeSandbox(),
    )


def of(reward: TrlReward, completions: Sequence[str], **columns: object) -> list[float | None]:
    prompts = ["?"] * len(completions)
    return reward(prompts, completions, problem_id=["t/triple"] * len(completions), **columns)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("binary", [1.0, 0.0, 0.0, 0.0, 0.0]),
        ("fraction", [1.0, 0.0, 0.25, 0.0, 0.0]),
        ("x-coder", [5.0, 0.0, 1.25, -2.0, -2.0]),
    ],
)
def test_what_a_completion_is_worth(
    folder: Path, name: RewardName, expected: list[float | None]
) -> None:
    assert of(made(folder, name), [RIGHT, WRONG, UP_TO_5, BROKEN, NO_CODE]) == expected


def test_a_failure_counts_the_tests_behind_it_too(folder: Path) -> None:
    """The share of tests passed, not of those before the first failure."""
    only_first_fails = "def triple(x):\n    return 3 * x if x != 1 else 1 / 0\n"
    assert of(made(folder, "fraction"), [only_first_fails]) == [0.95]


# --- the defects of released reward code (steering.md §5) -------------------------------------


def test_defect_5_a_compile_error_moves_nobody_elses_reward(folder: Path) -> None:
    reward = made(folder, "x-coder")
    assert of(reward, [RIGHT, BROKEN, RIGHT]) == [5.0, -2.0, 5.0]
    shuffled = [BROKEN, RIGHT, NO_CODE, UP_TO_5, BROKEN, WRONG, RIGHT]
    assert of(reward, shuffled) == [-2.0, 5.0, -2.0, 1.25, -2.0, 0.0, 5.0]


def test_defect_5_of_two_blocks_the_last_that_answers_is_graded(folder: Path) -> None:
    reward = made(folder, "binary")
    assert of(reward, [f"First try:\n{WRONG}\nNo:\n{RIGHT}", f"{RIGHT}\nor rather\n{WRONG}"]) == [
        1.0,
        0.0,
    ]


def test_defect_6_a_group_faces_one_draw_of_tests(folder: Path) -> None:
    """Members that differ only in which tests they pass are told apart by nothing but that."""
    reward = made(folder, "fraction", num_tests=5)
    half = "def triple(x):\n    return 3 * x if x % 2 else 0  # {}\n"
    for step in range(12):
        state = SimpleNamespace(global_step=step)
        group = [half.format(number) for number in range(8)]
        assert len(set(of(reward, group, trainer_state=state))) == 1
    drawn = {
        of(reward, [half.format(0)], trainer_state=SimpleNamespace(global_step=step))[0]
        for step in range(12)
    }
    assert len(drawn) > 1, "every step has a draw of its own"
    assert all(share is not None and (5 * share) % 1 == 0 for share in drawn)


def test_a_draw_is_the_same_for_the_same_step(folder: Path) -> None:
    state = SimpleNamespace(global_step=3)
    once = of(made(folder, "fraction", num_tests=7), [UP_TO_5], trainer_state=state)
    assert once == of(made(folder, "fraction", num_tests=7), [UP_TO_5], trainer_state=state)


def test_defect_7_a_program_that_ends_itself_or_hangs_has_passed_nothing(folder: Path) -> None:
    def ends(job: Job) -> End | None:
        return End.TIMEOUT if "while" in job.code else None

    reward = made(folder, "binary", sandbox=FakeSandbox(ends))
    assert of(reward, ["def triple(x):\n    while True: pass", RIGHT]) == [0.0, 1.0]


def test_defect_8_a_prefix_of_the_output_is_wrong(folder: Path) -> None:
    lines = Problem(
        id="t/lines",
        task_id="lines",
        prompt="Count up to n, a number a line.",
        entry_point="lines",
        solution='def lines(n):\n    return "\\n".join(map(str, range(1, n + 1)))\n',
        suites=(Suite("base", ((3,), (7,))),),
        sha256="lines-of-3-and-7",
    )
    pairs = Problem(
        id="t/pairs",
        task_id="pairs",
        prompt="Pairs up to n.",
        entry_point="pairs",
        solution="def pairs(n):\n    return [[i, i] for i in range(n)]\n",
        suites=(Suite("base", ((3,), (7,))),),
        sha256="pairs-of-3-and-7",
    )
    reward = made(folder, "fraction", [lines, pairs])
    prefix_of_lines = 'def lines(n):\n    return "\\n".join(map(str, range(1, n)))\n'
    prefix_of_pairs = "def pairs(n):\n    return [[i, i] for i in range(n - 1)]\n"
    nothing = "def pairs(n):\n    return []\n"
    completions = [prefix_of_lines, prefix_of_pairs, nothing]
    ids = ["t/lines", "t/pairs", "t/pairs"]
    assert reward(["?"] * 3, completions, problem_id=ids) == [0.0, 0.0, 0.0]


# --- what we failed to measure ----------------------------------------------------------------


def test_what_we_failed_to_grade_is_none_and_never_zero(folder: Path) -> None:
    def loses_one(job: Job) -> End | None:
        return End.LOST if "# lost" in job.code else None

    reward = made(folder, "binary", sandbox=FakeSandbox(loses_one))
    logged: dict[str, float] = {}
    programs = [f"def triple(x):\n    return 3 * x  # {n}\n" for n in range(29)]
    found = of(reward, [*programs, f"{programs[0]}# lost"], log_metric=logged.__setitem__)
    assert found == [1.0] * 29 + [None]
    assert logged["status/unscored"] == pytest.approx(1 / 30)
    assert logged["reward/mean"] == 1.0


def test_more_than_five_percent_unscored_stops_the_training(folder: Path) -> None:
    def loses(job: Job) -> End | None:
        return End.LOST if "# lost" in job.code else None

    reward = made(folder, "binary", sandbox=FakeSandbox(loses))
    with pytest.raises(SandboxError, match=r"2 of 8 completions could not be graded"):
        of(reward, [*[RIGHT] * 6, *["def triple(x):\n    return 0  # lost"] * 2])


# --- who calls it ------------------------------------------------------------------------------


def test_chats_and_begun_replies_are_understood(folder: Path) -> None:
    reward = made(folder, "binary")
    body = "def triple(x):\n    return 3 * x\n```\n"
    chat = [{"role": "user", "content": "?"}]
    said = [{"role": "assistant", "content": RIGHT}]
    assert reward([chat, f"…{OPENING_FENCE}"], [said, body], problem_id=["t/triple", "triple"]) == [
        1.0,
        1.0,
    ]


def test_a_completion_of_a_docstring_is_read_with_it(folder: Path) -> None:
    prompt = 'def triple(x):\n    """Three times x."""\n'
    problem = Problem(
        id="t/doc",
        task_id="doc",
        prompt=prompt,
        entry_point="triple",
        solution=f"{prompt}    return 3 * x\n",
        suites=TRIPLE.suites,
        sha256="triple-with-a-docstring",
    )
    reward = made(folder, "binary", [problem])
    assert reward([prompt], ["    return 3 * x\n"], problem_id=["t/doc"]) == [1.0]


def test_a_dataset_without_the_column_is_told(folder: Path) -> None:
    with pytest.raises(DataError, match="no column 'problem_id'"):
        made(folder, "binary")(["?"], [RIGHT])
    with pytest.raises(UnknownName, match="did you mean t/triple"):
        made(folder, "binary")(["?"], [RIGHT], problem_id=["t/tripel"])
    with pytest.raises(UnknownName, match="unknown reward"):
        rewards.for_trl([TRIPLE], reward="binray")  # pyright: ignore[reportArgumentType]


def test_metrics_say_where_the_signal_is(folder: Path) -> None:
    reward = made(folder, "binary")
    logged: dict[str, float] = {}
    reward(
        ["a", "a", "b", "b"],
        [RIGHT, WRONG, RIGHT, RIGHT],
        problem_id=["t/triple"] * 4,
        log_metric=logged.__setitem__,
    )
    assert logged["reward/mean"] == 0.75
    assert logged["reward/groups_with_signal"] == 0.5
    assert logged["status/passed"] == 0.75
    assert logged["status/wrong_answer"] == 0.25
    assert logged["reward/wait_s"] >= 0


def test_what_was_graded_while_sampling_is_not_run_again(folder: Path) -> None:
    sandbox = FakeSandbox()
    reward = made(folder, "binary", sandbox=sandbox)
    before = len(sandbox.jobs)
    step = reward.begin(0)
    for text in (RIGHT, WRONG):
        step.submit(Attempt("t/triple", "?", text))
    assert of(reward, [WRONG, RIGHT, WRONG]) == [0.0, 1.0, 0.0]
    assert len(sandbox.jobs) - before == 2


# --- in the real sandbox -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(folder: Path) -> Iterator[Grader]:
    with Grader(
        [*sanity.load().problems, TRIPLE],
        settings=settings(folder),
        to_the_end=True,
        sandbox=ProcessSandbox(),
        time_limit_s=LIMIT_S,
    ) as grader:
        yield grader


def test_a_hostile_policy_earns_what_a_wrong_answer_earns(real: Grader) -> None:
    """Every cheat of the sandbox's own suite: exits, forgeries, liars, readers of tests."""
    attempts = [Attempt("triple", "?", attack.program("triple")) for attack in CHEATS]
    wrong = Attempt("triple", "?", "def triple(x):\n    return None\n")
    graded = real.step().verdicts([*attempts, wrong])
    assert all(verdict.scored for verdict in graded.verdicts)
    for name in REWARDS:
        *of_cheats, of_wrong = [reward_of(verdict, name) for verdict in graded.verdicts]
        assert of_wrong == 0.0
        told = {
            attack.name: worth
            for attack, worth in zip(CHEATS, of_cheats, strict=True)
            if worth != of_wrong
        }
        assert told == {}


def programs(count: int, seed: int) -> list[tuple[Problem, str]]:
    """Right solutions and damaged ones: a statement gone, a number or a comparison changed."""
    draws = random.Random(seed)
    problems = sanity.load().problems
    found: list[tuple[Problem, str]] = []
    for _ in range(count):
        problem = draws.choice(problems)
        tree = ast.parse(problem.solution)
        for _ in range(draws.choice((0, 1, 1, 2))):
            _damage(tree, draws)
        found.append((problem, ast.unparse(tree)))
    return found


def _damage(tree: ast.Module, draws: random.Random) -> None:
    node = draws.choice(list(ast.walk(tree)))
    match node:
        case ast.Constant(value=bool()):
            node.value = not node.value
        case ast.Constant(value=int() as number):
            node.value = number + draws.choice((-1, 1))
        case ast.Compare():
            node.ops[0] = draws.choice((ast.Lt(), ast.GtE(), ast.Eq(), ast.NotEq()))
        case ast.BinOp():
            node.op = draws.choice((ast.Add(), ast.Sub(), ast.Mult()))
        case ast.FunctionDef() if len(node.body) > 1:
            node.body.pop(draws.randrange(len(node.body)))
        case ast.Return():
            node.value = None
        case _:
            _damage(tree, draws)


def problems_of(samples: list[tuple[Problem, str]]) -> list[Problem]:
    return list({problem.id: problem for problem, _ in samples}.values())


def judged(samples: list[tuple[Problem, str]], folder: Path) -> list[Verdict]:
    """By the judge itself, in the order of the samples."""
    profile = replace(profile_named("strict"), min_time_limit_s=LIMIT_S)
    with Judge.open(ProcessSandbox(), profile, cache=folder / "cache", num_workers=2) as judge:
        judge.prepare(problems_of(samples))
        submissions = [
            Submission(problem, code, index) for index, (problem, code) in enumerate(samples)
        ]
        return sorted(judge.grade(submissions), key=lambda verdict: verdict.index)


def disagreements(count: int, folder: Path, seed: int = 0) -> list[str]:
    """Samples whose rewards are not what the judge says."""
    samples = programs(count, seed)
    attempts = [Attempt(problem.id, "?", code) for problem, code in samples]
    with Grader(
        problems_of(samples),
        settings=settings(folder),
        to_the_end=True,
        sandbox=ProcessSandbox(),
        time_limit_s=LIMIT_S,
    ) as grader:
        found = grader.step().verdicts(attempts).verdicts
    return [
        f"{verdict.problem_id}: {own.status} {verdict.status}"
        for own, verdict in zip(found, judged(samples, folder), strict=True)
        if own.status != verdict.status or reward_of(own, "binary") != float(verdict.passed)
    ]


def test_rewards_are_the_judges_verdicts(folder: Path) -> None:
    assert disagreements(100, folder) == []


@pytest.mark.verify
def test_rewards_are_the_judges_verdicts_on_a_thousand_samples(folder: Path) -> None:
    assert disagreements(1000, folder, seed=1) == []


def test_every_status_has_a_reward() -> None:
    from harness.records import SuiteResult

    for status in Status:
        result = SuiteResult(status=status, num_tests=4, num_run=4, num_passed=2)
        verdict = Verdict(
            problem_id="p", index=0, suites={"base": result}, profile="strict", grader_version="1"
        )
        for name in REWARDS:
            worth = reward_of(verdict, name)
            assert (worth is None) == (status == Status.UNSCORED)
