"""The page of a run: one HTML file that shows what was read, trained, answered, and with what.

It gathers what the steps left in the run folder. Nothing is fetched: pictures, style and script
are inside. A part that a run does not have is left out or says so. The layout is in
`page.html.j2`, which sees plain values and escapes them.
"""

import json
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from pose_activity.artifacts import atomic, manifest
from pose_activity.cache.store import Cache
from pose_activity.configs.pictures import PictureRun
from pose_activity.stage2_classifier.scores.evaluate import Report
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training.pictures import roles
from pose_activity.training.pictures.steps import step_names
from pose_activity.training.report_page import labels, poses, predictions
from pose_activity.training.runs import CONFIG, VERSIONS

TEMPLATE = "page.html.j2"


def write_page(
    path: Path,
    run: PictureRun,
    cache: Cache,
    *,
    answers: Predictions,
    report: Report,
    chosen_on: Report | None,
) -> None:
    """Writes the page, whole or not at all.

    Args:
        path: The HTML file.
        run: Whose folder is shown; every step but the report is finished.
        cache: The run's.
        answers: Of the judged split.
        report: Its scores.
        chosen_on: Scores of the split where choices were made; None where that is the judged one.
    """
    parts = {
        "title": run.run_dir.name,
        "unit": "persons" if answers.of_people else "pictures",
        "headline": headline(report, chosen_on),
        "seen": roles.seen_note(run, report.split),
        "labels": labels.gather(run, cache),
        "poses": poses.gather(run) if "stage1" in step_names(run) else None,
        "answers": predictions.gather(run, cache, answers, report),
        "classifier": f"{run.classifier.model}, planes {' + '.join(run.cache.planes)}",
        "recipe": (run.run_dir / CONFIG).read_text(encoding="utf-8"),
        "versions": version_rows(json.loads((run.run_dir / VERSIONS).read_text(encoding="utf-8"))),
        "timings": timings(run.run_dir, step_names(run)),
    }
    atomic.write_text(path, render(parts))


def render(parts: dict[str, Any]) -> str:
    """Returns the template filled with the parts; a missing one is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": _percent, "breakable": _breakable}
    return environment.get_template(TEMPLATE).render(parts)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _breakable(name: str) -> Markup:
    """Lets a browser break a long name behind its underscores."""
    return Markup("_<wbr>").join(name.split("_"))


def headline(report: Report, chosen_on: Report | None) -> dict[str, Any]:
    """Returns the figures that come first.

    Returns:
        `split`, `n`, `accuracy`, `low` and `high` (Wilson, 95 %), `rows`: (text, share).
    """
    low, high = predictions.interval(report.accuracy, report.n)
    most = max(row["support"] for row in report.per_class.values()) / report.n
    rows = [
        ("class among the three most probable", report.top3_accuracy),
        ("weighted precision", report.weighted_precision),
        ("weighted recall", report.weighted_recall),
        ("macro F1", report.macro_f1),
        ("always naming the most frequent class", most),
    ]
    if chosen_on:
        rows.append((f"accuracy on {chosen_on.split}, where choices were made", chosen_on.accuracy))
    return {
        "split": report.split,
        "n": report.n,
        "accuracy": report.accuracy,
        "low": low,
        "high": high,
        "rows": rows,
    }


def timings(run_dir: Path, steps: list[str]) -> list[tuple[str, float]]:
    """Returns (step, seconds) of the finished steps."""
    found = {step: manifest.read(run_dir / step) for step in steps}
    return [(step, known["seconds"]) for step, known in found.items() if known]


def version_rows(versions: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns (name, text) of what a run wrote down about where it was made."""
    rows = {**versions, **versions["packages"]}
    del rows["packages"]
    return [(name, "not installed" if v is None else str(v)) for name, v in rows.items()]
