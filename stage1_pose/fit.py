"""Trains YOLOv8 pose on a YOLO data set, in one or more rounds. One of the files with torch.

In goes data.yaml, out come `OUT/best.pt` and, per round, ultralytics' own folder with its table
(results.csv), plots and weights. `OUT/fitted.json` is written last and says what best.pt was
trained with: who asks for the same again gets it at once, whatever went wrong after the training.
Until then `OUT/states` holds what a stopped training goes on from: see `resumable_trainer`.
"""

import json
import os
import shutil
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from pose_activity.annotations.readers.yolo_files import describe, label_of
from pose_activity.artifacts import atomic, manifest
from pose_activity.artifacts.manifest import sha256_file, sha256_json
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.artifacts.removal import remove_tree
from pose_activity.stage1_pose import several_gpus, ultralytics_env, weights
from pose_activity.stage1_pose.export import download
from pose_activity.stage1_pose.fit_progress import RoundProgress
from pose_activity.stage1_pose.options import PoseFit, count_gpus

BEST, LAST, NOTE = "best.pt", "last.pt", "fitted.json"
STATES, ASKED = "states", "asked.json"  # of an unfinished training
_USUAL = PoseFit()


def fit(
    data_yaml: Path,
    pose_weights: str | Path,
    out: Path,
    options: PoseFit = _USUAL,
    *,
    threads: int | None = None,
    seed: int = 0,
    logs: Path | None = None,
    on_progress: ProgressCallback | None = None,
) -> Path:
    """Trains; the same arguments on the same machine give the same weights.

    Where `out` holds what the same arguments gave, nothing is trained: the weights that training
    starts from, and pictures and labels of train and val, are compared by their content. Where it
    holds the states of a training with the same arguments that was stopped, that is gone on with
    after its last whole epoch.

    Args:
        data_yaml: Of a data set with train and val.
        pose_weights: Where the first round starts, see `weights.find`; "yolov8n-pose.yaml" is from
            scratch.
        out: Earlier results of this function in it are replaced; best.pt stays until there is
            another.
        options: How it learns.
        threads: CPU threads of torch; None leaves its choice.
        seed: Of everything random.
        logs: Folder for TensorBoard: what results.csv says of each epoch, rounds one after the
            other. None for none.
        on_progress: Called after every step and every epoch.

    Returns:
        `out`/best.pt: the weights with the best val score of the last round.

    Raises:
        FileNotFoundError: no data.yaml, or `weights.WeightsError`.
    """
    if not data_yaml.is_file():
        raise FileNotFoundError(f"There is no data set at {data_yaml}. Write it first.")
    start = weights.find(pose_weights, download=download, on_progress=on_progress)
    epochs = options.epochs
    settings = {
        **options.arguments("epochs", "image_size", "preserve_start", "amp"),
        "imgsz": options.image_size,
        "cache": options.cache or False,
        "seed": seed,
    }
    asked = {
        **settings,
        "epochs": list(epochs),
        "preserve_start": options.preserve_start,
        "amp": options.amp,
        "threads": threads,
        "start": sha256_file(start) if start.is_file() else start.name,
        "pictures": pictures_digest(data_yaml),
    }
    if is_fitted(out, asked):
        _shifted(on_progress, 0, sum(epochs), len(epochs))(sum(epochs), 0, "trained before")
        remove_tree(out / STATES)
        return out / BEST
    if manifest.begun(out / STATES / ASKED, asked) != []:
        clear(out)
        atomic.write_json(out / STATES / ASKED, asked)
    settings["data"] = str(data_yaml.resolve())
    tune = options.preserve_start and weights.are_trained(start)
    from pose_activity.artifacts.events import EventLog  # tensorboard, where it trains alone

    resumed: list[int] = []
    with nullcontext() if logs is None else EventLog(logs) as log:
        for i, count in enumerate(epochs):
            report = _shifted(on_progress, sum(epochs[:i]), sum(epochs), i + 1)
            folder = out / f"round{i + 1}"
            table = folder / "results.csv"
            progress = RoundProgress(
                table, epochs=count, before=sum(epochs[:i]), report=report, log=log
            )
            round_settings = {**settings, "epochs": count}
            stops = _stops_of_whole(folder)
            if stops is None:
                stops = _run_round(
                    start, folder, round_settings, tune, options.amp, threads, progress
                )
            resumed += [sum(epochs[:i]) + number for number in stops]
            start = folder / "weights" / LAST
    (out / NOTE).unlink(missing_ok=True)
    with atomic.replacing(out / BEST) as temporary:
        shutil.copyfile(start.with_name(BEST), temporary)
    note = {"asked": asked, "sha256": sha256_file(out / BEST), "resumed": resumed}
    atomic.write_json(out / NOTE, note)
    remove_tree(out / STATES)
    return out / BEST


def resumed_after(out: Path) -> list[int]:
    """Returns after how many epochs the finished training in `out` was stopped and gone on with."""
    return json.loads((out / NOTE).read_text(encoding="utf-8")).get("resumed", [])


def clear(out: Path) -> None:
    """Removes the rounds and states that an earlier, perhaps killed, run of `fit` left in `out`."""
    for folder in (out / STATES, *out.glob("round*")):
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


def _stops_of_whole(folder: Path) -> list[int] | None:
    """Returns after which epochs a finished round was gone on with; None if it is not finished."""
    note, weights = folder.parent / STATES / f"{folder.name}.json", folder / "weights"
    if not note.exists():
        return None
    found = json.loads(note.read_text(encoding="utf-8"))
    return found["resumed"] if found["sha256"] == _digests(weights) else None


def _digests(weights: Path) -> dict[str, str]:
    files = (weights / name for name in (BEST, LAST))
    return {path.name: sha256_file(path) for path in files if path.exists()}


def _run_round(
    start: Path,
    folder: Path,
    settings: dict[str, Any],
    tune: bool,
    amp: bool,
    threads: int | None,
    progress: RoundProgress,
) -> list[int]:
    ultralytics_env.prepare()
    import torch
    from ultralytics import YOLO

    from pose_activity.stage1_pose.fine_tuner import FineTuner
    from pose_activity.stage1_pose.resumable_trainer import ResumableTrainer, begin_process

    model = YOLO(start, task="pose")
    if count_gpus(settings["device"]) > 1:
        begin = partial(begin_process, threads=threads, parent=os.getpid())
        model.add_callback("on_train_start", begin)
        watching = several_gpus.looking(progress.look)
    else:
        if threads:
            # Only now: on a CPU, ultralytics sets one thread fewer than there are cores first.
            model.add_callback("on_train_start", lambda _: torch.set_num_threads(threads))
        progress.add_callbacks(model)
        watching = nullcontext()
    on_gpu = torch.cuda.is_available() and settings["device"] != "cpu"
    with watching:
        model.train(
            trainer=FineTuner if tune else ResumableTrainer,
            **settings,
            # ultralytics tests fp16 with a model that it downloads; bf16 needs no test.
            amp="bf16" if amp and on_gpu else False,
            project=str(folder.parent.resolve()),
            name=folder.name,
            exist_ok=True,
            deterministic=True,
            verbose=False,
        )
    progress.follow()
    resumed = [*getattr(model.trainer, "resumed", ())]
    note = {"sha256": _digests(folder / "weights"), "resumed": resumed}
    atomic.write_json(folder.parent / STATES / f"{folder.name}.json", note)
    return resumed


def _shifted(
    on_progress: ProgressCallback | None, before: int, total: int, number: int
) -> ProgressCallback:
    def report(done: int, _: int, text: str) -> None:
        if on_progress:
            on_progress(before + done, total, f"round {number}: {text}")

    return report
