"""The section that says what each input is worth to the classifier.

In come the rows that `metrics.json` holds under `inputs`, out come facts.
"""

from collections.abc import Mapping
from typing import Any

from pose_activity.stage2_classifier.scores.input_worth import Worth, ignored_stage1
from pose_activity.training.report_page.facts import Block, Column, Prose, Section, Table

TITLE = "What each input is worth"


def worth_section(inputs: Mapping[str, Any], unit: str) -> Section:
    """Returns the section.

    Args:
        inputs: `n`, `of` (how many were classified again, of how many) and `rows`, a `Worth` each.
        unit: What was classified, in the plural.
    """
    rows = worth_rows(inputs)
    some = (
        f"{inputs['n']} of {inputs['of']} {unit}, drawn at random,"
        if _sampled(inputs)
        else (f"All {inputs['n']} {unit}")
    )
    about = (
        f"{some} were classified again with one input replaced: by nothing (grey pixels, an empty "
        "heatmap), or by that of another picture. Worth is the accuracy that is lost then, in "
        "points, with a 95 % interval (paired bootstrap). An input that changes no answer is not "
        "looked at."
    )
    warning = ignored_note(inputs)
    columns = (
        Column("input", "name"),
        Column("replaced by"),
        Column("accuracy without it", "share"),
        Column("worth in points"),
        Column("answers that change", "share"),
    )
    cells = [(row.part, row.replaced_by, row.accuracy, _points(row), row.changed) for row in rows]
    blocks: list[Block] = [
        *([Prose(warning, "strong")] if warning else []),
        Prose(about),
        Table(TITLE, columns, cells),
    ]
    return Section("inputs", "Inputs", TITLE, blocks)


def worth_rows(inputs: Mapping[str, Any]) -> list[Worth]:
    """Returns the rows as values."""
    return [Worth(**{**row, "interval": tuple(row["interval"])}) for row in inputs["rows"]]


def ignored_note(inputs: Mapping[str, Any] | None) -> str:
    """Returns a warning where what stage 1 finds is hardly looked at; else nothing."""
    changed = ignored_stage1(worth_rows(inputs)) if inputs else None
    if changed is None:
        return ""
    return (
        f"WARNING: the classifier hardly looks at what stage 1 finds: without it {changed:.1%} of "
        "the answers change. It answers from the picture alone."
    )


def _sampled(inputs: Mapping[str, Any]) -> bool:
    return inputs["n"] < inputs["of"]


def _points(row: Worth) -> str:
    low, high = row.interval
    return f"{100 * row.gain:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
