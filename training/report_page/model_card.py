"""A packaged model's card: the facts about a run, as `KIND/card.py` gathers them, as Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pose_activity.training.report_page.facts import Block, Column, Prose, Section, Table, pairs
from pose_activity.training.report_page.origin import version_rows
from pose_activity.training.report_page.text import write_sections

FIGURES = {
    "accuracy": "accuracy",
    "top3_accuracy": "class among the three most probable",
    "macro_average_precision": "mean average precision over classes",
    "accuracy_at_coverage": "accuracy of the surest 80 %",
    "weighted_precision": "weighted precision",
    "weighted_recall": "weighted recall",
    "macro_f1": "macro F1",
    "ece": "expected calibration error",
    "rank1": "rank-1",
    "rank5": "rank-5",
    "mean_average_precision": "mean average precision",
    "miou": "mean intersection over union (IoU) of the classes",
    "miou_without_background": "mean IoU without the background",
    "body_recall": "body recall: correct pixels of parts among all pixels of parts",
    "pixel_accuracy": "pixel accuracy",
}


def figures_of(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Returns those of a report's figures that a card shows."""
    found = {key: scores[key] for key in FIGURES if scores.get(key) is not None}
    return found | ({"intervals": scores["intervals"]} if scores.get("intervals") else {})


def write_card(
    facts: Mapping[str, Any], intro: Sequence[Block], recipe: Sequence[tuple[str, str]]
) -> str:
    """Returns the card.

    Args:
        facts: `name`, `scores`, `data`, `licences`, `precisions`, `versions`, and where the run has
            them `pose_scores` and `seen_by_stage1`; as they are in model.json.
        intro: What the model does and how it is used.
        recipe: What a reader wants to know of the configuration, in rows.
    """
    scores, data = facts["scores"], facts["data"]
    ends = scores.get("intervals", {})
    figures = [
        (text, f"{scores[key]:.4f}", "{:.4f} to {:.4f}".format(*ends[key]) if key in ends else "")
        for key, text in FIGURES.items()
        if key in scores
    ]
    judged = f"On {scores['n']} {data['unit']} of the split `{scores['split']}`:"
    seen, poses = facts.get("seen_by_stage1"), facts.get("pose_scores")
    counts = data.get("counts")
    classes = [Column("class"), *map(Column, data["splits"])]
    blocks: dict[str, list[Block]] = {
        "": [*intro],
        "Scores": [
            Prose(judged),
            _table(("figure", "value", "95 % interval"), figures),
            *([Prose(seen)] if seen else []),
            *([Prose("Stage 1:"), _table(("figure", "value"), _fixed(poses))] if poses else []),
        ],
        "Data": [
            *([_table(("", "count"), counts.items())] if counts else []),
            Table("Classes", classes, [(k, *v) for k, v in data["classes"].items()]),
        ],
        "Recipe": [pairs("Recipe", recipe), Prose("All of it is in `model.json`.")],
        "Precision and engines": [_precisions(facts["precisions"])],
        "Licences": [_table(("part", "terms"), facts["licences"].items())],
        "Made with": [pairs("Versions", version_rows(facts["versions"]))],
    }
    sections = [Section("", title, title, found) for title, found in blocks.items()]
    return f"# {facts['name']}\n\n{write_sections(sections)}"


def _precisions(records: Sequence[Mapping[str, Any]]) -> Prose:
    lines = [
        f"- {record['precision']} on {record['engine']}: {record['text']}; "
        f"{'allowed' if record['passes'] else 'refused'}"
        for record in records
    ]
    return Prose(
        "f32 on onnxruntime and openvino. A faster precision is used only where it was measured "
        "on validation data:\n\n" + "\n".join(lines or ["- nothing was measured"])
    )


def _table(heads: tuple[str, ...], rows: Iterable[tuple]) -> Table:
    return Table(heads[0], [Column(head) for head in heads], [*rows])


def _fixed(figures: Mapping[str, float]) -> list[tuple[str, str]]:
    return [(text, f"{value:.4f}") for text, value in figures.items()]
