"""How well each interval and each test keeps its promise: `make bench-stats`, a minute or two.

The intervals promise that 95 % of them hold the truth; the tests, that two equal models differ
in 5 % of comparisons at most. Here both are counted. What one sample a problem gives is a binomial
number, so Wilson's coverage and McNemar's false positives are summed over all outcomes and have no
noise; with ten samples a problem, benchmarks are drawn: a problem's rate is Beta(p, 1 - p), which
makes most problems easy or hard and few of them toss-ups, as real ones are.

`--write` puts the tables into docs/statistics.md, between its two marks.
"""

import argparse
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.stats import ALPHA, mcnemar, sign_flip, t_critical, wilson
from harness.stats.rates import MIN_EVENTS, bca_from
from leaderboards.compare import compare
from tests.runs import make_run

RATES = (0.05, 0.3, 0.7, 0.95)
SIZES = (40, 164, 1140)
K = 10
EVENTS = (2, 5, 8, 10, 15, 20, 30)
"""n·p of the finer table: where a t interval begins to keep its promise."""
DOC = Path(__file__).resolve().parent.parent / "docs" / "statistics.md"
BEGIN, END = "<!-- simulation: made by `make bench-stats` -->", "<!-- end of the simulation -->"


class Cell(NamedTuple):
    """Shares of benchmarks, in [0, 1]."""

    rate: float
    num_problems: int
    wilson: float
    t: float
    bca: float
    mcnemar: float
    sign_flip: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reps", type=int, default=4000, help="benchmarks drawn a cell")
    parser.add_argument("--write", action="store_true", help=f"into {DOC.name}")
    asked = parser.parse_args()
    started = time.monotonic()
    random = np.random.default_rng(20_261_125)
    lines = [*_cells_table(random, asked.reps), "", *_events_table(random, asked.reps)]
    lines += ["", f"{asked.reps:,} benchmarks a cell, {time.monotonic() - started:.0f} s."]
    text = "\n".join(lines)
    print(text)
    _time_comparisons(random)
    if asked.write:
        before, _, rest = DOC.read_text("utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        DOC.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")


def _cells_table(random: np.random.Generator, num_reps: int) -> Iterator[str]:
    yield "| p | n | n·p | Wilson, k = 1 | t, k = 10 | BCa, k = 10 | McNemar | sign flips |"
    yield "|---|---|---|---|---|---|---|---|"
    for rate in RATES:
        for num_problems in SIZES:
            cell = simulate(rate, num_problems, random, num_reps)
            events = num_problems * min(rate, 1 - rate)
            mark = " (warned)" if events < MIN_EVENTS else ""
            yield (
                f"| {rate:g} | {num_problems} | {events:.0f} | {cell.wilson:.1%} | "
                f"{cell.t:.1%}{mark} | {cell.bca:.1%} | {cell.mcnemar:.1%} | {cell.sign_flip:.1%} |"
            )


def _events_table(random: np.random.Generator, num_reps: int) -> Iterator[str]:
    yield f"| n·p | {' | '.join(f't, n = {n}' for n in SIZES)} |"
    yield f"|---|{'---|' * len(SIZES)}"
    for events in EVENTS:
        cells: list[str] = []
        for num_problems in SIZES:
            rate = events / num_problems
            if rate > 0.5:
                cells.append("–")
                continue
            scores_RP = draw_scores(rate, num_problems, random, num_reps)
            cells.append(f"{t_coverage(scores_RP, rate):.1%}")
        yield f"| {events} | {' | '.join(cells)} |"


def _time_comparisons(random: np.random.Generator) -> None:
    """1,140 problems, compared after loading: one sample a problem, and ten."""
    for k in (1, K):
        runs = [
            make_run(
                name,
                {
                    f"BigCodeBench/{n}": ["P" if draw < 0.5 else "F" for draw in random.random(k)]
                    for n in range(1140)
                },
                benchmark="bigcodebench",
                profile="bigcodebench-0.2",
                suites=("base",),
            )
            for name in ("a", "b")
        ]
        started = time.process_time()
        found = compare(*runs)
        elapsed_s = time.process_time() - started
        print(
            f"comparing {found.difference.num_problems} problems of {k} samples, "
            f"{len(found.flips)} flips: {elapsed_s:.2f} CPU s"
        )


def simulate(rate: float, num_problems: int, random: np.random.Generator, num_reps: int) -> Cell:
    scores_RP = draw_scores(rate, num_problems, random, num_reps)
    return Cell(
        rate,
        num_problems,
        wilson=wilson_coverage(rate, num_problems),
        t=t_coverage(scores_RP, rate),
        bca=bca_coverage(scores_RP, rate, random),
        mcnemar=mcnemar_false_positives(rate, num_problems),
        sign_flip=sign_flip_false_positives(rate, num_problems, random, num_reps),
    )


def draw_scores(
    rate: float, num_problems: int, random: np.random.Generator, num_reps: int
) -> NDArray[np.float64]:
    """Benchmarks × problems: the share of K samples that passed."""
    rates_RP = random.beta(rate, 1 - rate, (num_reps, num_problems))
    return random.binomial(K, rates_RP) / K


def wilson_coverage(rate: float, num_problems: int) -> float:
    chances = _binomial(num_problems, rate)
    intervals = (wilson(passed, num_problems) for passed in range(num_problems + 1))
    held = [interval.low <= rate <= interval.high for interval in intervals]
    return float(chances[np.array(held)].sum())


def t_coverage(scores_RP: NDArray[np.float64], rate: float) -> float:
    num_problems = scores_RP.shape[1]
    margins = (
        t_critical(0.95, num_problems - 1) * scores_RP.std(axis=1, ddof=1) / math.sqrt(num_problems)
    )
    # Where all scores are equal the program takes Wilson's interval on problems.
    for row in np.flatnonzero(margins == 0):
        mean = scores_RP[row].mean()
        low, high = wilson(mean * num_problems, num_problems)
        margins[row] = max(high - mean, mean - low)
    return float((np.abs(scores_RP.mean(axis=1) - rate) <= margins).mean())


def bca_coverage(scores_RP: NDArray[np.float64], rate: float, random: np.random.Generator) -> float:
    """A resample is a multinomial draw of the K + 1 scores that there are: the same, and quick."""
    levels = np.arange(K + 1) / K
    num_problems, num_held, num_reps = scores_RP.shape[1], 0, min(1000, len(scores_RP))
    for scores_P in scores_RP[:num_reps]:
        shares = np.bincount(np.rint(scores_P * K).astype(int), minlength=K + 1) / num_problems
        if shares.max() == 1:
            continue  # no width: it holds nothing
        resampled_B = random.multinomial(num_problems, shares, 1000) @ levels / num_problems
        low, high = bca_from(scores_P.tolist(), resampled_B, 0.95)
        num_held += low <= rate <= high
    return num_held / num_reps


def mcnemar_false_positives(rate: float, num_problems: int) -> float:
    """Two equal models: a problem's rate r is Beta(p, 1 - p), and flips with chance 2 r (1 - r)."""
    flips = rate * (1 - rate)  # 2 E[r (1 - r)], where the Beta's parameters add up to 1
    chances = _binomial(num_problems, flips)
    wrong = 0.0
    for num_flips, chance in enumerate(chances):
        if chance > 1e-12:
            won = np.arange(num_flips + 1)
            rejected = np.array([mcnemar(int(w), num_flips - int(w)) < ALPHA for w in won])
            wrong += chance * float(_binomial(num_flips, 0.5)[rejected].sum())
    return wrong


def sign_flip_false_positives(
    rate: float, num_problems: int, random: np.random.Generator, num_reps: int
) -> float:
    num_reps = min(num_reps, 2000) if num_problems > 1000 else num_reps
    rates_RP = random.beta(rate, 1 - rate, (num_reps, num_problems))
    steps_RP = random.binomial(K, rates_RP) - random.binomial(K, rates_RP)
    return float(np.mean([sign_flip((steps_P / K).tolist()) < ALPHA for steps_P in steps_RP]))


def _binomial(num_trials: int, rate: float) -> NDArray[np.float64]:
    """The chance of each number of successes."""
    numbers = range(num_trials + 1)
    logs = np.array([math.lgamma(n + 1) for n in numbers])
    ks = np.arange(num_trials + 1)
    return np.exp(logs[-1] - logs - logs[::-1] + ks * math.log(rate) + ks[::-1] * math.log1p(-rate))


if __name__ == "__main__":
    main()
