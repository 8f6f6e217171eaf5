"""The card of a packaged model of people in motion, and the same as JSON.

Gathered from what a finished run left in its folder; nothing is measured here.
"""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pose_activity.annotations.clip_files import read_clips
from pose_activity.annotations.types import SPLITS
from pose_activity.cache.windows import CLIPS
from pose_activity.configs.clips import ClipRun
from pose_activity.inference import precision_records
from pose_activity.inference.clips.predictor import ClipPredictor
from pose_activity.training.clips.report import RETRIEVAL
from pose_activity.training.report_page import model_card
from pose_activity.training.report_page.facts import Block, Code, Prose
from pose_activity.training.runs import VERSIONS

_CONFIG = ("split", "stage1", "track", "sequence", "stage2", "seed")


def about(run: ClipRun, *, has_pose: bool = True) -> dict[str, Any]:
    """Returns the card's content as JSON values.

    Args:
        run: Finished.
        has_pose: Whether the package has a pose graph.

    Returns:
        `name`, `classifier`, `recipe` (sections of the configuration), `data`, `scores`,
        `precisions`, `licences`, `versions`.
    """
    report = run.run_dir / "report"
    weights = f", from {run.stage1.graph or run.stage1.weights}" if run.has_videos else ""
    found = json.loads((report / "metrics.json").read_text(encoding="utf-8"))
    scores = {"split": found["split"], "n": found["n"]}
    if (report / RETRIEVAL).is_file():  # the rest is of another classifier, on people never seen
        scores |= json.loads((report / RETRIEVAL).read_text(encoding="utf-8"))
    else:
        scores |= model_card.figures_of(found)
    clips = read_clips(run.run_dir / "cache" / CLIPS)
    counts = Counter((clip.label, clip.split) for clip in clips)
    labels = sorted({str(clip.label) for clip in clips})
    return {
        "name": run.run_dir.name,
        "classifier": run.classifier_name,
        "recipe": {name: run.model_dump(mode="json")[name] for name in _CONFIG},
        "data": {
            "format": run.clips.format,
            "unit": "clips",
            "splits": list(SPLITS),
            "classes": {name: [counts[name, split] for split in SPLITS] for name in labels},
        },
        "scores": scores,
        "precisions": precision_records.records(run.run_dir),
        "licences": {
            "this project": "AGPL-3.0-or-later",
            **({"pose graph": f"exported with ultralytics, AGPL-3.0{weights}"} if has_pose else {}),
            "clips and labels": "the data set's own terms; they bind what is learnt from it, too",
        },
        "versions": json.loads((run.run_dir / VERSIONS).read_text(encoding="utf-8")),
    }


def write_card(facts: Mapping[str, Any], pipeline: ClipPredictor) -> str:
    """Returns the card as Markdown.

    Args:
        facts: See `about`.
        pipeline: The run's.
    """
    recipe, classes = pipeline.recipe, pipeline.classes
    source, shown = ("video", "clip.mp4") if pipeline.pose else ("pose file", "poses/")
    intro: list[Block] = [
        Prose(
            f"Names each person in a {source}, one of {len(classes)} classes, by how they move: "
            f"{recipe.frames} frames of {recipe.skeleton} joints ({recipe.kind})."
        ),
        Code("Command", f"python infer.py {shown} --model THIS_FOLDER"),
        Prose(f"Classes: {', '.join(classes)}. It always names one of them, whoever is shown."),
    ]
    return model_card.write_card(facts, intro, [("classifier", facts["classifier"])])
