"""What a packaged model of people in motion says of itself: its card, and the same as JSON.

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
from pose_activity.training.pictures.card import FIGURES, table_of
from pose_activity.training.report_page.page import version_rows
from pose_activity.training.runs import VERSIONS

_CONFIG = ("split", "stage1", "track", "sequence", "stage2", "seed")


def about_clips(run: ClipRun, *, has_pose: bool = True) -> dict[str, Any]:
    """Returns what the card says in numbers, as JSON values.

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
        scores |= {key: found[key] for key in FIGURES if found.get(key) is not None}
    clips = read_clips(run.run_dir / "cache" / CLIPS)
    counts = Counter((clip.label, clip.split) for clip in clips)
    labels = sorted({str(clip.label) for clip in clips})
    return {
        "name": run.run_dir.name,
        "classifier": run.classifier_name,
        "recipe": {name: run.model_dump(mode="json")[name] for name in _CONFIG},
        "data": {
            "format": run.clips.format,
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


def write_clip_card(facts: Mapping[str, Any], pipeline: ClipPredictor) -> str:
    """Returns the card as Markdown.

    Args:
        facts: See `about_clips`.
        pipeline: The run's.
    """
    recipe, scores, data = pipeline.recipe, facts["scores"], facts["data"]
    source, shown = ("video", "clip.mp4") if pipeline.pose else ("pose file", "poses/")
    names = FIGURES | {
        "rank1": "rank-1",
        "rank5": "rank-5",
        "mean_average_precision": "mean average precision",
    }
    figures = [(text, f"{scores[key]:.4f}") for key, text in names.items() if key in scores]
    parts = [
        f"# {facts['name']}\n",
        f"Names each person in a {source}, one of {len(pipeline.classes)} answers, by how they "
        f"move: {recipe.frames} frames of {recipe.skeleton} joints ({recipe.kind}).\n",
        f"    python infer.py {shown} --model THIS_FOLDER\n",
        f"Answers: {', '.join(pipeline.classes)}. It gives one of them whoever is shown.\n",
        "## Scores\n",
        f"On {scores['n']} clips of the split `{scores['split']}`:\n",
        table_of(("figure", "value"), figures),
        "## Data\n",
        table_of(("class", *data["splits"]), [(k, *v) for k, v in data["classes"].items()]),
        "## Recipe\n",
        table_of(("", ""), [("classifier", facts["classifier"])]),
        "All of it stands in `model.json`.\n",
        "## Licences\n",
        table_of(("part", "terms"), facts["licences"].items()),
        "## Made with\n",
        table_of(("", ""), version_rows(facts["versions"])),
    ]
    return "\n".join(parts)
