"""Files of object stores by their URLs, such as s3://bucket/key: listed, copied here, put there.

An object appears whole, with a single PUT; of several, whoever puts them puts the manifest last.
Credentials come from the environment alone (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, ...), never from a
URL or a setting. Only stores of `SCHEMES` are asked: nothing is fetched from the web. Needs fsspec,
and for each scheme its package; they are imported when a URL is used.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pose_activity.artifacts import atomic
from pose_activity.artifacts.commands import install

SCHEMES = ("s3", "gs", "memory")
_URL = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://(.*)", re.DOTALL)
# Also what is left of a URL that was taken for a path. A drive of Windows has one letter.
_LIKE_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+:/.*", re.DOTALL)
_MAGIC = re.compile(r"[*?[]")


class RemoteError(OSError):
    """A store, or an object of it, cannot be had; the message says which and why."""


def is_url(name: object) -> bool:
    """Returns whether a name is a URL of any kind."""
    return _URL.fullmatch(str(name)) is not None


def require_local(path: object, what: str = "") -> None:
    """Refuses a URL where a path is needed.

    Args:
        path: As it was typed, or as a path.
        what: Names it in the message, where nobody else does.

    Raises:
        ValueError: it is a URL.
    """
    if _LIKE_URL.fullmatch(str(path)):
        text = f"{what} must be a path on this machine: only the images, model and table of"
        raise ValueError(
            f"{text.lstrip()} a prediction may be URLs. Mount the store here (s3fs, gcsfuse, "
            f"rclone mount), or copy what is needed. Received: {path}"
        )


def find(url: str) -> list[str]:
    """Returns the URLs of all objects that a URL names, sorted.

    Args:
        url: Of an object, of all below a prefix, or a pattern with `*`, `?` or `[`.
    """
    files, scheme = _store(url), _scheme(url)
    with _explained(url):
        if _MAGIC.search(url):
            found = files.glob(url)
        else:
            found = [url] if files.isfile(url) else files.find(url)
    names = (str(name).rpartition("://")[2].lstrip("/") for name in found)
    return sorted(f"{scheme}://{name}" for name in names)


def get(urls: Sequence[str], paths: Sequence[Path]) -> None:
    """Copies objects into files, each whole or not at all.

    Args:
        urls: Of the objects.
        paths: Of the files, one each; their folders are made.

    Raises:
        RemoteError: an object is missing, or may not be read.
    """
    for url, path in zip(urls, paths, strict=True):
        with _explained(url), atomic.replacing(path) as temporary:
            _store(url).get_file(url, str(temporary))


def put(path: Path, url: str) -> None:
    """Copies a file to an object, with a single PUT.

    Raises:
        RemoteError: it may not be written.
    """
    with _explained(url):
        _store(url).pipe_file(url, path.read_bytes())


def exists(url: str) -> bool:
    """Returns whether there is such an object."""
    with _explained(url):
        return bool(_store(url).isfile(url))


def remove(urls: Sequence[str]) -> None:
    """Removes objects."""
    for url in urls:
        with _explained(url):
            _store(url).rm_file(url)


def _scheme(url: str) -> str:
    found = _URL.fullmatch(url)
    scheme = found[1].lower() if found else ""
    if scheme not in SCHEMES:
        raise ValueError(
            f"A URL must be of {' '.join(f'{s}://' for s in SCHEMES)}. Received: {url}"
        )
    if found and "@" in found[2].split("/")[0]:
        raise ValueError(
            "A URL must not hold credentials: they come from the environment. Received one with @ "
            "before its first /."
        )
    return scheme


def _store(url: str) -> Any:
    scheme = _scheme(url)
    try:
        import fsspec

        return fsspec.filesystem(scheme, skip_instance_cache=False, use_listings_cache=False)
    except ImportError as error:
        how = "pip install gcsfs" if scheme == "gs" else install("remote")
        raise ModuleNotFoundError(
            f"{scheme}:// needs a package that is not installed ({error}). Run: {how}"
        ) from None


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Names the URL in errors of a store, whatever their kind."""
    try:
        yield
    except (ValueError, ImportError):
        raise
    except Exception as error:
        raise RemoteError(f"{url}: {error or type(error).__name__}") from None
