"""Trained or pretrained pose weights into the graph that everyone else predicts with.

Writes `pose.onnx` (dynamic batch, height and width) and `pose.json`, after comparing the graph with
the torch model on pictures. One of the three files that import torch.
"""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from annotations.images import load_rgb
from annotations.skeleton import Skeleton
from annotations.types import Poses
from artifacts import atomic
from artifacts.manifest import sha256_file
from stage1_pose import quiet, weights
from stage1_pose.predict import GRAPH, SIDECAR, STRIDE, PosePredictor
from stage1_pose.predict import load as load_predictor

MOST_PARITY_PX = 0.1


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
    on_progress: Callable[[int, int, str], None] | None = None,
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
        on_progress: Told before each stage.

    Returns:
        What pose.json says: `skeleton, size, sha256, weights_sha256, source, parity_px,
        parity_people, parity_images`.

    Raises:
        ValueError: wrong size, no pictures, or a skeleton that the weights do not have.
        ParityError: a joint or box corner differs by more than 0.1 px, or people are missing.
    """
    if size < STRIDE or size % STRIDE:
        raise ValueError(f"size must be a multiple of {STRIDE}. Received: {size}")
    if not images:
        raise ValueError("export compares graph and weights on pictures. Received: none")
    tell = on_progress or (lambda done, total, text: None)
    source = weights.find(pose_weights, download=download, on_progress=on_progress)
    if not source.is_file():
        raise ValueError(f"Only trained weights (.pt) can be exported. Received: {source}")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".tmp-") as name:
        work = Path(name)
        tell(0, 2, f"exporting {source.name} at {size} px")
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
        tell(1, 2, f"comparing on {len(images)} pictures")
        predictor = load_predictor(work, engine=engine, threads=threads)
        sidecar |= measure_parity(model, predictor, images)
        (work / GRAPH).replace(folder / GRAPH)
    atomic.write_json(folder / SIDECAR, sidecar)
    tell(2, 2, f"parity {sidecar['parity_px']:.2g} px over {sidecar['parity_people']} people")
    return sidecar


def download(name: str, path: Path) -> None:
    """Downloads official weights with ultralytics' own downloader; see `weights.find`."""
    quiet.prepare()
    from ultralytics.utils.downloads import attempt_download_asset

    path.parent.mkdir(parents=True, exist_ok=True)
    attempt_download_asset(path)


def measure_parity(
    model: Any, predictor: PosePredictor, images: Sequence[Path]
) -> dict[str, float | int]:
    """Compares torch model and graph on pictures.

    Args:
        model: An `ultralytics.YOLO`.
        predictor: The graph made from it.
        images: Pictures.

    Returns:
        `parity_px` (largest distance of a box corner or joint coordinate), `parity_people`,
        `parity_images`.

    Raises:
        ParityError: see `export`.
    """
    worst, people = 0.0, 0
    for path in images:
        image = load_rgb(path)
        (ours,) = predictor([image], [path])
        boxes, keypoints = _predict_torch(model, image, predictor.size)
        worst = max(worst, _distance(path, ours, boxes, keypoints))
        people += len(boxes)
    if worst > MOST_PARITY_PX:
        raise ParityError(
            f"Graph and torch model must agree within {MOST_PARITY_PX} px. Received: {worst:.3f} px"
        )
    return {"parity_px": worst, "parity_people": people, "parity_images": len(images)}


def _load(source: Path, work: Path, skeleton: Skeleton) -> Any:
    """Loads a copy of the weights: ultralytics writes its export beside the file it loaded."""
    quiet.prepare()
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
    _write_bare(temporary, work / GRAPH)


def _write_bare(written: Path, path: Path) -> None:
    """Drops ultralytics' metadata (date, paths): the same weights then give the same sha256."""
    import onnx

    model = onnx.load(written)
    del model.metadata_props[:]
    onnx.save(model, path)


def _predict_torch(model: Any, image: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    bgr = np.ascontiguousarray(image[..., ::-1])
    (result,) = model.predict(
        bgr, imgsz=size, rect=True, conf=0.25, iou=0.7, max_det=300, verbose=False, device="cpu"
    )
    return result.boxes.xyxy.numpy(), result.keypoints.data.numpy()


def _distance(path: Path, ours: Poses, boxes: np.ndarray, keypoints: np.ndarray) -> float:
    if len(ours.boxes) != len(boxes):
        raise ParityError(
            f"{path}: graph and torch model must find the same people. "
            f"Received: {len(ours.boxes)} and {len(boxes)}"
        )
    if not len(boxes):
        return 0.0
    joints = np.abs(ours.keypoints[..., :2] - keypoints[..., :2]).max()
    return float(max(joints, np.abs(ours.boxes - boxes).max()))
