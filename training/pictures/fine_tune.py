"""The step `stage2` of a run with `stage2.fine_tune`: from a linear head on, all of it learns.

stage2/linear/          what `fit_linear` makes of the same pictures: the start
stage2/...              the training from there on, see `learning.loop`
stage2/classifier.onnx  with classifier.json: whichever of the two is better on val
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pose_activity.annotations.images import write_drawing
from pose_activity.annotations.types import LEARNED_FROM
from pose_activity.artifacts import atomic
from pose_activity.artifacts.removal import remove
from pose_activity.cache.store import Cache, open_cache
from pose_activity.configs.pictures import OF_LINEAR, PictureRun
from pose_activity.learning.history import History, early_end, title_of
from pose_activity.learning.tensorflow_start import start_tensorflow
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage2_classifier.frozen import head
from pose_activity.stage2_classifier.sidecar import GRAPH, SIDECAR
from pose_activity.training.console import console, say
from pose_activity.training.pictures.files import HELD_OUT, LEARNING_CURVE, LINEAR
from pose_activity.training.pictures.fit_linear import fit_linear
from pose_activity.training.pictures.fit_network import export_network, show_augmentations
from pose_activity.training.resume import resume_or_restart
from pose_activity.training.steps import Counts
from pose_activity.training.unknown import say_unknown

_FITTED = "fitted.json"  # in there, written last: from what it was made, and its figures
_OF_HEAD = (head.FILE, head.EXPORTED, HELD_OUT, LEARNING_CURVE)


def fine_tune(run: PictureRun, folder: Path, *, finish: bool = False) -> Counts:
    """Fine-tunes, or ends that with the epochs there are; exports the better one of both."""
    cache = open_cache(run.run_dir / "cache")
    start = _fit_start(run, cache, folder / LINEAR)
    history = _train(run, cache, folder, finish=finish)
    metric = _compared_by(run.classifier.monitor)
    before, after = float(start[f"val_{metric}"]), history.best.metrics[f"val_{metric}"]
    gained = after > before
    say(
        f"{title_of(metric)} on val: {before:.3f} on frozen features, {after:.3f} fine-tuned: "
        + ("the fine-tuned network is kept" if gained else "the linear classifier is kept")
    )
    if gained:
        for name in _OF_HEAD:  # of an earlier configuration
            remove(folder / name)
        options = run.classifier.fine_tune
        export_network(run, cache, folder, mirror=bool(options and options.mirror))
    else:
        for name in (GRAPH, SIDECAR, *_OF_HEAD):
            atomic.write_bytes(folder / name, (folder / LINEAR / name).read_bytes())
        say_unknown(folder, held_out=len(cache.of_split("val")))
    kept = {"kept": "fine_tuned" if gained else "linear", f"linear_val_{metric}": before}
    return early_end(folder) | kept | history.best.row()


def _fit_start(run: PictureRun, cache: Cache, folder: Path) -> Mapping[str, Any]:
    """Fits the linear classifier, once, and returns its figures."""
    section = run.model_dump(mode="json")["stage2"]
    made_from = {
        **{name: section[name] for name in OF_LINEAR},
        "tensors": cache.digest(LEARNED_FROM),
        "seed": run.seed,
    }
    note = folder / _FITTED
    found = json.loads(note.read_text(encoding="utf-8")) if note.is_file() else {}
    if found.get("made_from") == made_from:
        return found["counts"]
    folder.mkdir(parents=True, exist_ok=True)
    counts = fit_linear(run, folder)
    atomic.write_json(note, {"made_from": made_from, "counts": dict(counts)})
    return counts


def _train(run: PictureRun, cache: Cache, folder: Path, *, finish: bool) -> History:
    section = run.classifier
    if section.linear is None or section.fine_tune is None:
        raise ValueError(
            "stage2.fine_tune needs stage2.linear, from whose head it starts: set both"
        )
    options, pooling = section.fine_tune, section.linear.pooling
    start_tensorflow(run.run_dir / "logs" / "tensorflow.txt")
    from pose_activity.stage2_classifier import fit_views

    with progress_bar("training stage 2", console) as show:

        def train() -> History:
            write_drawing(folder / "augmentations.png", show_augmentations(run, cache))
            return fit_views.fit_views(
                cache,
                folder,
                section,
                head=head.load(folder / LINEAR).folded(),
                options=options,
                pooling=pooling,
                model=section.model,
                weights=section.weights,
                seed=run.seed,
                threads=run.threads,
                finish=finish,
                logs=run.run_dir / "logs" / "stage2",
                on_progress=show,
            )

        return train() if finish else resume_or_restart(train, folder)


def _compared_by(monitor: str) -> str:
    """Returns the figure by which both are compared: the loss depends on its smoothing."""
    return "macro_f1" if monitor == "macro_f1" else "accuracy"
