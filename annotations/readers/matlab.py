"""MATLAB's `.mat` files into what `scipy.io.loadmat` makes of them, with errors for a person."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scipy.io import loadmat
from scipy.io.matlab import MatReadError

_UNREADABLE = (MatReadError, OSError, TypeError, ValueError, IndexError, KeyError, zlib.error)


def load_mat(path: Path, names: Sequence[str] | None) -> dict[str, Any]:
    """Loads some variables, or all (None); those that the file does not hold are left out.

    Structs become objects, and arrays lose their dimensions of length 1.

    Raises:
        ValueError: it cannot be opened; MATLAB 7.3's format, no MATLAB file, or a damaged one.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise ValueError(f"{path}: cannot be opened ({error.strerror}).") from None
    try:
        with file:
            return loadmat(file, variable_names=names, struct_as_record=False, squeeze_me=True)
    except NotImplementedError:
        raise ValueError(
            f"{path}: is a MATLAB 7.3 (HDF5) file. Save it in MATLAB with the option -v7."
        ) from None
    except _UNREADABLE as error:
        raise ValueError(
            f"{path}: not a MATLAB file, or a damaged one ({error}). Download it again."
        ) from None
