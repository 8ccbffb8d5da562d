"""A board in other people's formats: JSON, CSV, Markdown, LaTeX, and eval-arena's JSON lines.

JSON follows harness/schemas/board.json; a field that is not known is absent, never zero. Rates
are fractions in JSON and CSV, percent where a person reads them. eval-arena's lines are one a
checkpoint and problem, as `run_arena.py` of crux-eval/eval-arena reads them.

Not here: the page (page/), the terminal's table (table.py).
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping

import harness
from harness.records import SCHEMA_VERSION
from harness.stats import Estimate
from leaderboards.board import Board, Place, Ranking
from leaderboards.pairing import task_id_of


def as_json(board: Board) -> dict[str, object]:
    """The whole board; what a place does not know is left out."""
    return {
        "schema_version": SCHEMA_VERSION,
        "made": board.made.isoformat(timespec="seconds"),
        "harness": harness.__version__,
        "warnings": list(board.warnings),
        "rankings": [
            {
                "benchmark": ranking.benchmark,
                "profile": ranking.profile,
                "benchmark_hash": ranking.version,
                "problems": len(ranking.problems),
                "informative": ranking.num_informative,
                "rows": [_known(place_fields(place)) for place in ranking.places],
            }
            for ranking in board.rankings
        ],
    }


def place_fields(place: Place) -> dict[str, object]:
    """One row in plain words; None is not known."""
    tally, config, row = place.tally, place.tally.config, place.row
    return {
        "rank": place.rank,
        "unranked": place.unranked or None,
        "checkpoint": row.name,
        "kind": config.checkpoint.kind,
        "source": config.checkpoint.source,
        "base": config.checkpoint.base,
        "parent": row.parent,
        "round": row.round,
        "decision": row.decision,
        "profile": config.profile,
        "published": place.published,
        "notes": list(place.notes),
        "pass@1": {suite: _rate(rate) for suite, rate in place.rates.items()},
        "problems": tally.num_problems,
        "benchmark_problems": config.num_problems,
        "samples": tally.num_samples,
        "scored": tally.num_scored,
        "unscored": tally.num_unscored,
        "tokens_a_sample": tally.tokens_out,
        "generation_s": tally.generation_s,
        "grading_cpu_s": round(tally.grading_cpu_s, 3),
        "cost": place.cost,
        "contamination": place.contamination,
        "created": config.created.isoformat(timespec="seconds"),
        "run": tally.run.id,
        "path": str(tally.run.path),
        "command": config.command or None,
    }


def _known(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def _rate(rate: Estimate) -> dict[str, object]:
    return {"value": rate.value, "low": rate.low, "high": rate.high, "n": rate.num_problems}


COLUMNS = (
    *("benchmark", "rank", "unranked", "checkpoint", "suite", "pass@1", "low", "high", "n"),
    *("problems", "benchmark_problems", "samples", "scored", "unscored", "profile", "published"),
    *("tokens_a_sample", "generation_s", "grading_cpu_s", "cost", "contamination"),
    *("base", "parent", "round", "decision", "created", "run", "command"),
)


def as_csv(board: Board) -> str:
    """One line a row and suite, with a header; RFC 4180, so that spreadsheets open it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    for ranking in board.rankings:
        for place in ranking.places:
            fields = _known(place_fields(place)) | {"benchmark": ranking.benchmark}
            for suite, rate in place.rates.items():
                numbers = {"suite": suite, "pass@1": rate.value, "low": rate.low, "high": rate.high}
                line = fields | numbers | {"n": rate.num_problems}
                writer.writerow({name: _cell(value) for name, value in line.items()})
            if not place.rates:
                writer.writerow({name: _cell(value) for name, value in fields.items()})
    return text.getvalue()


def _cell(value: object) -> object:
    """Text that a spreadsheet would run as a formula is told to be text."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value


def as_markdown(board: Board) -> str:
    """A table a ranking, for a pull request."""
    parts: list[str] = []
    for ranking in board.rankings:
        lines = [f"**{_escape_markdown(ranking.benchmark)}** · {_caption(ranking)}", ""]
        heads = ["rank", "checkpoint", "pass@1 ± 95 %", "n", "unscored", "profile", "date"]
        lines.append(f"| {' | '.join(heads)} |")
        lines.append("|--:|:--|--:|--:|--:|:--|:--|")
        for place in ranking.places:
            cells = [_escape_markdown(cell) for cell in _cells(place)]
            lines.append(f"| {' | '.join(cells)} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def as_latex(board: Board) -> str:
    r"""A table a ranking, with \usepackage{booktabs}; rules between tiers."""
    parts: list[str] = []
    for ranking in board.rankings:
        lines = [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_escape_latex(ranking.benchmark)}: {_escape_latex(_caption(ranking))}. "
            r"Checkpoints that share a rank are not distinguishable from the best of their tier "
            r"(paired test, 5\,\%).}",
            rf"\label{{tab:{_label(ranking)}}}",
            r"\begin{tabular}{rlrrrl}",
            r"\toprule",
            r"Rank & Checkpoint & pass@1 & $n$ & Unscored & Profile \\",
            r"\midrule",
        ]
        above: int | None = None
        for number, place in enumerate(ranking.places):
            if number and place.rank != above:
                lines.append(r"\addlinespace")
            above = place.rank
            rank, name, _, n, unscored, profile, _ = (_escape_latex(c) for c in _cells(place))
            score = "--"
            if place.score:
                half = f"{place.score.half_width * 100:.1f}"
                score = rf"${place.score.value * 100:.1f} \pm {half}$"
            rank = "--" if place.rank is None else rank
            lines.append(rf"{rank} & {name} & {score} & {n} & {unscored} & {profile} \\")
        lines += [r"\bottomrule", r"\end{tabular}", r"\end{table}"]
        parts.append("\n".join(lines))
    head = "% harness board --latex; needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc}\n"
    return head + "\n\n".join(parts) + "\n"


def eval_arena_lines(board: Board) -> Iterator[str]:
    """One JSON object a checkpoint and problem."""
    for ranking in board.rankings:
        for place in ranking.places:
            name = f"{place.row.name} (published)" if place.published else place.row.name
            for problem, tally in sorted(place.tally.problems.items()):
                num_passed = tally.num_passed[-1]
                yield json.dumps(
                    {
                        "benchmark_id": ranking.benchmark,
                        "model": name,
                        "example_id": task_id_of(problem),
                        "pass1": num_passed / tally.num_scored,
                        "correct": num_passed,
                        "count": tally.num_scored,
                    }
                )


def _caption(ranking: Ranking) -> str:
    return (
        f"profile {ranking.profile}, {len(ranking.problems)} problems, "
        f"{ranking.num_informative} informative"
    )


def _cells(place: Place) -> list[str]:
    config, score = place.tally.config, place.score
    name = f"{place.row.name} (imported)" if place.published else place.row.name
    if place.unranked:
        name += f", not ranked: {place.unranked}"
    return [
        "–" if place.rank is None else str(place.rank),
        name,
        f"{score.value * 100:.1f} ± {score.half_width * 100:.1f}" if score else "–",
        str(score.num_problems if score else 0),
        str(place.tally.num_unscored),
        config.profile,
        config.created.strftime("%Y-%m-%d"),
    ]


def _escape_markdown(text: str) -> str:
    text = " ".join(text.split())
    return "".join(f"\\{letter}" if letter in r"\`*_[]<>|#~" else letter for letter in text)


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "±": r"$\pm$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}


def _escape_latex(text: str) -> str:
    r"""
    >>> _escape_latex("50% of_a & b")
    '50\\% of\\_a \\& b'
    """
    return "".join(_LATEX.get(letter, letter) for letter in " ".join(text.split()))


def _label(ranking: Ranking) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in ranking.key.lower())
