"""Trained or pretrained pose weights into the graph that everyone else predicts with.

Writes `pose.onnx` (dynamic batch, height and width) and `pose.json`, after comparing the graph with
the torch model on pictures. One of the few files that import torch.
"""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.images import load_rgb
from pose_activity.annotations.skeleton import Skeleton
from pose_activity.artifacts import atomic
from pose_activity.artifacts.manifest import sha256_file
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.runtime.canonical import canonical
from pose_activity.stage1_pose import ultralytics_env, weights
from pose_activity.stage1_pose.predict import (
    GRAPH,
    SIDECAR,
    STRIDE,
    PosePredictor,
    decode,
    letterbox,
    to_input,
)
from pose_activity.stage1_pose.predict import load as load_predictor

MOST_PARITY_PX = 0.1  # of a box or a joint, in pixels of the graph's input
MOST_PARITY_SCORE = 0.01  # of a score or a joint's confidence
_COMPARED = 300  # candidates of a picture whose boxes and joints are compared, the best ones


class ParityError(ValueError):
    """The exported graph does not find what the torch model finds."""


def export(
    pose_weights: str | Path,
    folder: Path,
    *,
    size: int,
    skeleton: Skeleton,
    images: Sequence[Path],
    engine: str = "auto",
    threads: int | None = None,
    on_progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """Exports weights as `folder`/pose.onnx with its sidecar pose.json.

    Args:
        pose_weights: A `.pt` file or name, see `stage1_pose.weights.find`.
        folder: Made when missing; older files of these names are replaced at the end.
        size: The longer side of the graph's input in pixels, a multiple of 32.
        skeleton: What the weights' joints are called.
        images: Pictures on which graph and torch model are compared.
        engine: Runs the graph in that comparison.
        threads: For that engine.
        on_progress: Called before each stage.

    Returns:
        What pose.json says: `skeleton, size, sha256, weights_sha256, source, parity_px,
        parity_people, parity_images`.

    Raises:
        ValueError: wrong size, no pictures, or a skeleton that the weights do not have.
        ParityError: see `measure_parity`; nothing is written then.
    """
    if size < STRIDE or size % STRIDE:
        raise ValueError(f"size must be a multiple of {STRIDE}. Received: {size}")
    if not images:
        raise ValueError("export compares graph and weights on pictures. Received: none")
    report = on_progress or (lambda done, total, text: None)
    source = weights.find(pose_weights, download=download, on_progress=on_progress)
    if not source.is_file():
        raise ValueError(f"Only trained weights (.pt) can be exported. Received: {source}")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".tmp-") as name:
        work = Path(name)
        report(0, 2, f"exporting {source.name} at {size} px")
        model = _load(source, work, skeleton)
        _write_graph(model, work, size)
        sidecar = {
            "skeleton": skeleton.as_json(),
            "size": size,
            "sha256": sha256_file(work / GRAPH),
            "weights_sha256": sha256_file(source),
            "source": source.name,
        }
        atomic.write_json(work / SIDECAR, sidecar)
        report(1, 2, f"comparing on {len(images)} pictures")
        predictor = load_predictor(work, engine=engine, threads=threads)
        sidecar |= measure_parity(model, predictor, images)
        (work / GRAPH).replace(folder / GRAPH)
    atomic.write_json(folder / SIDECAR, sidecar)
    report(2, 2, f"parity {sidecar['parity_px']:.2g} px over {sidecar['parity_people']} people")
    return sidecar


def download(name: str, path: Path) -> None:
    """Downloads official weights with ultralytics' own downloader; see `weights.find`."""
    ultralytics_env.prepare()
    from ultralytics.utils.downloads import attempt_download_asset

    path.parent.mkdir(parents=True, exist_ok=True)
    attempt_download_asset(path)


def measure_parity(
    model: Any, predictor: PosePredictor, images: Sequence[Path]
) -> dict[str, float | int]:
    """Compares the outputs of torch model and graph for the same letterboxed pictures.

    Both are asked for every candidate, in pixels of the graph's input: neither the way back to the
    picture, of which ultralytics has another one than its letterbox, nor a person just above or
    below a threshold can refuse weights that were exported well.

    Args:
        model: An `ultralytics.YOLO`.
        predictor: The graph made from it.
        images: Pictures.

    Returns:
        `parity_px` (largest difference of a box or joint, in pixels of the graph's input),
        `parity_people`, `parity_images`.

    Raises:
        ParityError: a score differs by more than 0.01, or a box or joint by more than 0.1 px.
    """
    worst, people = 0.0, 0
    for path in images:
        image = load_rgb(path)
        place = letterbox((image.shape[1], image.shape[0]), predictor.size)
        batch = to_input(image, place)[None]
        ours, theirs = predictor.graph(batch)[0][0], _ask_torch(model, batch)
        worst = max(worst, _distance(path, ours, theirs))
        people += len(decode(ours, confidence=0.25, iou=0.7, max_people=300)[0])
    return {"parity_px": worst, "parity_people": people, "parity_images": len(images)}


def _load(source: Path, work: Path, skeleton: Skeleton) -> Any:
    """Loads a copy of the weights: ultralytics writes its export beside the file it loaded."""
    ultralytics_env.prepare()
    from ultralytics import YOLO

    copy = work / "pose.pt"
    shutil.copyfile(source, copy)
    model = YOLO(copy, task="pose")
    shape = list(getattr(model.model, "kpt_shape", ()))
    if shape != [len(skeleton), 3]:
        raise ValueError(
            f"{source.name} must have the {len(skeleton)} joints of skeleton {skeleton.name!r} "
            f"with a visibility each. Received: kpt_shape={shape}"
        )
    return model


def _write_graph(model: Any, work: Path, size: int) -> None:
    # simplify=False: it needs onnxslim, which ultralytics would install by itself.
    written = Path(
        model.export(format="onnx", dynamic=True, imgsz=size, simplify=False, device="cpu")
    )
    temporary = written.replace(work / "written.onnx")
    import onnx

    # Without ultralytics' metadata (date, paths) too: the same weights give the same sha256.
    onnx.save(canonical(onnx.load(temporary)), work / GRAPH)


def _ask_torch(model: Any, batch: np.ndarray) -> np.ndarray:
    """Returns `(5 + 3 K, anchors)`, as the graph's; see `predict.decode`."""
    import torch

    with torch.no_grad():
        answer = model.model.cpu().float().eval()(torch.from_numpy(batch))
    return answer[0][0].numpy()


def _distance(path: Path, ours: np.ndarray, theirs: np.ndarray) -> float:
    """Returns by how many pixels the boxes and joints of two answers differ."""
    if ours.shape != theirs.shape:
        raise ParityError(
            f"{path}: graph and torch model must answer in the same shape. "
            f"Received: {ours.shape} and {theirs.shape}"
        )
    best = np.argsort(-theirs[4], kind="stable")[:_COMPARED]
    apart = np.abs(ours - theirs)
    places = np.concatenate([apart[rows, best] for rows in np.s_[:4, 5::3, 6::3]])
    pixels, sure = float(places.max()), max(apart[4].max(), apart[7::3, best].max())
    if not pixels <= MOST_PARITY_PX:
        raise ParityError(
            f"{path}: graph and torch model must agree within {MOST_PARITY_PX} px of the graph's "
            f"input. Received: {pixels:.3f} px"
        )
    if not sure <= MOST_PARITY_SCORE:
        raise ParityError(
            f"{path}: graph and torch model must find the same people: their scores may differ by "
            f"{MOST_PARITY_SCORE}. Received: {sure:.3f}"
        )
    return pixels
