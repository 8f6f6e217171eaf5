"""What a package holds for browsers: whether the graphs fit, and a sample with its answers.

The sample is drawn, so that it may travel with the model, whatever may be done with the photos.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx

from pose_activity.annotations.synthetic import parts
from pose_activity.artifacts import atomic
from pose_activity.inference import on_device
from pose_activity.inference.kinds import Kind
from pose_activity.inference.on_device import CannotBeOnDevice
from pose_activity.inference.predictor import Predictor

_PICTURES = 12  # of the sample
_TRIES = 60
_SIZES = ((320, 240), (240, 320), (401, 301))  # (width, height)
_SEEN = 0.25  # joints of a lower confidence are not compared
# What onnxruntime-web's CPU build runs: it has the kernels of the desktop's for these.
_DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"}
_OPSET = 21
_MOST_BYTES = 200_000_000  # a browser holds it about three times while it opens it


def write(folder: Path, predictor: Predictor, kind: Kind) -> list[Path]:
    """Writes what a browser needs beside the graphs; returns the files.

    A model that a browser cannot answer with gets one file, which says why.

    Args:
        folder: Gets them.
        predictor: The model in f32.
        kind: Its kind.
    """
    try:
        about = _describe(folder, predictor, kind)
    except CannotBeOnDevice as error:
        about = {"format": on_device.FORMAT, "why": str(error)}
    atomic.write_json(folder / on_device.NAME, about)
    sample = folder / on_device.SAMPLE
    return [folder / on_device.NAME, *([sample] if sample.is_file() else [])]


def check_graph(path: Path) -> None:
    """Refuses a graph that onnxruntime-web does not run on a CPU.

    Raises:
        CannotBeOnDevice: it is too large, too new, or has operators of other libraries.
    """
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise CannotBeOnDevice(
            f"{path.name} has {size / 1e6:.0f} MB, and a browser opens up to "
            f"{_MOST_BYTES / 1e6:.0f} MB."
        )
    model = onnx.load(str(path), load_external_data=False)
    strange = sorted({node.domain for node in model.graph.node} - _DOMAINS)
    if strange:
        raise CannotBeOnDevice(f"{path.name} has operators that browsers lack: {strange}.")
    newest = max(part.version for part in model.opset_import if part.domain in ("", "ai.onnx"))
    if newest > _OPSET:
        raise CannotBeOnDevice(f"{path.name} has opset {newest}; browsers run up to {_OPSET}.")


def _describe(folder: Path, predictor: Predictor, kind: Kind) -> dict[str, Any]:
    if kind.on_device is None:
        raise CannotBeOnDevice("This kind of model is answered by the server alone.")
    about = kind.on_device.describe(predictor)
    for stage in predictor.stages.values():
        if stage.graph.path.name in [graph["file"] for graph in about["graphs"].values()]:
            check_graph(stage.graph.path)
    pictures, answers = _sample(predictor, kind.on_device.expect)
    sheet, places = _one_below_another(pictures)
    done, data = cv2.imencode(".png", sheet[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise RuntimeError("OpenCV could not write a PNG")
    atomic.write_bytes(folder / on_device.SAMPLE, data.tobytes())
    listed = [{"place": place, **answer} for place, answer in zip(places, answers, strict=True)]
    sample = {"file": on_device.SAMPLE, "min_confidence": _SEEN, "pictures": listed}
    return {"format": on_device.FORMAT, **about, "gate": on_device.GATE, "sample": sample}


def _sample(predictor: Predictor, expect: Any) -> tuple[list[np.ndarray], list[dict[str, Any]]]:
    """Draws pictures of people until enough of them have an answer that can be compared."""
    pictures, answers = [], []
    for seed in range(_TRIES):
        image, _ = parts.draw(_SIZES[len(pictures) % len(_SIZES)], np.random.default_rng(seed))
        if (answer := expect(predictor, image)) is None:
            continue
        pictures.append(image)
        answers.append(answer)
        if len(pictures) == _PICTURES:
            return pictures, answers
    raise CannotBeOnDevice(
        f"Browsers are compared on {_PICTURES} drawn pictures of people, and of {_TRIES} the model "
        f"has a clear answer for {len(pictures)}."
    )


def _one_below_another(pictures: list[np.ndarray]) -> tuple[np.ndarray, list[list[int]]]:
    """Returns one picture of all, and x, y, width, height of each in it."""
    sheet = np.zeros(
        (sum(len(image) for image in pictures), max(image.shape[1] for image in pictures), 3),
        np.uint8,
    )
    places, top = [], 0
    for image in pictures:
        height, width = image.shape[:2]
        sheet[top : top + height, :width] = image
        places.append([0, top, width, height])
        top += height
    return sheet, places
