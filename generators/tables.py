"""What a person sees of plans and datasets: tables, and one row in full.

Not here: where it is printed (harness/screen.py).
"""

from collections.abc import Sequence

from rich.table import Table

from harness.datasets import DatasetInfo
from harness.records import DataPlan, Manifest, TrainingRow

_SHOWN_TESTS = 8


def _table(*columns: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(
            column,
            justify="right" if column in right else "left",
            no_wrap=column not in ("why", "seen"),
            overflow="fold",
        )
    return table


def plan_table(plan: DataPlan) -> Table:
    """A line a quota, with its reason."""
    table = _table("type", "rows", "level", "why", right=("rows", "level"))
    for quota in plan.quotas:
        table.add_row(quota.type, str(quota.num_rows), str(quota.level), quota.reason)
    return table


def uncovered_table(plan: DataPlan) -> Table:
    """A line a type that the teacher can't write."""
    table = _table("type", "of failures", "seen", right=("of failures",))
    for each in plan.uncovered:
        table.add_row(each.type, f"{each.share_of_failures:.0%}", each.reason)
    return table


def plan_notes(plan: DataPlan) -> list[str]:
    """What the plan's owner should know of the numbers behind it."""
    unproven = [quota.type for quota in plan.quotas if quota.route == "unproven"]
    if not plan.weaknesses or 2 * len(unproven) < len(plan.quotas):
        return []
    return [
        f"{len(unproven)} of {len(plan.quotas)} types were seen too little to steer by: "
        "a run on synthetic-dev has 100 problems of each"
    ]


def plan_heading(plan: DataPlan) -> str:
    """What was divided, by which rule, on whose numbers."""
    runs = f" · {', '.join(plan.runs)}" if plan.runs else ""
    replay = f" · {plan.num_replay} replayed" if plan.num_replay else ""
    return f"{plan.budget} rows by {plan.rule} · {plan.teacher}{replay}{runs}"


def yield_table(manifest: Manifest) -> Table:
    """A line a type: what was wanted, made and proposed."""
    table = _table(
        "type", "rows", "wanted", "proposed", "yield", right=("rows", "wanted", "proposed", "yield")
    )
    for name, wanted in manifest.wanted_by_type.items():
        made, proposed = manifest.rows_by_type.get(name, 0), manifest.proposed_by_type.get(name, 0)
        share = f"{made / proposed:.0%}" if proposed else ""
        table.add_row(name, str(made), str(wanted), str(proposed), share)
    return table


def manifest_lines(dataset: DatasetInfo) -> list[str]:
    """The rest of a manifest, in words."""
    manifest = dataset.manifest
    return [
        f"{manifest.num_rows} rows of {manifest.teacher}, {manifest.num_replayed} replayed · "
        f"forms {_counts(manifest.rows_by_form)} · styles {_counts(manifest.rows_by_style)}",
        f"rejected: {_counts(manifest.rejected) or 'none'} · quarantined {manifest.quarantined}",
        f"held against {_counts(manifest.guarded) or 'NO evaluation problem'}",
        f"matches: {_counts(manifest.contamination)} · "
        f"code at least so alike: {_counts(manifest.ast_curve)}",
        str(dataset.path),
    ]


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def datasets_table(found: Sequence[DatasetInfo]) -> Table:
    """A line a dataset."""
    table = _table("dataset", "rows", "types", "teacher", "rejected", "made", right=("rows",))
    for dataset in found:
        manifest = dataset.manifest
        num_rejected = sum(manifest.rejected.values()) + manifest.quarantined
        table.add_row(
            dataset.name,
            str(manifest.num_rows),
            str(len(manifest.rows_by_type)),
            manifest.teacher,
            str(num_rejected),
            f"{dataset.modified:%Y-%m-%d %H:%M}",
        )
    return table


def rows_table(rows: Sequence[TrainingRow]) -> Table:
    """A line a row."""
    table = _table("row", "type", "level", "form", "style", "family", right=("level",))
    for row in rows:
        table.add_row(row.id, row.type, str(row.level), row.form, row.style, row.family)
    return table


def row_text(row: TrainingRow) -> str:
    """One row in full: what is asked, what solves it, what tests it."""
    hidden = len(row.tests) - _SHOWN_TESTS
    more = [f"… and {hidden} more"] if hidden > 0 else []
    return "\n".join(
        [
            f"{row.id}\n{row.type} · {row.family} · level {row.level} · {row.form} · {row.teacher}"
            f" · seed {row.seed_id}",
            "",
            row.prompt.rstrip("\n"),
            "",
            f"--- solution ({row.style}) ---",
            row.solution.rstrip("\n"),
            "",
            f"--- {len(row.tests)} tests ---",
            *row.tests[:_SHOWN_TESTS],
            *more,
        ]
    )
