"""The trainer on "two GPUs", which are two processes on the CPU here; imported in each of them.

Only what needs a GPU is replaced: how a device is found, and NCCL. The program, its launcher and
the pickle are ultralytics' own.
"""

import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import distributed, nn
from ultralytics.engine import trainer, validator
from ultralytics.nn.autobackend import AutoBackend
from ultralytics.utils import RANK

from pose_activity.stage1_pose.resumable_trainer import ResumableTrainer

CPU = torch.device("cpu")
_Parallel = nn.parallel.DistributedDataParallel


def _select(device: Any = "", **_: Any) -> torch.device:
    return torch.device("cuda", 0) if "," in str(device) else CPU


def _parallel(model: nn.Module, device_ids: Any = None, **options: Any) -> nn.Module:
    return _Parallel(model, **options)


trainer.select_device = _select
validator.get_torch_device_backend = lambda _: SimpleNamespace(current_device=lambda: 0)
validator.AutoBackend = lambda **options: AutoBackend(**{**options, "device": CPU})
nn.parallel.DistributedDataParallel = _parallel  # type: ignore[misc]


class OnTwoProcesses(ResumableTrainer):
    """Each process notes its number; the first one kills its parent after an epoch, if asked to."""

    def _setup_ddp(self) -> None:
        self.device = CPU
        distributed.init_process_group("gloo", rank=RANK, world_size=self.world_size)
        (Path(os.environ["PROCESSES"]) / str(os.getpid())).touch()

    def save_model(self) -> bool:
        """Saves; only the first process does."""
        super().save_model()
        if self.epoch + 1 == int(os.environ.get("KILLED_AFTER", 0)):
            os.kill(int(os.environ["PARENT"]), signal.SIGKILL)
            time.sleep(60)  # ended before that, or the training goes on without its parent
        return True
