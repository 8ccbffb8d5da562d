"""A board as the page's script and templates take it: short keys, strings of letters, no objects.

A run's verdicts are one letter a problem (`LETTERS`) and, with several samples, one digit more:
the tenth of its samples that passed, `a` for all. So 50 checkpoints on 1,140 problems are 60 kB.

Not here: markup (templates/), drawings (figures.py), samples (drill.py).
"""

from collections.abc import Mapping, Sequence

from harness.records import PUBLISHED, Status
from harness.stats import Estimate
from leaderboards.board import Place, Ranking
from leaderboards.drill import Json
from leaderboards.pairing import task_id_of
from leaderboards.problems import Typed
from leaderboards.tallies import ProblemTally

LETTERS: Mapping[Status, str] = {
    Status.PASSED: "P",
    Status.FAILED: "X",
    Status.WRONG_ANSWER: "W",
    Status.EXCEPTION: "E",
    Status.SYNTAX_ERROR: "S",
    Status.NO_CODE: "N",
    Status.TRUNCATED: "C",
    Status.TIMEOUT: "T",
    Status.OUT_OF_MEMORY: "M",
    Status.FORBIDDEN: "F",
    Status.UNSCORED: "·",
}
UNKNOWN = "–"
NOT_KNOWN = "not known"


def ranking_json(
    typed: Typed, *, files: Mapping[str, int], pairs: Mapping[str, Json]
) -> dict[str, Json]:
    """What the script reads of one ranking. `files`: the numbers of sample files, by run ID."""
    ranking = typed.ranking
    number_of = {kind: number for number, kind in enumerate(typed.types)}
    of: list[Json] = [
        number_of[typed.about[task].type] if task in typed.about else -1
        for task in ranking.problems
    ]
    tags: dict[str, Json] = {
        task: list(typed.about[task].tags)
        for task in ranking.problems
        if task in typed.about and typed.about[task].tags
    }
    return {
        "key": ranking.key,
        "benchmark": ranking.benchmark,
        "label": f"{ranking.benchmark} · {ranking.profile}",
        "problems": list(ranking.problems),
        "types": list(typed.types),
        "of": of if typed.types else None,
        "tags": tags or None,
        "runs": [
            _run(place, ranking, rates, files)
            for place, rates in zip(ranking.places, typed.by_type, strict=True)
        ],
        "pairs": dict(pairs),
    }


def _run(
    place: Place, ranking: Ranking, by_type: Sequence[Estimate | None], files: Mapping[str, int]
) -> dict[str, Json]:
    tally, config = place.tally, place.tally.config
    k = round(tally.num_samples / tally.num_problems) if tally.num_problems else 1
    counted = {task_id_of(problem): found for problem, found in tally.problems.items()}
    letters = [
        LETTERS[counted[task].status] if task in counted else "·" for task in ranking.problems
    ]
    several = any(found.num_scored > 1 for found in counted.values())
    return {
        "id": tally.run.id,
        "name": place.row.name,
        "parent": place.row.parent,
        "published": config.profile == PUBLISHED,
        "profile": config.profile,
        "score": _estimate(place.score),
        "unscored": tally.num_unscored,
        "samples": tally.num_samples,
        "k": k,
        "s": "".join(letters),
        "r": "".join(_tenth(counted.get(task)) for task in ranking.problems) if several else "",
        "heat": [_estimate(rate) for rate in by_type],
        "notes": list(place.notes),
        "facts": facts(place),
        "command": config.command,
        "file": files.get(tally.run.id),
    }


def _tenth(found: ProblemTally | None) -> str:
    if found is None:
        return "0"
    share = found.num_passed[-1] / found.num_scored
    # Neither none nor all: at least one tenth, at most nine.
    tenth = round(share * 10) if share in (0.0, 1.0) else min(9, max(1, round(share * 10)))
    return "0123456789a"[tenth]


def _estimate(rate: Estimate | None) -> list[Json] | None:
    if rate is None:
        return None
    return [round(rate.value, 5), round(rate.low, 5), round(rate.high, 5), rate.num_problems]


def facts(place: Place) -> dict[str, Json]:
    """What a run's page says of how it was made; what is not known is said to be unknown."""
    config, written = place.tally.config, place.tally.config.generation
    sampling = prompt = NOT_KNOWN
    if written is not None:
        sampling = f"temperature {written.temperature:g}, top-p {written.top_p:g}"
        sampling += f", {written.max_tokens} tokens, seed {written.seed}"
        prompt = written.prompt_form + (", system message" if written.system else "")
    versions = ", ".join(f"{name} {version}" for name, version in config.versions.items())
    found: dict[str, Json] = {
        "benchmark": f"{config.benchmark}, {config.benchmark_hash[:12]}",
        "profile": f"{config.profile}, grader {config.grader_version or NOT_KNOWN}",
        "problems": f"{place.tally.num_problems} of {config.num_problems}",
        "checkpoint": f"{config.checkpoint.kind}, {config.checkpoint.source or NOT_KNOWN}",
        "prompt": prompt,
        "sampling": sampling,
        "engine": written.engine if written else NOT_KNOWN,
        "versions": versions or NOT_KNOWN,
        "grading": f"{place.tally.grading_cpu_s / 60:.1f} CPU minutes",
        "run": place.tally.run.id,
    }
    if place.row.parent:
        found["parent"] = f"{place.row.parent}, round {place.row.round}, {place.row.decision}"
    if place.num_others:
        found["other runs"] = f"{place.num_others} of the same checkpoint, not shown"
    return found
