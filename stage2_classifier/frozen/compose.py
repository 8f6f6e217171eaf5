"""A frozen backbone and a linear head as one ONNX graph: arrays of a recipe in, probabilities out.

The graph takes the recipe's arrays by their names, float32 with values 0..255 ("found" 0 or 1, and
"joints" as `cache.joint_numbers` has them), and answers with `probabilities` `(B, classes)` and,
for each view, where it looked: `activation_map` `(B, h, w)` of the first one, `activation_map_VIEW`
of another. The backbone's weights are in it once, however many pictures it looks at.

Source of the maps: Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR
2016. A mean's part is spread over the places as the features are; a maximum's part stands where the
maximum is, times the number of places. The means of all maps, plus what the bias, "found" and the
joints add, are the logit of the most probable class.
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from pose_activity.cache.part_maps import COLOURS
from pose_activity.cache.planes import CHANNELS, FOUND, JOINTS, Recipe
from pose_activity.runtime.canonical import canonical
from pose_activity.stage2_classifier.frozen.head import LinearHead
from pose_activity.stage2_classifier.frozen.joint_scores import JointScores
from pose_activity.stage2_classifier.frozen.layout import POOLINGS, Layout, Look

PROBABILITIES, MAP = "probabilities", "activation_map"


def compose(
    backbone: onnx.ModelProto, head: LinearHead, *, recipe: Recipe, pooling: Collection[str]
) -> onnx.ModelProto:
    """Builds the graph.

    Args:
        backbone: From "image" float32 `(B, H, W, 3)`, H and W free, to "features" `(B, h, w, D)`.
        head: Of the vectors that `features.vector` makes, the columns of `pooling` alone.
        recipe: Of the arrays.
        pooling: Names from `layout.POOLINGS`.

    Raises:
        ValueError: the head takes vectors of another size, or other joints.
    """
    layout = Layout.of(recipe)
    used = [name for name in POOLINGS if name in pooling]
    blocks = len(layout.looks) * len(used)
    features, rest = divmod(len(head.kernel) - layout.found, blocks)
    if rest or features < 1:
        raise ValueError(
            f"The head must take {blocks} blocks of equal length"
            f"{' and one number' if layout.found else ''}. Received: {len(head.kernel)} numbers"
        )
    if (joints := head.joints.size if head.joints else 0) != layout.joints:
        raise ValueError(
            f"The head must take {layout.joints} numbers of joints. Received: {joints}"
        )
    parts = _Parts(backbone)
    seen = [parts.look(one, recipe) for one in layout.looks]
    pooled = [parts.pool(name, kind) for name in seen for kind in used]
    vector = parts.node("Concat", [*pooled, *[FOUND] * layout.found], "vector", axis=1)
    best = parts.classify(vector, head)
    kernels = np.split((head.kernel / head.scale[:, None]).T[:, : blocks * features], blocks, 1)
    maps: dict[str, list[str]] = {}
    for i, (look, name) in enumerate(zip(layout.looks, seen, strict=True)):
        own = dict(zip(used, kernels[i * len(used) : (i + 1) * len(used)], strict=True))
        maps.setdefault(look.view, []).append(parts.map(name, best, own))
    outputs = [_value(PROBABILITIES, ["batch", len(head.bias)])]
    for number, (view, names) in enumerate(maps.items()):
        output = MAP if number == 0 else f"{MAP}_{view}"
        parts.node("Sum", names, output)
        outputs.append(_value(output, ["batch", f"rows_{number}", f"columns_{number}"]))
    inputs = [_value(name, ["batch", *spec.shape]) for name, spec in recipe.arrays.items()]
    graph = helper.make_graph(parts.nodes, "classifier", inputs, outputs, parts.constants)
    model = helper.make_model(
        graph, opset_imports=backbone.opset_import, ir_version=backbone.ir_version
    )
    return canonical(model)


class _Parts:
    """Nodes and constants of the graph; each method adds some and names what they answer."""

    def __init__(self, backbone: onnx.ModelProto) -> None:
        self.backbone = backbone.graph
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.shared = {"": ""}  # the backbone's constants by their names here
        for constant in self.backbone.initializer:
            copy = onnx.TensorProto()
            copy.CopyFrom(constant)
            copy.name = self.shared[constant.name] = f"backbone/{constant.name}"
            self.constants.append(copy)

    def look(self, look: Look, recipe: Recipe) -> str:
        """Sends a plane through the backbone: `(B, h, w, D)`."""
        name = f"{look.view}.{look.plane}"  # no name of another node begins like this and with "/"
        image = self.image(look, recipe, name)
        names = {self.backbone.input[0].name: image, **self.shared}
        for node in self.backbone.node:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            names |= {output: f"{name}/{output}" for output in node.output if output}
            copy.input[:] = [names[one] for one in node.input]
            copy.output[:] = [names[one] for one in node.output]
            self.nodes.append(copy)
        return names[self.backbone.output[0].name]

    def image(self, look: Look, recipe: Recipe, name: str) -> str:
        """Cuts a plane out of its array, and gives it three channels."""
        first, count = look.first, CHANNELS[look.plane]
        pixels = look.view
        if count < recipe.arrays[look.view].shape[-1]:
            pixels = self.cut(pixels, {3: (first, first + count)}, f"pixels({name})")
        if count == 3:
            return pixels
        if look.plane == "parts":
            colours = self.constant(f"colours({name})", COLOURS)
            return self.node("MatMul", [pixels, colours], f"image({name})")
        return self.node("Concat", [pixels] * 3, f"image({name})", axis=3)

    def pool(self, features: str, kind: str) -> str:
        """Returns `(B, D)`."""
        operation = {"mean": "ReduceMean", "max": "ReduceMax"}[kind]
        return self.node(operation, [features], f"{kind}({features})", axes=[1, 2], keepdims=0)

    def classify(self, vector: str, head: LinearHead) -> str:
        """Adds the probabilities; returns the most probable class `(B,)`."""
        mean, factor = self.constant("mean", head.mean), self.constant("factor", 1 / head.scale)
        centred = self.node("Sub", [vector, mean], "centred")
        standard = self.node("Mul", [centred, factor], "standard")
        weights = [self.constant("kernel", head.kernel), self.constant("bias", head.bias)]
        if head.joints:
            sums = self.node("Gemm", [standard, *weights], "sums")
            logits = self.node("Add", [sums, self.score(head.joints)], "logits")
        else:
            logits = self.node("Gemm", [standard, *weights], "logits")
        self.node("Softmax", [logits], PROBABILITIES, axis=1)
        return self.node("ArgMax", [logits], "best", axis=1, keepdims=0)

    def score(self, scores: JointScores) -> str:
        """Adds what the joints alone say: `(B, C)`."""
        there = self.cut(JOINTS, {1: (0, 1), 2: (0, 1)}, "there(joints)")
        axis = self.constant("axis(joints)", np.array([2], np.int64))
        flag = self.node("Squeeze", [there, axis], "flag(joints)")
        numbers = self.cut(JOINTS, {2: (1, 1 + len(scores.mean))}, "numbers(joints)")
        centred = self.node(
            "Sub", [numbers, self.constant("mean(joints)", scores.mean)], "centred(joints)"
        )
        standard = self.node(
            "Mul", [centred, self.constant("factor(joints)", scores.factor)], "standard(joints)"
        )
        column = self.node("Unsqueeze", [standard, axis], "column(joints)")  # (B, 2, 1, D)
        apart = self.node(
            "Sub", [column, self.constant("anchors(joints)", scores.anchors)], "apart(joints)"
        )
        distances = self.node("ReduceSumSquare", [apart], "distances", axes=[3], keepdims=0)
        width = self.constant("width(joints)", -scores.width)
        powers = self.node("Exp", [self.node("Mul", [distances, width], "powers(joints)")], "exp")
        alike = self.node("ReduceMean", [powers], "alike(joints)", axes=[1], keepdims=0)
        kernel = self.constant("kernel(joints)", scores.kernel)
        found = self.node("MatMul", [alike, kernel], "scores(joints)")
        return self.node("Mul", [found, flag], "added(joints)")

    def cut(self, array: str, ranges: Mapping[int, tuple[int, int]], output: str) -> str:
        """Cuts a part out of an array, given by ranges of its axes."""
        starts, ends = np.array([*ranges.values()], np.int64).T
        named = {"first": starts, "past": ends, "axes": np.array([*ranges], np.int64)}
        given = [self.constant(f"{what}({output})", value) for what, value in named.items()]
        return self.node("Slice", [array, *given], output)

    def map(self, features: str, best: str, kernels: Mapping[str, np.ndarray]) -> str:
        """Returns `(B, h, w)`: what each place adds to the logit of the best class.

        Args:
            features: `(B, h, w, D)`.
            best: `(B,)`.
            kernels: Pooling -> `(C, D)`.
        """
        parts = []
        for kind, kernel in kernels.items():
            name = f"{kind}({features})"
            rows = self.node(
                "Gather", [self.constant(f"kernel({name})", kernel), best], f"rows({name})", axis=0
            )
            axes = self.constant(f"axes({name})", np.array([1, 3], np.int64))
            column = self.node("Unsqueeze", [rows, axes], f"column({name})")
            values = features if kind == "mean" else self.peaks(features)
            parts.append(self.node("MatMul", [values, column], f"part({name})"))
        summed = self.node("Sum", parts, f"map({features})")
        axis = self.constant(f"last({features})", np.array([3], np.int64))
        return self.node("Squeeze", [summed, axis], f"map_of_places({features})")

    def peaks(self, features: str) -> str:
        """Returns `(B, h, w, D)`: 0 but where a feature is highest, with the maximum as mean."""
        top = self.node("ReduceMax", [features], f"top({features})", axes=[1, 2], keepdims=1)
        same = self.node("Equal", [features, top], f"same({features})")
        mask = self.node("Cast", [same], f"mask({features})", to=onnx.TensorProto.FLOAT)
        share = self.node("ReduceMean", [mask], f"share({features})", axes=[1, 2], keepdims=1)
        spread = self.node("Div", [mask, share], f"spread({features})")
        return self.node("Mul", [features, spread], f"peaks({features})")

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, name: str, value: np.ndarray) -> str:
        array = value if value.dtype == np.int64 else value.astype(np.float32)
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name


def _value(name: str, shape: list[str | int]) -> Any:
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
