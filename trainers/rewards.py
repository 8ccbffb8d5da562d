"""What a completion is worth: the judge's verdict on it, as a number, for each by its position.

    from trainers import rewards
    reward = rewards.for_trl("jsonl:problems.jsonl")          # in anybody's TRL script
    GRPOTrainer(..., reward_funcs=reward, train_dataset=rows_with_a_column_problem_id)

A reward is made by `harness.grading` (profile `strict`) in the sandbox, like any verdict of an
evaluation. All members of a group face the same tests. What we failed to measure is None, which
TRL leaves out of its group; above 5 % of a step that is an error, never a zero.

    binary     1 where all tests pass, else 0
    fraction   share of tests passed; nothing for what no honest program does
    x-coder    -2 where there is no program, else 5 × fraction: X-Coder's

Not here: how completions are sampled (rollouts.py), what a pass is (harness/grading).
"""

import os
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal, Protocol, TypeAlias, cast

from harness import benchmarks, config
from harness.config import Settings
from harness.errors import DataError, SandboxError, UnknownName
from harness.generation import sample_of
from harness.grading import Judge, Submission, profile_named
from harness.isolation import choose_sandbox
from harness.models.protocol import Reply
from harness.prompts import OPENING_FENCE, Style
from harness.records import Problem, Status, Verdict, content_sha256
from sandboxes.protocol import Sandbox

RewardName: TypeAlias = Literal["binary", "fraction", "x-coder"]
Completion: TypeAlias = str | Sequence[Mapping[str, str]]
"""Text, or the messages of a chat: TRL gives either, as the prompts were."""

PROFILE = "strict"
MAX_UNSCORED = 0.05
"""Share of a step that may stay unscored: beyond it the gradient would be another one."""
_NO_PROGRAM = (Status.NO_CODE, Status.SYNTAX_ERROR)


def binary(verdict: Verdict) -> float:
    return float(verdict.passed)


def fraction(verdict: Verdict) -> float:
    """The share of tests passed. A program that was caught at a trick has passed none."""
    if verdict.passed:
        return 1.0
    if verdict.status == Status.FORBIDDEN:
        return 0.0
    num_tests = sum(result.num_tests or 0 for result in verdict.suites.values())
    return sum(result.num_passed or 0 for result in verdict.suites.values()) / max(1, num_tests)


def x_coder(verdict: Verdict) -> float:
    return -2.0 if verdict.status in _NO_PROGRAM else 5.0 * fraction(verdict)


REWARDS: Mapping[RewardName, Callable[[Verdict], float]] = {
    "binary": binary,
    "fraction": fraction,
    "x-coder": x_coder,
}


def reward_of(verdict: Verdict, name: RewardName) -> float | None:
    """The reward for a verdict; None where we failed to reach one."""
    return REWARDS[name](verdict) if verdict.scored else None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One completion, and what it was asked."""

    problem_id: str
    prompt: Completion
    completion: Completion


@dataclass(frozen=True, slots=True)
class Graded:
    """The verdicts of one step, by position, and what they cost."""

    verdicts: tuple[Verdict, ...]
    waited_s: float
    """From the moment that nothing else was left to do."""

    def rewards(self, name: RewardName) -> list[float | None]:
        """By position.

        Raises:
            SandboxError: more than 5 % are unscored.
        """
        unscored = [verdict for verdict in self.verdicts if not verdict.scored]
        if len(unscored) > MAX_UNSCORED * len(self.verdicts):
            why = unscored[0].stderr.strip().splitlines()
            raise SandboxError(
                f"{len(unscored)} of {len(self.verdicts)} completions could not be graded "
                f"({why[-1][:200] if why else 'no reason given'}), and 5 % are borne"
            )
        return [reward_of(verdict, name) for verdict in self.verdicts]


class Grader:
    """Problems with an open sandbox. Made once a training; `with` closes it."""

    def __init__(
        self,
        problems: Iterable[Problem],
        *,
        settings: Settings,
        to_the_end: bool,
        sandbox: Sandbox | None = None,
        time_limit_s: float | None = None,
    ) -> None:
        """Prepares the problems: expected values made, solutions seen to pass.

        `to_the_end` runs the tests behind the first failure, to count them. `time_limit_s` stands
        for the profile's least limit of an input: a policy that loops costs it every time.

        Raises:
            EnvironmentRefused: a canonical solution fails here.
            SandboxUnavailable: no sandbox of the wanted kind can be opened here.
        """
        self._problems = {problem.id: problem for problem in problems}
        by_task = Counter(problem.task_id for problem in self._problems.values())
        self._by_task_id = {
            problem.task_id: problem
            for problem in self._problems.values()
            if by_task[problem.task_id] == 1
        }
        profile = profile_named(PROFILE)
        if time_limit_s is not None:
            profile = replace(profile, min_time_limit_s=time_limit_s)
        self._stack = ExitStack()
        self._judge = self._stack.enter_context(
            Judge.open(
                choose_sandbox(settings, sandbox).sandbox,
                profile,
                cache=settings.cache,
                num_workers=settings.sandbox.workers or os.cpu_count() or 1,
                to_the_end=to_the_end,
            )
        )
        try:
            self._judge.prepare(list(self._problems.values()))
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> "Grader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the sandbox down."""
        self._stack.close()

    def problem(self, problem_id: str) -> Problem:
        """By its ID, or by the publisher's where that names one alone.

        Raises:
            UnknownName: there is none.
        """
        found = self._problems.get(problem_id) or self._by_task_id.get(problem_id)
        if found is None:
            raise UnknownName("problem", problem_id, self._problems)
        return found

    def step(self, *, num_tests: int | None = None, seed: int = 0) -> "Step":
        """A step to be graded. `num_tests` are drawn of each problem, all by this seed."""
        return Step(self, self._judge, num_tests, seed)


class Step:
    """Completions on their way to verdicts: graded while the next ones are sampled."""

    def __init__(self, grader: Grader, judge: Judge, num_tests: int | None, seed: int) -> None:
        self._grader = grader
        self._judge = judge
        self._num_tests = num_tests
        self._seed = seed
        self._drawn: dict[str, Problem] = {}
        self._waiting: queue.SimpleQueue[Submission | None] = queue.SimpleQueue()
        self._places: dict[tuple[str, str], int] = {}
        self._indices: Counter[str] = Counter()
        self._verdicts: dict[tuple[str, int], Verdict] = {}
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._grade, name="rewards", daemon=True)
        self._thread.start()

    def submit(self, attempt: Attempt) -> None:
        """Have it graded. One that was submitted before, to the letter, is not run again."""
        problem = self._grader.problem(attempt.problem_id)
        key = problem.id, code_of(problem, attempt)
        if key in self._places:
            return
        index = self._indices[problem.id]
        self._indices[problem.id] += 1
        self._places[key] = index
        self._waiting.put(Submission(self._draw(problem), key[1], index))

    def verdicts(self, attempts: Sequence[Attempt]) -> Graded:
        """The verdicts of all of these, by position. Ends the step.

        Raises:
            SandboxError: the sandbox broke down.
        """
        for attempt in attempts:
            self.submit(attempt)
        started = time.monotonic()
        self.close()
        self._thread.join()
        if self._error is not None:
            raise self._error
        found: list[Verdict] = []
        for attempt in attempts:
            problem = self._grader.problem(attempt.problem_id)
            index = self._places[problem.id, code_of(problem, attempt)]
            found.append(self._verdicts[problem.id, index])
        return Graded(tuple(found), time.monotonic() - started)

    def close(self) -> None:
        """Nothing more will be submitted."""
        self._waiting.put(None)

    def _draw(self, problem: Problem) -> Problem:
        """The problem with the tests of this step: once for all that try it."""
        if self._num_tests is None:
            return problem
        if problem.id not in self._drawn:
            self._drawn[problem.id] = self._judge.draw(problem, self._num_tests, self._seed)
        return self._drawn[problem.id]

    def _grade(self) -> None:
        try:
            for verdict in self._judge.grade(iter(self._waiting.get, None)):
                self._verdicts[verdict.key] = verdict
        except BaseException as error:  # noqa: BLE001 — raised again where the verdicts are wanted
            self._error = error


def code_of(problem: Problem, attempt: Attempt) -> str:
    """The program in a completion, found as the evaluation finds it.

    How the reply was begun is told by its prompt: up to an opening fence, as the text of the
    problem itself, or not at all.
    """
    prompt = text_of(attempt.prompt)
    is_base = prompt.strip() == problem.prompt.strip()
    is_begun = prompt.endswith(OPENING_FENCE)
    style = Style("base" if is_base else "prefill" if is_begun else "plain")
    reply = Reply((problem.id, 0), text_of(attempt.completion), "stop")
    return sample_of(reply, problem, style, extraction="harness").code


def text_of(said: Completion) -> str:
    """Text, or what the last message of a chat says."""
    if isinstance(said, str):
        return said
    return said[-1]["content"] if said else ""


class LogMetric(Protocol):
    """What TRL gives a reward function to log with."""

    def __call__(self, name: str, value: float) -> None: ...


class TrlReward:
    """A reward function as TRL calls it. `__name__` is what its logs call it."""

    def __init__(
        self,
        grader: Grader,
        *,
        reward: RewardName,
        column: str = "problem_id",
        num_tests: int | None = None,
        seed: int = 0,
    ) -> None:
        self.__name__ = f"reward_{reward.replace('-', '_')}"
        self._grader = grader
        self._reward: RewardName = reward
        self._column = column
        self._num_tests = num_tests
        self._seed = seed
        self._begun: Step | None = None
        self._notes: dict[str, float] = {}

    def __call__(
        self,
        prompts: Sequence[Completion],
        completions: Sequence[Completion],
        **columns: object,
    ) -> list[float | None]:
        """A reward for each completion, by position; None where it could not be graded.

        Raises:
            DataError: the rows lack the column that names their problem.
            SandboxError: too many could not be graded.
        """
        if self._column not in columns:
            raise DataError(
                f"the training rows have no column {self._column!r}: it names each row's problem"
            )
        named = cast(Sequence[str], columns[self._column])
        attempts = [
            Attempt(problem_id, prompt, completion)
            for problem_id, prompt, completion in zip(named, prompts, completions, strict=True)
        ]
        step = self._begun or self.begin(_step_number(columns))
        self._begun = None
        graded = step.verdicts(attempts)
        log = cast(LogMetric | None, columns.get("log_metric"))
        if log is not None:
            for name, value in (self.metrics(attempts, graded) | self._notes).items():
                log(name, value)
        return graded.rewards(self._reward)

    def begin(self, step: int) -> Step:
        """Open the step's grading before its completions are all there: for one's own sampler."""
        seed = int(content_sha256([self._seed, step])[:12], 16)
        self._begun = self._grader.step(num_tests=self._num_tests, seed=seed)
        return self._begun

    def note(self, name: str, value: float) -> None:
        """Have a number of the sampler's logged with each step's."""
        self._notes[name] = value

    def metrics(self, attempts: Sequence[Attempt], graded: Graded) -> dict[str, float]:
        """What is logged of a step: shares by status, groups with signal, seconds of waiting."""
        total = len(graded.verdicts)
        statuses = Counter(verdict.status for verdict in graded.verdicts)
        worth = [reward_of(verdict, self._reward) for verdict in graded.verdicts]
        # Neighbours with one problem and one prompt are a group.
        pairs = zip(attempts, worth, strict=True)
        groups = [
            {reward for _, reward in members if reward is not None}
            for _, members in groupby(
                pairs, key=lambda pair: (pair[0].problem_id, text_of(pair[0].prompt))
            )
        ]
        known = [reward for reward in worth if reward is not None]
        return {
            "reward/mean": sum(known) / max(1, len(known)),
            "reward/groups_with_signal": sum(len(group) > 1 for group in groups) / len(groups),
            "reward/wait_s": graded.waited_s,
            **{f"status/{status.value}": statuses[status] / total for status in Status},
        }

    def close(self) -> None:
        """Take the sandbox down; it goes with the process at the latest."""
        self._grader.close()


def for_trl(
    problems: str | Iterable[Problem],
    *,
    reward: RewardName = "binary",
    column: str = "problem_id",
    num_tests: int | None = None,
    seed: int = 0,
    settings: Settings | None = None,
    sandbox: Sandbox | None = None,
    time_limit_s: float | None = None,
) -> TrlReward:
    """A reward function for TRL's `reward_funcs`, over an open sandbox.

    Args:
        problems: problems, or the name of a benchmark, as in `jsonl:problems.jsonl`.
        reward: `binary`, `fraction` or `x-coder`.
        column: the column of the training rows that names their problem.
        num_tests: tests drawn a problem and step, the same for a whole group; None is all.
        seed: of the draw.
        settings: None is what `harness.toml` and HARNESS_* say.
        sandbox: None is the one that the settings lead to.
        time_limit_s: the least limit of one input; None is the profile's.

    Raises:
        UnknownName: there is no such reward, or no such benchmark.
        EnvironmentRefused: a canonical solution fails here.
        SandboxUnavailable: no sandbox can be opened here.
    """
    if reward not in REWARDS:
        raise UnknownName("reward", reward, REWARDS)
    settings = settings or config.load()
    if isinstance(problems, str):
        folders = benchmarks.DataFolders.from_settings(settings)
        problems = benchmarks.load(problems, data=folders)
    grader = Grader(
        problems,
        settings=settings,
        to_the_end=reward != "binary",
        sandbox=sandbox,
        time_limit_s=time_limit_s,
    )
    return TrlReward(grader, reward=reward, column=column, num_tests=num_tests, seed=seed)


def _step_number(columns: Mapping[str, object]) -> int:
    """TRL's step, for the draw; 0 where it does not tell."""
    state = columns.get("trainer_state")
    step: object = getattr(state, "global_step", 0)
    return step if isinstance(step, int) else 0
