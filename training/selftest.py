"""Proof that this installation works: every kind of work that a run does, on eight drawn pictures.

Draws, reads and cleans labels, draws planes, keeps them in a cache and reads them back; exports an
untrained network of each stage in a process of its own (torch and TensorFlow never meet), which
compares it with its graph; and asks both graphs again in each engine. About 15 seconds.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.cleaning import clean
from pose_activity.annotations.images import load_rgb
from pose_activity.annotations.readers.mpii import read_mpii
from pose_activity.annotations.synthetic import pictures
from pose_activity.annotations.synthetic.options import DrawnPictures
from pose_activity.annotations.types import Poses, Sample
from pose_activity.cache import store
from pose_activity.cache.options import Style
from pose_activity.cache.planes import Recipe
from pose_activity.cache.tensor_spec import TensorSpec
from pose_activity.stage1_pose import predict as stage1
from pose_activity.stage2_classifier import predict as stage2

PICTURES, SIZE = 8, 64

STAGE1 = """
import json, sys
from pathlib import Path
from pose_activity.annotations.images import find_images
from pose_activity.annotations.skeleton import COCO17
from pose_activity.stage1_pose import ultralytics_env
from pose_activity.stage1_pose.export import export
ultralytics_env.prepare()
import torch
from ultralytics import YOLO

folder = Path(sys.argv[1])
out = folder / "stage1"
out.mkdir()
YOLO("yolov8n-pose.yaml", task="pose").save(out / "untrained.pt")
images = find_images(folder / "data" / "images")[:2]
facts = export(out / "untrained.pt", out, size=64, skeleton=COCO17, images=images, threads=1)
gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
print(json.dumps({"difference": f"{facts['parity_px']:.1g} px", "gpus": gpus}))
"""

STAGE2 = """
import json, sys
from pathlib import Path
import numpy as np, keras, tensorflow as tf
from pose_activity.cache.store import open_cache
from pose_activity.stage2_classifier.export import export
from pose_activity.stage2_classifier.models.images.adapter import build_adapter
from pose_activity.stage2_classifier.models.images.assembly import assemble

folder = Path(sys.argv[1])
cache = open_cache(folder / "cache")
size = {"height": cache.recipe.height, "width": cache.recipe.width}
inputs = keras.Input((*size.values(), 3))
features = keras.layers.Conv2D(4, 3, strides=8)(keras.layers.Rescaling(1 / 255)(inputs))
backbone = keras.Model(inputs, features, name="backbone")
adapter = build_adapter(**size, planes=cache.recipe.planes, start="identity")
network = assemble(adapter, backbone, classes=len(cache.classes), dropout=0.1, name="selftest")
network.compile("adam", "sparse_categorical_crossentropy")
tensors = np.stack([cache.load(entry).x for entry in cache.entries])
network.train_on_batch(tensors.astype(np.float32), np.zeros(len(tensors)))
out = folder / "stage2"
out.mkdir()
network.save(out / "classifier.keras")
worst = export(out, recipe=cache.recipe, classes=cache.classes, tensors=tensors)
gpus = [device.name for device in tf.config.list_physical_devices("GPU")]
print(json.dumps({"difference": f"{worst:.1g}", "gpus": gpus}))
"""


def draw_and_store(folder: Path) -> str:
    """Draws a data set into `folder`/data and stores its planes in `folder`/cache.

    Returns:
        What was done.

    Raises:
        ValueError: labels or tensors did not come back as they were written.
    """
    data = folder / "data"
    asked = DrawnPictures(images=PICTURES, width=96, height=96, faults=False)
    labels = pictures.write(data, asked, seed=0)
    kept = clean.clean(read_mpii(labels, data / "images"), root=data / "images").kept
    recipe = Recipe(width=SIZE, height=SIZE, heatmap=Style(bone_width=2, joint_radius=2))
    sources = [TensorSpec(s.image, str(s.activity), "train", _as_poses(s)) for s in kept]
    classes = sorted({source.label for source in sources})
    cache, _ = store.build(
        folder / "cache", sources, recipe=recipe, classes=classes, inputs={}, threads=1
    )
    drawn = [bool(cache.load(entry, verify=True).x[..., 3].any()) for entry in cache.entries]
    if drawn != [True] * PICTURES:
        raise ValueError(
            f"{PICTURES} pictures with a pose each must come back. Received: {sum(drawn)}"
        )
    return f"{PICTURES} pictures drawn, cleaned, stored and read back"


def in_child(script: str, folder: Path, *, seconds: float) -> dict[str, Any]:
    """Runs one of this file's scripts in a process of its own.

    Returns:
        `difference` between network and graph, and the `gpus` that its library sees.

    Raises:
        RuntimeError: it failed; the message is the last line that it wrote.
        TimeoutError: it took longer than `seconds`.
    """
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", script, folder],
            env={**os.environ, **quiet},
            capture_output=True,
            text=True,
            timeout=seconds,
            encoding="utf-8",
            errors="replace",  # a library may write a message in the locale's encoding
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"no answer within {seconds:.0f} s") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"ended with code {done.returncode}"]
        raise RuntimeError(lines[-1])
    return json.loads(done.stdout.strip().splitlines()[-1])


def ask_graphs(folder: Path, engine: str) -> np.ndarray:
    """Asks both graphs that the children exported, in this process.

    Args:
        folder: Holds data, cache, stage1 and stage2.
        engine: See `runtime.graph.load`.

    Returns:
        `(PICTURES, classes)` float32: stage 2's probabilities for the cache.
    """
    cache = store.open_cache(folder / "cache")
    images = [entry.source for entry in cache.entries]
    predictor = stage1.load(folder / "stage1", engine=engine, threads=1)
    predictor([load_rgb(image) for image in images], images)
    classifier = stage2.load(folder / "stage2", engine=engine, threads=1)
    return classifier(np.stack([cache.load(entry).x for entry in cache.entries]))


def _as_poses(sample: Sample) -> Poses:
    """Takes labelled people for found ones."""
    scores = np.ones(len(sample.boxes), np.float32)
    size = sample.size or (0, 0)
    return Poses(sample.image, size, sample.skeleton, sample.boxes, scores, sample.keypoints)
