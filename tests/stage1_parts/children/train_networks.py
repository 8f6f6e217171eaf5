"""A small training, killed and taken up again, its export and what it answers; facts.json."""

import json
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np

from pose_activity.annotations.parts import PARTS15, PASCAL7, merge
from pose_activity.annotations.types import Masks
from pose_activity.cache import store
from pose_activity.cache.parts import PartsRecipe, make_target
from pose_activity.cache.record import WHOLE, Arrays, Entry, X, Y, key_of
from pose_activity.learning import litert, loop
from pose_activity.stage1_parts import fit as fitting
from pose_activity.stage1_parts import predict
from pose_activity.stage1_parts.export import export, for_every_pixel
from pose_activity.stage1_parts.options import PartsAugment

out = Path(sys.argv[1])
SIZE = 32
RECIPE = PartsRecipe(
    planes=("rgb", "bones"), width=SIZE, height=SIZE, scheme=PARTS15, labelled=(PASCAL7,)
)
SPLITS = ("train",) * 12 + ("val",) * 4


@dataclass(frozen=True)
class Drawn:
    """A torso between two arms; half of the images are labelled with 7 classes, half with 15."""

    number: int

    @property
    def entry(self) -> Entry:
        source = Path(f"drawn/{self.number}.png")
        return Entry(key_of(source), source, None, SPLITS[self.number], WHOLE, sha256="")

    @property
    def made_from(self) -> str:
        return str(self.number)

    def draw(self, recipe: PartsRecipe) -> Arrays:
        rng = np.random.default_rng(self.number)
        ids, left = np.zeros((SIZE, SIZE), np.uint8), int(rng.integers(4, 12))
        for place, part in enumerate(("right_upper_arm", "torso", "left_upper_arm")):
            ids[6:26, left + 5 * place : left + 5 * place + 5] = PARTS15.index(part)
        rgb = np.dstack([17 * ids, 255 - 17 * ids, np.full_like(ids, 90)])
        scheme = PASCAL7 if self.number % 2 else PARTS15
        masks = Masks(merge(ids, PARTS15, scheme), scheme)
        return {X: np.dstack([rgb, ids]), Y: make_target(masks, recipe)}


class Killed(Exception):
    """Stands for a kill."""


def kill(done: int, total: int, text: str) -> None:
    if "epoch 2" in text:
        raise Killed


cache, _ = store.build(
    out / "cache",
    [Drawn(number) for number in range(len(SPLITS))],
    recipe=RECIPE,
    classes=PARTS15.names,
    inputs={},
)
options: dict[str, Any] = {
    "model": "unet",
    "weights": "none",
    "epochs": 3,
    "batch": 4,
    "learning_rate": 0.01,
    "ema": 0.5,
    "threads": 1,
    "augment": PartsAugment(smallest=0.9, largest=1.2),
}
history = fitting.fit(cache, out / "whole", **options)
try:
    fitting.fit(cache, out / "killed", **options, on_progress=kill)
except Killed:
    pass
PNG = cv2.imencode(".png", np.zeros((2, 2, 3), np.uint8))[1].tobytes()


def look(network: keras.Model) -> dict[str, bytes]:
    network.predict_on_batch(np.zeros((1, SIZE, SIZE, 4), np.float32))
    return {"val": PNG}


fitting.fit(cache, out / "killed", **options, logs=out / "logs", pictures=look)
trained: list[Any] = [
    keras.models.load_model(out / name / loop.CLASSIFIER, compile=False)
    for name in ("whole", "killed")
]
whole, again = trained
pairs = zip(whole.get_weights(), again.get_weights(), strict=True)
facts: dict[str, Any] = {
    "same": all(map(np.array_equal, *zip(*pairs, strict=True))),
    "metrics": [dict(epoch.metrics) for epoch in history.epochs],
}
(log,) = (out / "logs").iterdir()
facts["pictures"] = log.read_bytes().count(PNG)
sgd = {**options, "epochs": 2, "optimizer": "sgd_decay", "ema": 0.0, "start": None}
rates = fitting.fit(cache, out / "sgd", **sgd).epochs
facts["rates"] = [epoch.learning_rate for epoch in rates]
further = {**options, "start": out / "whole" / loop.CLASSIFIER, "epochs": 1, "learning_rate": 1e-6}
facts["further"] = fitting.fit(cache, out / "further", **further).epochs[0].metrics["val_loss"]
facts["refused"] = {}
for name, changes in {
    "coarse": {"loss": "part_distance_far"},
    "start": {"start": out / "whole" / loop.CLASSIFIER, "model": "hpnet_strided"},
    "weights": {"weights": "imagenet"},
}.items():
    try:
        fitting.fit(cache, out / f"refused_{name}", **{**options, **changes})
    except ValueError as error:
        facts["refused"][name] = str(error)

np.ones(1 << 21)  # 16 MB: glibc keeps them, see learning/batches.py
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    np.ones(1 << 21)
facts["faults"] = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

held_out = [cache.load(entry) for entry in cache.of_split("val")]
tensors = np.stack([example.x for example in held_out])
validation = [(example.x, np.asarray(example.y)) for example in held_out]
facts["parity"] = export(
    out / "whole", recipe=RECIPE, tensors=tensors, validation=validation, mirror=True
)
network = predict.load(out / "whole", engine="onnxruntime", threads=1)
answers = network(tensors)
facts["shape"], facts["empty"] = list(answers.shape), list(network(tensors[:0]).shape)
facts["sums"] = float(np.abs(answers.sum(axis=-1) - 1).max())
facts["temperature"] = network.temperature
told = json.loads((out / "whole" / predict.SIDECAR).read_text(encoding="utf-8"))
facts["calibration"], facts["weights"] = told["calibration_error"], told["weights"]
phone = for_every_pixel(whole, RECIPE, mirror=True)
facts["litert"] = litert.write(phone, out / "parts.tflite", tensors)
try:
    litert.write(phone, out / "refused.tflite", tensors, tolerance=-1.0)
except ValueError as error:
    facts["refused"]["litert"] = str(error)
facts["files"] = [path.name for path in out.glob("*.tflite")]
sides = np.array(PARTS15.flip_index, np.uint8)
mirrored = tensors[:, :, ::-1].copy()
mirrored[..., 3] = sides[mirrored[..., 3]]
facts["mirror"] = float(np.abs(network(mirrored)[:, :, ::-1][..., sides] - answers).max())
try:
    network(tensors[..., :3])
except ValueError as error:
    facts["refused"]["planes"] = str(error)
(out / "whole" / predict.GRAPH).write_bytes(b"another")
try:
    predict.load(out / "whole")
except ValueError as error:
    facts["refused"]["graph"] = str(error)
coarse = keras.Model(whole.input, keras.layers.AveragePooling2D(4)(whole.output))
facts["enlarged"] = list(for_every_pixel(coarse, RECIPE).output_shape)
# A coarse network that says what its targets say: ramps, which are linear between them.
planes: Any = keras.Input((SIZE, SIZE, 4))
facts["places"] = []
for factor in (2, 4):
    centres = keras.Model(planes, planes[:, factor // 2 :: factor, factor // 2 :: factor])
    ramps = np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE)), axis=-1).astype(np.float32)
    ramps = np.concatenate([ramps, ramps], axis=-1)[None]
    found = np.asarray(for_every_pixel(centres, RECIPE)(ramps))
    inner = np.s_[:, factor : SIZE - factor, factor : SIZE - factor]
    facts["places"].append(float(np.abs(found[inner] - ramps[inner]).max()))
(out / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
