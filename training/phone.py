"""The command `phone`: a run's network as a LiteRT file, with its sidecar beside it.

The network alone: it takes planes of the sidecar's recipe as float32 in 0..255, a batch of one, and
answers with probabilities before they are calibrated. Stage 1 stays an ONNX graph.
"""

import json
from pathlib import Path

import numpy as np

from pose_activity.artifacts import atomic, manifest
from pose_activity.cache.store import open_cache
from pose_activity.configs.sections import Run
from pose_activity.learning.tensorflow_start import start_tensorflow
from pose_activity.training.console import say
from pose_activity.training.kinds import module_for
from pose_activity.training.steps import require, steps_of

PARITY_TENSORS = 4  # of val, on which the file is compared with Keras


def write_phone(run: Run, out: Path) -> None:
    """Writes NAME.tflite and NAME.json, and prints how far the file is from Keras.

    Args:
        run: Every step is finished and fits the others.
        out: A folder; files of these names in it are replaced.

    Raises:
        ModuleNotFoundError: ai-edge-litert is not installed.
        ValueError: the run's kind or model has no such network, a step is missing or stale, or the
            file does not answer as Keras does.
    """
    kind = module_for(run, "phone")
    require(run, steps_of(run))
    start_tensorflow(run.run_dir / "logs" / "tensorflow.txt")
    from pose_activity.learning import litert

    stage2, cache = run.run_dir / "stage2", open_cache(run.run_dir / "cache")
    network = kind.network_of(run, stage2)
    entries = cache.of_split("val")[:PARITY_TENSORS]
    tensors = np.stack([cache.load(entry, verify=True).x for entry in entries])
    path = out / f"{kind.NAME}.tflite"
    parity = litert.write(network, path, tensors)
    about = json.loads((stage2 / f"{kind.NAME}.json").read_text(encoding="utf-8"))
    about |= {"sha256": manifest.sha256_file(path), "parity": parity}
    atomic.write_json(path.with_suffix(".json"), about)
    size = path.stat().st_size / 1e6
    say(f"{path}: {size:.1f} MB, {parity:.1g} from Keras at most", mark="written", style="green")
