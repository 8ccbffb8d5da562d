"""What problem types look like in a terminal: tables that `Screen.show` prints."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.markup import escape
from rich.table import Table

from harness.problem_types import MEANING, TYPES, Tags
from harness.problem_types.tables import TABLES, frozen_rows
from harness.records import Weakness
from harness.type_rates import TypeRate
from harness.weakness import MIN_PROBLEMS, MIN_SAMPLES


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place == 0 else "right", no_wrap=True)
    return table


def rates(rows: Sequence[TypeRate]) -> Table:
    """The table by type that ends an evaluation, the weakest first."""
    any_unscored = any(row.num_unscored for row in rows)
    table = _table("type", "problems", "score", "95%", *(["unscored"] if any_unscored else []))
    for row in rows:
        rate = row.rate
        cells = [
            escape(row.type),
            str(rate.num_problems if rate else 0),
            f"{rate.value:.1%}" if rate else "–",
            _ends(rate.low, rate.high) if rate else "",
        ]
        table.add_row(*cells, *([str(row.num_unscored)] if any_unscored else []))
    return table


def weaknesses(found: Sequence[Weakness]) -> Table:
    """As the loop reads them: what counts is the shrunk rate, and whether enough was seen."""
    table = _table("type", "problems", "samples", "rate", "90%", "shrunk")
    table.add_column("fails by", no_wrap=True)
    table.add_column("acts alone", no_wrap=True)
    for weakness in found:
        status = weakness.commonest_status
        table.add_row(
            escape(weakness.type),
            str(weakness.num_problems),
            str(weakness.num_samples),
            f"{weakness.rate:.1%}",
            _ends(weakness.low, weakness.high),
            f"{weakness.shrunk:.1%}",
            status.value if status else "",
            "yes" if weakness.enough else "no",
        )
    return table


def about_weaknesses(found: Sequence[Weakness]) -> str:
    """What stands under that table."""
    num_enough = sum(weakness.enough for weakness in found)
    return (
        f"{num_enough} of {len(found)} types may act alone: that takes {MIN_SAMPLES} samples of "
        f"{MIN_PROBLEMS} problems. Order and rules go by the shrunk rate."
    )


def _ends(low: float, high: float) -> str:
    return f"{100 * low:.1f} – {100 * high:.1f}"


def taxonomy() -> Table:
    """All types in the order of priority, and how many problems of each there are."""
    counts = _counts()
    table = _table("type", *counts)
    table.add_column("what it is", overflow="fold")
    for type_ in TYPES:
        numbers = (str(count[type_] or "·") for count in counts.values())
        table.add_row(type_, *numbers, MEANING[type_])
    return table


def taxonomy_as_json() -> list[dict[str, object]]:
    counts = _counts()
    return [
        {
            "type": type_,
            "meaning": MEANING[type_],
            "problems": {name: count[type_] for name, count in counts.items()},
        }
        for type_ in TYPES
    ]


def _counts() -> Mapping[str, Counter[str]]:
    names = {"HumanEval": "humaneval+", "Mbpp": "mbpp+", "BigCodeBench": "bigcodebench"}
    return {
        names[family]: Counter(row["type"] for row in frozen_rows(family).values())
        for family in TABLES
    }


def why(tags: Tags) -> Table:
    """The tags of one problem, each with what speaks for it; the type's own evidence first."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for _ in range(2):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in (
        ("type", tags.type),
        ("io", tags.io),
        ("domains", ", ".join(tags.domains) or "–"),
        *((name, str(value)) for name, value in tags.difficulty.model_dump().items()),
    ):
        table.add_row(name, "", escape(value))
    table.add_row("", "", "")
    ranked = sorted(
        tags.evidence, key=lambda one: (one.axis != "type", one.tag != tags.type, not one.decisive)
    )
    for evidence in ranked:
        strength = "" if evidence.axis != "type" else "!" if evidence.decisive else "?"
        table.add_row(f"{evidence.axis} {escape(evidence.tag)}", strength, escape(evidence.what))
    return table


def about_why(problem_id: str, tags: Tags) -> str:
    """What stands above that table."""
    return f"{problem_id} · taxonomy {tags.taxonomy_version} · ! decides, ? wants a second\n"
