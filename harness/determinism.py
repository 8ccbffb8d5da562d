"""How far greedy decoding repeats itself here, and what that means for a score.

    harness doctor --determinism CHECKPOINT

At temperature 0 the best token is taken, and the same prompt should give the same reply. In fact
sums are rounded differently in batches of other sizes, and where two tokens are nearly equal the
other one wins; from there on the replies differ. So the same prompts are asked several times, in
other orders and other batches, and all replies are graded.

Not here: sampling, whose spread is what `-n` and the intervals are for.
"""

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass

from harness import benchmarks
from harness.benchmarks import DataFolders
from harness.config import Settings
from harness.errors import ModelError, UserError
from harness.evaluation import Observer, open_model
from harness.generation import sample_of, wanted_keys
from harness.grading import Judge, Submission, profile_named
from harness.isolation import choose_sandbox
from harness.models.protocol import Key, Model, Reply
from harness.records import Benchmark


@dataclass(frozen=True, slots=True)
class Determinism:
    """What came of asking several times."""

    benchmark: str
    engine: str
    dtype: str
    num_problems: int
    num_repeats: int
    num_differing: int
    """Problems whose replies are not all the same."""
    num_flipping: int
    """Problems that passed in some repeats and not in others."""
    first_at: float | None
    """Median over the differing ones of the character at which replies part."""
    scores: tuple[float, ...]
    """pass@1 of each repeat."""

    def describe(self) -> str:
        """One paragraph for the screen."""
        asked = (
            f"{self.num_problems} problems of {self.benchmark}, greedily, {self.num_repeats} times "
            f"in other batches ({self.engine}, {self.dtype})"
        )
        if not self.num_differing:
            return (
                f"{asked}: every reply came out the same. A difference between two scores of such "
                "runs is not due to the engine"
            )
        low, high = min(self.scores), max(self.scores)
        share = self.num_differing / self.num_problems
        differ = (
            f"{asked}: {self.num_differing} replies differ ({share:.1%}; half of them within "
            f"{self.first_at:.0f} characters)"
        )
        if not self.num_flipping:
            return f"{differ}, but no verdict flips: the score is {low:.1%} each time"
        return (
            f"{differ}, {self.num_flipping} verdicts flip, and the score lies between {low:.1%} "
            f"and {high:.1%}. A difference of {100 * (high - low):.1f} points between two runs of "
            "one model may be the engine's noise"
        )


def measure(
    source: str,
    benchmark: str,
    *,
    settings: Settings,
    num_repeats: int = 3,
    observer: Observer | None = None,
) -> Determinism:
    """Ask and grade; nothing is recorded.

    Raises:
        UserError: `source` is no model, or the settings ask for samples.
        ModelError: a reply could not be had.
    """
    if settings.sampling.temperature:
        raise UserError("--determinism measures greedy decoding: leave sampling.temperature at 0")
    problems = benchmarks.load(benchmark, data=DataFolders.from_settings(settings))
    keys = wanted_keys(problems, n=1, limit=settings.eval.limit)
    with open_model(source, settings=settings, observer=observer) as model:
        if model is None:
            raise UserError(f"{source} holds recorded replies: --determinism needs a model")
        repeats = [
            _asked(model, problems, keys, shuffle=number, num_parts=number + 1)
            for number in range(num_repeats)
        ]
        passed = _passed(model, problems, repeats, settings)
    texts = {key: [repeat[key].text for repeat in repeats] for key in keys}
    parted = sorted(_parts_at(said) for said in texts.values() if len(set(said)) > 1)
    return Determinism(
        benchmark=problems.name,
        engine=model.generation.engine,
        dtype=model.generation.dtype or "its own precision",
        num_problems=len(keys),
        num_repeats=num_repeats,
        num_differing=len(parted),
        num_flipping=sum(len({won[key] for won in passed}) > 1 for key in keys),
        first_at=parted[len(parted) // 2] if parted else None,
        scores=tuple(sum(won.values()) / len(keys) for won in passed),
    )


def _asked(
    model: Model, problems: Benchmark, keys: Sequence[Key], *, shuffle: int, num_parts: int
) -> dict[Key, Reply]:
    """All replies, asked for in another order and in other company."""
    order = list(keys)
    if shuffle:
        random.Random(shuffle).shuffle(order)
    found: dict[Key, Reply] = {}
    for part in range(num_parts):
        for reply in model.replies(model.requests(problems, order[part::num_parts])):
            if reply.finish_reason == "error":
                raise ModelError(f"no reply for {reply.key[0]}: {reply.error}")
            found[reply.key] = reply
    return found


def _passed(
    model: Model, problems: Benchmark, repeats: Sequence[dict[Key, Reply]], settings: Settings
) -> list[dict[Key, bool]]:
    """Whether each reply of each repeat passes; equal programs are run once."""
    by_id = {problem.id: problem for problem in problems}
    extraction = settings.eval.extraction
    codes = [
        {
            key: sample_of(reply, by_id[key[0]], model.style, extraction=extraction).code
            for key, reply in repeat.items()
        }
        for repeat in repeats
    ]
    programs = sorted({(key[0], code) for by_key in codes for key, code in by_key.items()})
    submissions = [
        Submission(by_id[problem_id], code, index)
        for index, (problem_id, code) in enumerate(programs)
    ]
    profile = profile_named(settings.grading.profile or problems.default_profile)
    num_workers = settings.sandbox.workers or os.cpu_count() or 1
    with Judge.open(
        choose_sandbox(settings).sandbox, profile, cache=settings.cache, num_workers=num_workers
    ) as judge:
        asked = {problem_id for problem_id, _ in programs}
        judge.prepare([problem for problem in problems if problem.id in asked])
        won = {programs[verdict.index]: verdict.passed for verdict in judge.grade(submissions)}
    return [{key: won[key[0], code] for key, code in by_key.items()} for by_key in codes]


def _parts_at(texts: Sequence[str]) -> int:
    """The first character in which not all are the same.

    >>> _parts_at(["abc", "abd", "ab"])
    2
    """
    columns = enumerate(zip(*texts, strict=False))
    return next((at for at, chars in columns if len(set(chars)) > 1), min(map(len, texts)))
