"""Trains YOLOv8 pose on a YOLO data set, in one or more rounds. One of the files with torch.

In goes data.yaml, out come `OUT/best.pt` and, per round, ultralytics' own folder with its table
(results.csv), plots and weights. `OUT/fitted.json` is written last and says what best.pt was
trained with: who asks for the same again gets it at once, whatever went wrong after the training.
"""

import csv
import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pose_activity.annotations.readers.yolo_files import describe, label_of
from pose_activity.artifacts import atomic
from pose_activity.artifacts.manifest import sha256_file, sha256_json
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.artifacts.removal import remove_tree
from pose_activity.stage1_pose import ultralytics_env, weights
from pose_activity.stage1_pose.export import download

if TYPE_CHECKING:
    from pose_activity.artifacts.events import EventLog

BEST, NOTE = "best.pt", "fitted.json"


def fit(
    data_yaml: Path,
    pose_weights: str | Path,
    out: Path,
    *,
    epochs: Sequence[int] = (20,),
    image_size: int = 640,
    batch: int = 16,
    nbs: int = 16,
    freeze: int = 10,
    optimizer: str = "AdamW",
    lr0: float = 0.0001,
    lrf: float = 0.01,
    cos_lr: bool = True,
    warmup_epochs: float = 1.0,
    warmup_bias_lr: float = 0.0,
    preserve_start: bool = True,
    patience: int = 100,
    pose: float = 12.0,
    dropout: float = 0.0,
    mosaic: float = 0.0,
    close_mosaic: int = 0,
    hsv_h: float = 0.02,
    hsv_s: float = 0.7,
    hsv_v: float = 0.5,
    translate: float = 0.1,
    scale: float = 0.25,
    degrees: float = 0.0,
    fliplr: float = 0.5,
    cache: Literal["ram", "disk"] | None = None,
    workers: int = 2,
    device: str | None = None,
    amp: bool = False,
    threads: int | None = None,
    plots: bool = True,
    seed: int = 0,
    logs: Path | None = None,
    on_progress: ProgressCallback | None = None,
) -> Path:
    """Trains; the same arguments on the same machine give the same weights.

    Where `out` holds what the same arguments gave, nothing is trained: the weights that training
    starts from, and pictures and labels of train and val, are compared by their content.

    Args:
        data_yaml: Of a data set with train and val.
        pose_weights: Where the first round starts, see `weights.find`; "yolov8n-pose.yaml" is from
            scratch.
        out: Earlier results of this function in it are replaced; best.pt stays until there is
            another.
        epochs: One number per round; a round starts from the last weights of the round before.
        image_size: Longer side in pixels, a multiple of 32.
        batch: Pictures a step.
        nbs: Nominal batch: gradients are summed over smaller batches up to so many pictures.
        freeze: The first so many of YOLOv8's 23 layers stay as they are, BatchNorm statistics too.
        optimizer: "auto", "SGD", "AdamW", ...; "auto" also chooses the learning rate.
        lr0: First learning rate.
        lrf: Last learning rate, as a share of `lr0`.
        cos_lr: Cosine rather than linear decay.
        warmup_epochs: The learning rate rises over these.
        warmup_bias_lr: From which the learning rate of biases goes to `lr0` meanwhile. ultralytics'
            own 0.1 throws AdamW far from where trained weights were.
        preserve_start: Whether training keeps what the weights know: see `fine_tuner`. Not for
            weights from scratch.
        patience: A round ends after so many epochs without a better val score.
        pose: Weight of the joints' loss.
        dropout: Used by ultralytics for classifiers only; kept since the published recipe sets it.
        mosaic: Probability of four pictures in one.
        close_mosaic: None in the last so many epochs of a round.
        hsv_h: Jitter of the hue, as a share.
        hsv_s: Jitter of the saturation.
        hsv_v: Jitter of the brightness.
        translate: Shift, as a share of the size.
        scale: Zoom, as a share.
        degrees: Rotation.
        fliplr: Probability of mirroring.
        cache: Keep decoded pictures in memory or on disk.
        workers: Processes that load pictures; 0 loads in this one.
        device: "cpu", "0", "0,1"; None takes a GPU where there is one.
        amp: bfloat16 arithmetic on a GPU.
        threads: CPU threads of torch; None leaves its choice.
        plots: Whether ultralytics draws its plots.
        seed: Of everything random.
        logs: Folder for TensorBoard: what results.csv says of each epoch, rounds one after the
            other. None for none.
        on_progress: Called after every step and every epoch.

    Returns:
        `out`/best.pt: the weights with the best val score of the last round.

    Raises:
        ValueError: no rounds, a round without epochs, or a size that is not a multiple of 32.
        FileNotFoundError: no data.yaml, or `weights.WeightsError`.
    """
    if not epochs or min(epochs) < 1 or image_size < 32 or image_size % 32:
        raise ValueError(
            "epochs must be one number >= 1 per round and image_size a multiple of 32. "
            f"Received: epochs={list(epochs)}, image_size={image_size}"
        )
    if not data_yaml.is_file():
        raise FileNotFoundError(f"There is no data set at {data_yaml}. Write it first.")
    start = weights.find(pose_weights, download=download, on_progress=on_progress)
    settings = {
        "imgsz": image_size,
        "batch": batch,
        "nbs": nbs,
        "freeze": freeze,
        "optimizer": optimizer,
        "lr0": lr0,
        "lrf": lrf,
        "cos_lr": cos_lr,
        "warmup_epochs": warmup_epochs,
        "warmup_bias_lr": warmup_bias_lr,
        "patience": patience,
        "pose": pose,
        "dropout": dropout,
        "mosaic": mosaic,
        "close_mosaic": close_mosaic,
        "hsv_h": hsv_h,
        "hsv_s": hsv_s,
        "hsv_v": hsv_v,
        "translate": translate,
        "scale": scale,
        "degrees": degrees,
        "fliplr": fliplr,
        "cache": cache or False,
        "workers": workers,
        "device": device,
        "plots": plots,
        "seed": seed,
    }
    asked = {
        **settings,
        "epochs": list(epochs),
        "preserve_start": preserve_start,
        "amp": amp,
        "threads": threads,
        "start": sha256_file(start) if start.is_file() else start.name,
        "pictures": pictures_digest(data_yaml),
    }
    if is_fitted(out, asked):
        _shifted(on_progress, 0, sum(epochs), len(epochs))(sum(epochs), 0, "trained before")
        return out / BEST
    clear(out)
    settings["data"] = str(data_yaml.resolve())
    tune = preserve_start and start.is_file()
    from pose_activity.artifacts.events import EventLog  # tensorboard, where it trains alone

    with nullcontext() if logs is None else EventLog(logs) as log:
        for i, count in enumerate(epochs):
            report = _shifted(on_progress, sum(epochs[:i]), sum(epochs), i + 1)
            folder = out / f"round{i + 1}"
            follow = _following(log, folder / "results.csv", sum(epochs[:i]))
            round_settings = {**settings, "epochs": count}
            _run_round(start, folder, round_settings, tune, amp, threads, report, follow)
            start = folder / "weights" / "last.pt"
    (out / NOTE).unlink(missing_ok=True)
    with atomic.replacing(out / BEST) as temporary:
        shutil.copyfile(start.with_name(BEST), temporary)
    atomic.write_json(out / NOTE, {"asked": asked, "sha256": sha256_file(out / BEST)})
    return out / BEST


def clear(out: Path) -> None:
    """Removes the rounds that an earlier, perhaps killed, run of `fit` left in `out`."""
    for folder in out.glob("round*"):
        remove_tree(folder)


def is_fitted(out: Path, asked: dict[str, Any]) -> bool:
    """Returns whether `out` holds best.pt as it was trained with what is asked for."""
    try:
        note = json.loads((out / NOTE).read_text(encoding="utf-8"))
        return note["asked"] == asked and note["sha256"] == sha256_file(out / BEST)
    except (OSError, ValueError, KeyError, TypeError):  # absent, or damaged
        return False


def pictures_digest(data_yaml: Path) -> str:
    """Returns what changes when a picture or a label of train or val does, or the joints do."""
    folder = data_yaml.parent
    files = [data_yaml]
    for split, image in describe(data_yaml).pictures:
        if split != "test":
            label = label_of(image)
            files += [image, label] if label.is_file() else [image]
    return sha256_json([[os.path.relpath(path, folder), sha256_file(path)] for path in files])


def _run_round(
    start: Path,
    folder: Path,
    settings: dict[str, Any],
    tune: bool,
    amp: bool,
    threads: int | None,
    report: ProgressCallback,
    follow: Callable[[], None],
) -> None:
    ultralytics_env.prepare()
    import torch
    from ultralytics import YOLO

    model = YOLO(start, task="pose")
    if threads:
        # Only now: on a CPU, ultralytics sets one thread fewer than there are cores first.
        model.add_callback("on_train_start", lambda _: torch.set_num_threads(threads))
    begin_epoch, end_step = _counting(report)
    model.add_callback("on_train_epoch_start", begin_epoch)
    model.add_callback("on_train_batch_end", end_step)
    model.add_callback("on_fit_epoch_end", lambda trainer: report(*_epoch_line(trainer)))
    model.add_callback("on_fit_epoch_end", lambda _: follow())
    on_gpu = torch.cuda.is_available() and settings["device"] != "cpu"
    trainer = None
    if tune:
        from pose_activity.stage1_pose.fine_tuner import FineTuner as trainer
    model.train(
        trainer=trainer,
        **settings,
        # ultralytics tests fp16 with a model that it downloads; bf16 needs no test.
        amp="bf16" if amp and on_gpu else False,
        project=str(folder.parent.resolve()),
        name=folder.name,
        exist_ok=True,
        deterministic=True,
        verbose=False,
    )
    follow()  # On several GPUs ultralytics trains in processes of its own, without callbacks.


def _following(log: "EventLog | None", table: Path, before: int) -> Callable[[], None]:
    """Returns a function that logs the rows of results.csv that it has not seen."""
    seen = 0

    def follow() -> None:
        nonlocal seen
        if log is None or not table.exists():
            return
        with table.open(newline="", encoding="utf-8") as file:
            rows = [{k.strip(): float(v) for k, v in row.items()} for row in csv.DictReader(file)]
        for row in rows[seen:]:
            at = time.time() - (rows[-1]["time"] - row["time"])
            values = {name: value for name, value in row.items() if name not in ("epoch", "time")}
            log.scalars(before + int(row["epoch"]), values, at=at)
        seen = len(rows)

    return follow


def _counting(report: ProgressCallback) -> tuple[Callable[[Any], None], Callable[[Any], None]]:
    """Returns callbacks for the start of an epoch and the end of a step, which report it."""
    steps = 0

    def begin_epoch(_: Any) -> None:
        nonlocal steps
        steps = 0

    def end_step(trainer: Any) -> None:
        nonlocal steps
        steps += 1
        text = f"epoch {trainer.epoch + 1}, step {steps}/{len(trainer.train_loader)}"
        report(trainer.epoch, trainer.epochs, text)

    return begin_epoch, end_step


def _epoch_line(trainer: Any) -> tuple[int, int, str]:
    score = trainer.metrics.get("metrics/mAP50(P)", 0.0)
    # ultralytics calls back once more, with the next epoch's number, after its final validation.
    done = min(trainer.epoch + 1, trainer.epochs)
    return done, trainer.epochs, f"pose mAP50 {score:.3f}"


def _shifted(
    on_progress: ProgressCallback | None, before: int, total: int, number: int
) -> ProgressCallback:
    def report(done: int, _: int, text: str) -> None:
        if on_progress:
            on_progress(before + done, total, f"round {number}: {text}")

    return report
