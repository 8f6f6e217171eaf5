"""ultralytics' pose trainer, able to go on after the last whole epoch. Imports torch.

ultralytics' own resume starts from weights rounded to 16 bits, draws other random numbers than the
training that was stopped, and writes its checkpoints in place. Here, beside the folder `ROUND` of a
training:

    states/ROUND.pt          all that the next epoch starts from, in full precision
    states/ROUND-best-N.pt   ultralytics' checkpoint of the best epoch so far, number N

Both are written whole, the first one last. Everything random follows from (seed, epoch), so that a
resumed training ends as one that was never stopped, on a CPU bit for bit. The last epoch leaves no
state: stopped after it, or during the final validation, a training repeats that epoch.

The checkpoints in `ROUND/weights` are ultralytics' own, but whole at any time.
"""

import random
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn
from ultralytics.models.yolo.pose import PoseTrainer
from ultralytics.utils import RANK
from ultralytics.utils.dist import ddp_cleanup, generate_ddp_command
from ultralytics.utils.torch_utils import unset_deterministic, unwrap_model

from pose_activity.artifacts import atomic
from pose_activity.stage1_pose import several_gpus

STATES = "states"  # the folder


class ResumableTrainer(PoseTrainer):
    """For `YOLO.train(trainer=ResumableTrainer)`; importable, as training on several GPUs needs.

    Attributes:
        resumed: The numbers of whole epochs after which the training was gone on with.
    """

    resumed: tuple[int, ...] = ()
    train_loader: Any  # what ultralytics sets later than its annotations say
    ema: Any
    optimizer: Any

    def train(self) -> None:
        """Trains: here, or in one process per GPU where several are asked for."""
        if not self.ddp:
            super().train()
            return
        if self._state_file.exists():
            state = torch.load(self._state_file, map_location="cpu", weights_only=True)
            self.resumed = (*state["resumed"], state["epochs"])
        command, file = generate_ddp_command(self)
        try:
            several_gpus.run(command)
        finally:
            ddp_cleanup(self, file)
            unset_deterministic()

    def resume_training(self, ckpt: Any) -> None:
        """Goes on from the state of the last whole epoch, if there is one."""
        self._summed, self._gradients, self._seconds = 0, {}, 0.0
        if not self._state_file.exists():
            return
        state = torch.load(self._state_file, map_location=self.device, weights_only=True)
        self._network.load_state_dict(state["model"])
        self.ema.ema.load_state_dict(state["ema"])
        self.ema.updates = state["updates"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.stopper.__dict__ |= state["stopper"]
        self.best_fitness = state["best_fitness"]
        self._summed, self._gradients = state["summed"], state["gradients"]
        self._seconds, self.start_epoch = state["seconds"], state["epochs"]
        self.resumed = (*state["resumed"], self.start_epoch)
        if RANK in {-1, 0}:
            self._keep_best(state["best_epoch"])
            for path in self._best_files():
                shutil.copyfile(path, self.best)
            atomic.write_text(self.csv, state["results"])

    def save_model(self) -> bool:
        """Writes ultralytics' checkpoints and, but after the last epoch, the state."""
        with self._whole_checkpoints():
            super().save_model()
        if self.best_fitness == self.fitness:
            with atomic.replacing(self._best_file(self.epoch + 1)) as path:
                shutil.copyfile(self.best, path)
        if not self.stop:
            with atomic.replacing(self._state_file) as path:
                torch.save(self._state(), path)
            self._keep_best(self._best_epoch)
        return True

    def final_eval(self) -> None:
        """Validates the best epoch; ultralytics rewrites both checkpoints."""
        with self._whole_checkpoints(copied=True):
            super().final_eval()

    def optimizer_step(self) -> None:
        """Steps once the gradients of enough batches are summed; called after each batch.

        As ultralytics does, but that the number of batches since the last step is a part of the
        state.
        """
        warmup = self._get_warmup_iterations(len(self.train_loader))
        at = self._batches + self.epoch * len(self.train_loader)
        enough = self._batches_a_step
        if at < warmup:
            enough = max(1, int(np.interp(at, [0, warmup], [1, enough]).round()))
        self._batches += 1
        self._summed += 1
        if self._summed >= enough:
            super().optimizer_step()
            self._summed = 0

    def _build_train_pipeline(self) -> None:
        super()._build_train_pipeline()
        self._summed, self._batches_a_step, self.accumulate = 0, self.accumulate, 1

    def _model_train(self) -> None:
        """Begins an epoch."""
        super()._model_train()
        if self._gradients:
            for name, parameter in self._network.named_parameters():
                parameter.grad = self._gradients.get(name)
        if self.epoch == self.start_epoch:
            self.train_time_start -= self._seconds
        self._gradients, self._seconds, self._batches = {}, 0.0, 0
        self._reseed()

    def _reseed(self) -> None:
        """Lets the epoch's order, augmentation and dropout follow from (seed, epoch)."""
        parts = [self.args.seed, self.epoch, self.nan_recovery_attempts, RANK + 1]
        seed = int(np.random.default_rng(parts).integers(2**31))
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        loader = self.train_loader
        loader.reset()  # its processes, which have random numbers of their own, start anew
        loader.generator.manual_seed(seed)
        images = loader.dataset
        for i in images.buffer:  # the pictures that a mosaic is made from
            images.ims[i], images.im_hw0[i], images.im_hw[i] = None, None, None
        images.buffer.clear()

    def _state(self) -> dict[str, Any]:
        """Returns tensors and plain values, which `torch.load` reads without running code."""
        of_stopper = ("best_fitness", "best_epoch", "possible_stop")
        named = self._network.named_parameters()
        summed = {name: p.grad for name, p in named if p.grad is not None} if self._summed else {}
        return {
            "epochs": self.epoch + 1,
            "model": self._network.state_dict(),
            "ema": self.ema.ema.state_dict(),
            "updates": self.ema.updates,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "stopper": {name: _plain(getattr(self.stopper, name)) for name in of_stopper},
            "best_fitness": _plain(self.best_fitness),
            "best_epoch": self._best_epoch,
            "summed": self._summed,
            "gradients": summed,
            "results": self.csv.read_text(encoding="utf-8"),
            "seconds": time.time() - self.train_time_start,
            "resumed": self.resumed,
        }

    @property
    def _network(self) -> nn.Module:
        return unwrap_model(cast(nn.Module, self.model))

    @property
    def _state_file(self) -> Path:
        return self.save_dir.parent / STATES / f"{self.save_dir.name}.pt"

    @property
    def _best_epoch(self) -> int:
        numbers = (int(path.stem.rpartition("-")[2]) for path in self._best_files())
        return max(numbers, default=0)

    def _keep_best(self, epoch: int) -> None:
        for path in self._best_files():
            if path != self._best_file(epoch):
                path.unlink()

    def _best_files(self) -> list[Path]:
        return [*self._state_file.parent.glob(f"{self.save_dir.name}-best-*.pt")]

    def _best_file(self, epoch: int) -> Path:
        return self._state_file.with_name(f"{self.save_dir.name}-best-{epoch}.pt")

    @contextmanager
    def _whole_checkpoints(self, *, copied: bool = False) -> Iterator[None]:
        """Lets ultralytics write its checkpoints beside their places, then moves them there."""
        if RANK not in {-1, 0}:
            yield
            return
        places = self.last, self.best
        drafts = [path.with_name(f".tmp-{path.name}") for path in places]
        for place, draft in zip(places, drafts, strict=True):
            if copied and place.exists():
                shutil.copyfile(place, draft)
        self.last, self.best = drafts
        try:
            yield
        finally:
            self.last, self.best = places
        for place, draft in zip(places, drafts, strict=True):
            if draft.exists():
                with atomic.replacing(place) as path:
                    draft.replace(path)


def _plain(value: Any) -> Any:
    """Returns a number of numpy's as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def begin_process(_: Any, *, threads: int | None, parent: int) -> None:
    """A callback for the start of a training in each of several processes.

    Args:
        threads: CPU threads of torch; None leaves its choice.
        parent: See `several_gpus.end_with`.
    """
    if threads:
        torch.set_num_threads(threads)
    several_gpus.end_with(parent)
