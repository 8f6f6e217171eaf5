"""The step `stage2` of a run on body parts: the network is trained and exported.

stage2/parts.onnx, .json   the network, and what it sees and answers
"""

from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.cache.store import open_cache
from pose_activity.configs.parts import PartsRun
from pose_activity.learning.history import early_end
from pose_activity.learning.tensorflow_start import start_tensorflow
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage1_parts.models import registry
from pose_activity.training.console import console, say
from pose_activity.training.parts.epoch_pictures import epoch_pictures
from pose_activity.training.resume import resume_or_restart
from pose_activity.training.steps import Counts

PARITY_TENSORS = 4  # on which the exported graph is compared with Keras
_CALIBRATED = 200  # images of val, at most


def make_stage2(run: PartsRun, folder: Path, *, finish: bool = False) -> Counts:
    """Trains the network, or ends its training with the epochs there are; exports it."""
    start_tensorflow(run.run_dir / "logs" / "tensorflow.txt")
    from pose_activity.stage1_parts import export, fit

    cache, section = open_cache(run.run_dir / "cache"), run.stage2
    registry.find_weights(section.model, section.weights, on_progress=_say)
    with progress_bar("training the network", console) as show:

        def train() -> Any:
            return fit.fit(
                cache,
                folder,
                **section.arguments("mirror"),
                seed=run.seed,
                threads=run.threads,
                finish=finish,
                logs=run.run_dir / "logs" / "stage2",
                pictures=epoch_pictures(cache),
                on_progress=show,
            )

        history = train() if finish else resume_or_restart(train, folder)
    held_out = cache.of_split("val")
    sample = [cache.load(entry, verify=True).x for entry in held_out[:PARITY_TENSORS]]
    examples = (cache.load(entry, verify=True) for entry in held_out[:_CALIBRATED])
    export.export(
        folder,
        recipe=cache.recipe,
        tensors=np.stack(sample),
        validation=((e.x, np.asarray(e.y)) for e in examples),
        mirror=section.mirror,
        threads=run.threads,
    )
    return early_end(folder) | history.kept.row()


def _say(done: int, total: int, text: str) -> None:
    say(text)
