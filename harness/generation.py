"""Replies into a run while they come, each graded while the next ones are written.

    with Judge.open(...) as judge:
        write_and_grade(run, benchmark, model, keys, judge=judge, ...)

Three threads: one draws replies from the model, one has the judge grade them, and the caller's
appends samples and verdicts to the run, so that a run has one writer and an interrupt is seen at
once. A sample is in the file before anything else happens to it; whatever dies, what is
recorded is never written again.

The judge confirms timeouts when its submissions end. A stream ends late, so it is graded in
rounds: one ends when something has been open for a while, and what is doubtful is settled.

Not here: what is asked (prompts.py), who answers (models/), what a pass is (grading/).
"""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from harness.extraction import code_for, split_thinking
from harness.grading import GRADER_VERSION, Judge, Progress, Submission, Twins
from harness.models.protocol import Key, Model, Reply, Request
from harness.prompts import OPENING_FENCE, Style
from harness.records import Benchmark, Problem, Sample, Status, SuiteResult, Verdict
from harness.sanitizing import peer_code
from harness.store import RunWriter

Extraction: TypeAlias = Literal["harness", "evalplus"]
_ORDER_WAIT_S = 5.0
"""How long the first request waits for the order that grading would like."""
_OPEN_S = 3.0
"""A round of grading ends when a program has been open for so long: it may be a timeout that
waits to be confirmed."""
_LEAVE_S = 5.0


class Notes:
    """What is told on the way; a screen overrides it. All are called in the caller's thread."""

    def preparing(self, progress: Progress) -> None:
        """The expected values are on their way."""

    def written(self, run: RunWriter, sample: Sample, num_unwritten: int) -> None:
        """One more sample is recorded."""

    def graded(self, run: RunWriter, verdict: Verdict, num_owed: int) -> None:
        """One more verdict is recorded; `num_owed` are still to come."""


def wanted_keys(benchmark: Benchmark, *, n: int, limit: int | None) -> list[Key]:
    """The samples that are asked for: first all problems once, then all a second time."""
    problems = benchmark.problems[:limit]
    return [(problem.id, index) for index in range(n) for problem in problems]


def unwritten(run: RunWriter, keys: Iterable[Key]) -> list[Key]:
    """Those that are not recorded yet, or stand for a reply that could not be had."""
    return [
        key
        for key in keys
        if (sample := run.samples.get(key)) is None or sample.finish_reason == "error"
    ]


def sample_of(
    reply: Reply,
    problem: Problem,
    style: Style,
    *,
    extraction: Extraction,
    prompt_sha256: str | None = None,
    seed: int | None = None,
) -> Sample:
    """The record of a reply: thinking, answer and code apart.

    EvalPlus's models write four spaces for a tab; parity mode does so too.
    """
    text, thinking = reply.text, reply.thinking
    if style.marks is not None:
        opened = style.marks[0] if style.opens_thinking else ""
        own, answer = split_thinking(opened + text, style.marks)
        thinking = "\n".join(part for part in (thinking, own) if part) or None
    else:
        # Endpoints think without telling: the usual marks are looked for in any chat.
        found = split_thinking(text) if style.form in ("messages", "plain") else None
        answer = found.answer if found else text
        thinking = (found.thinking if found else None) or thinking
    begun = f"{problem.prompt.strip()}\n" if style.form == "base" else ""
    if extraction == "evalplus" and not problem.asks_for_program:
        whole = begun + (answer if style.is_api else answer.replace("\t", "    "))
        code = peer_code(whole, problem)
    else:
        begun = OPENING_FENCE if style.opens_fence(problem) else begun
        code = code_for(problem, begun + answer) if answer.strip() else ""
    return Sample(
        problem_id=problem.id,
        index=reply.key[1],
        code=code,
        reply=reply.text,
        thinking=thinking,
        prompt_sha256=prompt_sha256,
        finish_reason=reply.finish_reason,
        num_tokens_in=reply.num_tokens_in,
        num_tokens_out=reply.num_tokens_out,
        elapsed_s=reply.elapsed_s,
        seed=seed,
    )


def submission_of(problems: Mapping[str, Problem], sample: Sample) -> Submission:
    """A recorded sample as the judge wants it; `problems` by their id."""
    return Submission(
        problem=problems[sample.problem_id],
        code=sample.code,
        index=sample.index,
        truncated=sample.finish_reason == "length",
    )


def unscored(sample: Sample, problem: Problem, profile: str, why: str) -> Verdict:
    """The verdict on a reply that could not be had: ours, and no zero."""
    return Verdict(
        problem_id=problem.id,
        index=sample.index,
        suites={
            suite.name: SuiteResult(
                status=Status.UNSCORED, num_tests=len(suite), num_run=0, num_passed=0
            )
            for suite in problem.suites
        },
        stderr=why,
        profile=profile,
        grader_version=GRADER_VERSION,
    )


@dataclass(frozen=True, slots=True)
class _Ended:
    """One of the threads is through."""

    who: Literal["writer", "grader"]
    error: BaseException | None


_Event: TypeAlias = Reply | Verdict | Progress | _Ended


class Pipeline:
    """One benchmark's samples on their way, from the model to verdicts."""

    def __init__(
        self,
        run: RunWriter,
        benchmark: Benchmark,
        model: Model,
        *,
        judge: Judge | None,
        extraction: Extraction = "harness",
        notes: Notes | None = None,
    ) -> None:
        """`judge` None writes samples and grades nothing."""
        self._problems = {problem.id: problem for problem in benchmark}
        self._twins = Twins(
            (submission_of(self._problems, run.samples[key]), verdict)
            for key, verdict in run.verdicts.items()
            if key in run.samples
        )
        self._run = run
        self._benchmark = benchmark
        self._model = model
        self._judge = judge
        self._extraction: Extraction = extraction
        self._notes = notes or Notes()
        self._events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        self._to_grade: queue.SimpleQueue[Submission | None] = queue.SimpleQueue()
        self._prepared = threading.Event()
        self._stop = threading.Event()
        self._prompts: dict[Key, tuple[str, int]] = {}
        """Hash of the prompt and seed, by the samples that were asked for."""
        self._open: dict[Key, float] = {}
        """Since when submissions are with the judge, the oldest first."""
        self._is_ended = False

    def work(self, to_write: Sequence[Key], to_grade: Sequence[Sample] = ()) -> None:
        """Write and grade all of them; `to_grade` are samples that are recorded already.

        Raises:
            UserError, ModelError: from the model; what came before is recorded and graded.
            EnvironmentRefused, SandboxError: from the judge; what came before is recorded.
        """
        num_unwritten, num_owed = len(to_write), len(to_write) + len(to_grade)
        for sample in to_grade:
            self._to_grade.put(submission_of(self._problems, sample))
        running = {"writer", "grader"}
        self._start("writer", lambda: self._write(to_write))
        self._start("grader", lambda: self._grade(to_write, to_grade))
        failed: BaseException | None = None
        try:
            while running:
                match self._events.get():
                    case Reply() as reply:
                        num_unwritten -= 1
                        self._record(reply, num_unwritten)
                        if reply.finish_reason == "error":
                            num_owed -= 1
                    case Verdict() as verdict:
                        num_owed -= 1
                        self._run.append_verdict(verdict)
                        self._notes.graded(self._run, verdict, num_owed)
                    case Progress() as progress:
                        self._notes.preparing(progress)
                    case _Ended("writer", error):
                        running.discard("writer")
                        failed = failed or error
                        if error is not None and num_owed == num_unwritten:
                            raise error  # there is nothing that could still be graded
                        self._to_grade.put(None)
                    case _Ended(_, error):
                        running.discard("grader")
                        if error is not None:
                            raise error
        finally:
            self._stop.set()
            self._to_grade.put(None)
            for thread in threading.enumerate():
                if thread.name == f"writer-{id(self)}":
                    thread.join(timeout=_LEAVE_S)
        if failed is not None:
            raise failed

    def _start(self, who: Literal["writer", "grader"], work: Callable[[], None]) -> None:
        def run() -> None:
            error: BaseException | None = None
            try:
                work()
            except BaseException as caught:  # noqa: BLE001 — handed to the caller's thread
                error = caught
            self._events.put(_Ended(who, error))

        threading.Thread(target=run, name=f"{who}-{id(self)}", daemon=True).start()

    # --- the caller's thread ---------------------------------------------------------------

    def _record(self, reply: Reply, num_unwritten: int) -> None:
        problem = self._problems[reply.key[0]]
        sha256, seed = self._prompts[reply.key]
        sample = sample_of(
            reply,
            problem,
            self._model.style,
            extraction=self._extraction,
            prompt_sha256=sha256,
            seed=seed,
        )
        self._run.append_sample(sample)
        self._notes.written(self._run, sample, num_unwritten)
        if reply.finish_reason == "error":
            self._run.log(f"no reply for {sample.problem_id} #{sample.index}: {reply.error}")
            profile = self._run.config.profile
            self._run.append_verdict(unscored(sample, problem, profile, reply.error))
        else:
            self._to_grade.put(submission_of(self._problems, sample))

    # --- the thread of the model -------------------------------------------------------------

    def _write(self, keys: Sequence[Key]) -> None:
        if not keys:
            return
        for reply in self._model.replies(self._requests(keys)):
            self._events.put(reply)
            if self._stop.is_set():
                break

    def _requests(self, keys: Sequence[Key]) -> Iterator[Request]:
        self._prepared.wait(_ORDER_WAIT_S)
        for request in self._model.requests(self._benchmark, self._in_order(keys)):
            if self._stop.is_set():
                return
            self._prompts[request.key] = request.prompt.sha256, request.seed
            yield request

    def _in_order(self, keys: Sequence[Key]) -> list[Key]:
        """What takes longest to grade first, so that nothing slow is left for the end."""
        if self._judge is None or not self._prepared.is_set():
            return list(keys)
        empty = [Submission(self._problems[key[0]], "", key[1]) for key in keys]
        return [(found.problem.id, found.index) for found in self._judge.slowest_first(empty)]

    # --- the thread of the judge -------------------------------------------------------------

    def _grade(self, to_write: Sequence[Key], to_grade: Sequence[Sample]) -> None:
        judge = self._judge
        if judge is None:
            self._prepared.set()
            return
        asked = {key[0] for key in to_write} | {sample.problem_id for sample in to_grade}
        problems = [problem for problem in self._benchmark if problem.id in asked]
        judge.prepare(problems, self._events.put)
        self._prepared.set()
        while not self._is_ended:
            for verdict in judge.grade(self._round(), self._twins):
                self._open.pop(verdict.key, None)
                self._events.put(verdict)

    def _round(self) -> Iterator[Submission]:
        """Submissions as they come, until it is time for the judge to settle what is open."""
        while not self._is_ended:
            now = time.monotonic()
            if now - next(iter(self._open.copy().values()), now) > _OPEN_S:
                return
            try:
                submission = self._to_grade.get(timeout=0.1)
            except queue.Empty:
                continue
            if submission is None:
                self._is_ended = True
                return
            self._open[submission.problem.id, submission.index] = time.monotonic()
            yield submission
