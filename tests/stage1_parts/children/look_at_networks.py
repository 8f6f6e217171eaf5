"""Builds every network, asks the losses and metrics by hand; writes facts.json."""

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pose_activity.annotations.parts import PARTS9, PARTS15, PASCAL7
from pose_activity.cache.parts import PartsRecipe
from pose_activity.stage1_parts import losses, metrics, schedules
from pose_activity.stage1_parts.models import registry
from tests.stage1_parts.test_bodypix import write_graph

out = Path(sys.argv[1])
facts: dict[str, Any] = {"shapes": {}}

for name in registry.MODELS:
    size = (240, 320) if name.startswith(("hpnet", "bgnet")) else (96, 128)
    classes = 2 if name == "bgnet" else 9
    for planes in (("rgb",), ("rgb", "bones")):
        network = registry.build(
            name, height=size[0], width=size[1], planes=planes, classes=classes
        )
        x = np.random.default_rng(0).integers(0, 256, (1, *size, 3)).astype(np.float32)
        x = np.concatenate([x, np.full((1, *size, len(planes) - 1), 8, np.float32)], axis=-1)
        answer = np.asarray(network(x[:, : size[0], : size[1]]))
        facts["shapes"][f"{name} {len(planes)}"] = [
            *answer.shape[1:],
            float(np.abs(answer.sum(axis=-1) - 1).max()),
        ]
        if name == "hpnet" and len(planes) == 1:
            learned = sum(int(np.prod(v.shape)) for v in network.trainable_variables)
            facts["hpnet"] = [network.count_params(), learned]
facts["refused"] = {}
for model, options in {
    "size": ("hpnet", {"height": 100, "width": 320, "planes": ("rgb",), "classes": 9}),
    "planes": ("unet", {"height": 96, "width": 96, "planes": ("heatmap",), "classes": 9}),
    "classes": ("bgnet", {"height": 96, "width": 96, "planes": ("rgb",), "classes": 9}),
    "name": ("hpnet_5", {"height": 96, "width": 96, "planes": ("rgb",), "classes": 9}),
}.items():
    try:
        registry.build(options[0], **options[1])
    except ValueError as error:
        facts["refused"][model] = str(error)

# BodyPix' weights in Keras answer as the graph does.
from pose_activity.runtime import graph  # noqa: E402
from pose_activity.stage1_parts import bodypix_graph  # noqa: E402
from pose_activity.stage1_parts.models import bodypix  # noqa: E402

path = write_graph(out / "small.onnx")
backbone = bodypix.build_backbone(64, 96, bodypix_graph.read_weights(path))
pixels = np.random.default_rng(1).integers(0, 256, (1, 64, 96, 3)).astype(np.float32)
*_, own = backbone(pixels)
run = graph.load(path, engine="onnxruntime", threads=1)
both = run(pixels / np.float32(127.5) - 1)
facts["bodypix"] = float(np.abs(np.asarray(own) - np.concatenate(both, axis=-1)).max())


def number(value: Any) -> float:
    """Returns a tensor of one number as such."""
    return float(np.asarray(value))


# Losses on a 2x2 image; targets of three levels.
recipe = PartsRecipe(scheme=PARTS15, labelled=(PASCAL7,))
arms = int(recipe.tables[PASCAL7][PASCAL7.index("lower_arm")])
y = np.array([[[0, PARTS15.index("head")], [arms, 255]]], np.uint8)
p = np.random.default_rng(2).dirichlet(np.ones(15), (1, 2, 2)).astype(np.float32)
lower = [PARTS15.index(f"{s}_{part}") for s in ("right", "left") for part in ("forearm", "hand")]
facts["crossentropy"] = [
    number(losses.GroupCrossentropy(recipe.membership)(y, p)),
    float(-np.log([p[0, 0, 0, 0], p[0, 0, 1, 1], p[0, 1, 0, lower].sum()]).mean()),
]
weights = np.arange(1, len(recipe.targets) + 1)
each = -np.log([p[0, 0, 0, 0], p[0, 0, 1, 1], p[0, 1, 0, lower].sum()])
own_weights = weights[[0, 1, arms]]
facts["weighted"] = [
    number(losses.GroupCrossentropy(recipe.membership, weights.tolist())(y, p)),
    float((own_weights * each).sum() / own_weights.sum()),
]
said = np.stack([p[0, ..., 0], p[0, ..., 1], p[0][..., lower].sum(axis=-1)]).reshape(3, 4)[:, :3]
there = np.eye(3)
facts["dice"] = [
    number(losses.Dice(recipe.membership)(y, p)),
    float(1 - np.mean(2 * (said * there).sum(1) / ((said * said).sum(1) + there.sum(1)))),
]
facts["crossentropy_dice"] = [
    number(losses.CrossentropyDice(recipe.membership)(y, p)),
    facts["crossentropy"][1] + facts["dice"][1],
]
facts["squared"] = [
    number(losses.SquaredError(np.eye(15))(np.array([[[0, 1], [2, 255]]]), p)),
    float(np.mean([(np.eye(15)[i] - p.reshape(4, 15)[i]) ** 2 for i in range(3)])),
]
identity = np.eye(9, dtype=np.float32)
truth = np.array([[[1, 3], [0, 255]]], np.uint8)  # head, forearm, background
q = np.zeros((1, 2, 2, 9), np.float32)
q[0, 0, 0, [1, 5]] = 0.75, 0.25  # a quarter torso, 1 step from the head
q[0, 0, 1, [3, 8]] = 0.5, 0.5  # half a foot, 5 steps from the forearm
q[0, 1, 0, [0, 4]] = 0.9, 0.1  # a tenth hand: background counts 1
q[0, 1, 1, 7] = 1
facts["mu"] = {}
for mu in ("far", "near"):
    table = losses.distance_weights(PARTS9, mu)
    facts["mu"][mu] = [float(table[1, 5]), float(table[3, 8]), float(table[0, 4])]
    facts[f"part_distance_{mu}"] = number(losses.PartDistance(identity, table)(truth, q))

# A coarse answer is compared at the centres of its pixels.
fine = np.arange(64, dtype=np.uint8).reshape(1, 8, 8)
facts["centres"] = np.asarray(losses.at_centres(fine, np.zeros((1, 2, 2, 3)))).tolist()

# Metrics on several levels.
occurring = np.zeros(len(recipe.targets), bool)
occurring[[0, 1, arms]] = True
groups = metrics.common_groups(recipe.membership, occurring)
facts["groups"] = [groups[1][lower[0]] == groups[1][one] for one in lower]
miou, recall = metrics.MeanOverlap(*groups), metrics.BodyRecall(*groups)
sure = np.zeros((1, 2, 2, 15), np.float32)
sure[0, 0, 0, 0] = sure[0, 0, 1, 0] = sure[0, 1, 0, lower[2]] = sure[0, 1, 1, 5] = 1
for metric in (miou, recall):
    metric.update_state(y, sure)
facts["miou"], facts["recall"] = float(miou.result()), float(recall.result())

for name in ("adam", "nadam", "sgd", "sgd_decay", "sgd_plateau"):
    optimizer = schedules.build_optimizer(name, 0.1, shares={}, weight_decay=0.0, ema=0.0)
    facts.setdefault("optimizers", []).append(type(optimizer).__name__)
assert keras.config.backend() == "tensorflow"
falling = [1 / (1 + k) for k in range(30)]
facts["rates"] = {
    "first": schedules.decayed_rate(0.1, [], plateau=True),
    "falling": schedules.decayed_rate(0.1, falling, plateau=True),
    "flat": schedules.decayed_rate(0.1, [1.0] * 51, plateau=True),
    "flat, later": schedules.decayed_rate(0.1, [1.0] * 61, plateau=True),
    "without": schedules.decayed_rate(0.1, [1.0] * 61, plateau=False),
}
(out / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
