"""The card of a packaged model of body parts, and the same as JSON.

Gathered from what a finished run left in its folder; nothing is measured here.
"""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pose_activity.annotations.types import SPLITS
from pose_activity.configs.parts import PartsRun
from pose_activity.inference import precision_records
from pose_activity.inference.parts.predictor import PartsPredictor
from pose_activity.training.parts.steps import samples_of
from pose_activity.training.report_page import model_card
from pose_activity.training.report_page.facts import Block, Code, Prose
from pose_activity.training.runs import VERSIONS

_CONFIG = ("split", "clean", "stage1", "cache", "stage2", "seed")


def about(run: PartsRun) -> dict[str, Any]:
    """Returns the card's content as JSON values: see `clips.card.about`."""
    found = json.loads((run.run_dir / "report" / "metrics.json").read_text(encoding="utf-8"))
    scores = {"split": found["split"], "n": found["n"], **model_card.figures_of(found)}
    counts = Counter((sample.scheme.name, sample.split) for sample in samples_of(run))
    names = sorted({name for name, _ in counts})
    licences = {
        "this project": "AGPL-3.0-or-later",
        "images and masks": "the data set's own terms; they bind what is learnt from it, too",
        "weights of the start": f"those of {run.stage2.weights}",
    }
    if run.stage1:
        weights = run.stage1.graph or run.stage1.weights
        licences["pose graph"] = f"exported with ultralytics, AGPL-3.0, from {weights}"
    return {
        "name": run.run_dir.name,
        "model": run.stage2.model,
        "recipe": {name: run.model_dump(mode="json")[name] for name in _CONFIG},
        "data": {
            "unit": "images",
            "splits": list(SPLITS),
            "classes": {name: [counts[name, split] for split in SPLITS] for name in names},
        },
        "scores": scores,
        "iou": dict(zip(found["classes"], found["iou"], strict=True)),
        "precisions": precision_records.records(run.run_dir),
        "licences": licences,
        "versions": json.loads((run.run_dir / VERSIONS).read_text(encoding="utf-8")),
    }


def write_card(facts: Mapping[str, Any], pipeline: PartsPredictor) -> str:
    """Returns the card as Markdown.

    Args:
        facts: See `about`.
        pipeline: The run's.
    """
    recipe, scheme = pipeline.recipe, pipeline.scheme
    iou = ", ".join(f"{n} {v:.2f}" for n, v in facts["iou"].items() if v is not None)
    intro: list[Block] = [
        Prose(
            f"Says of each pixel of a picture which of {len(scheme)} classes it shows: "
            f"{', '.join(scheme.names)}. Input: {' + '.join(recipe.planes)} at {recipe.width}x"
            f"{recipe.height} pixels ({recipe.resize})."
        ),
        Code("Command", "python infer.py photos/ --model THIS_FOLDER --draw drawn/"),
        Prose(f"IoU of each class: {iou}."),
        Prose(
            "It looks at what it was shown in training: people of other clothes, poses, cameras or "
            "skin than in its data may be seen worse. It names nobody and tells nobody apart."
        ),
    ]
    return model_card.write_card(facts, intro, [("network", facts["model"])])
