"""Images, models and tables on object stores: brought here, used as files, put back.

An image's URL stands in its row. A share of the images is copied here at a time, so that shards
bound the disk that it takes. A model is copied once, and is checked as any packaged one. A table
is written here, and put with its manifest last; until then a killed run is resumed on this machine.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pose_activity.artifacts import atomic, remote
from pose_activity.artifacts.names import shown
from pose_activity.artifacts.removal import remove_tree
from pose_activity.artifacts.user_cache import user_cache
from pose_activity.inference.package import NAME as MODEL
from pose_activity.inference.results import Row
from pose_activity.inference.sources import READ
from pose_activity.inference.table import beside


def fetch_model(url: str) -> Path:
    """Returns a folder with the files of a packaged model; an unchanged one is copied once.

    Raises:
        RemoteError: there is no packaged model at the URL.
    """
    url = url.rstrip("/")
    with tempfile.TemporaryDirectory() as name:
        remote.get([f"{url}/{MODEL}"], [Path(name) / MODEL])
        listed = (Path(name) / MODEL).read_bytes()
    folder = user_cache() / "remote" / "models" / hashlib.sha256(listed).hexdigest()
    files = [one for one in remote.find(url) if not one.endswith(f"/{MODEL}")]
    paths = {one: folder / one.removeprefix(f"{url}/") for one in files}
    missing = [one for one, path in paths.items() if not path.is_file()]
    remote.get(missing, [paths[one] for one in missing])
    atomic.write_bytes(folder / MODEL, listed)  # last, as it was written
    return folder


@dataclass(frozen=True)
class RemoteTable:
    """A table on an object store, and the file here that it is written to.

    Attributes:
        url: Of the table.
        path: Of the file.
    """

    url: str
    path: Path

    @classmethod
    def of(cls, url: str) -> "RemoteTable":
        """Returns the table of a URL; its file is the same in every run of this user."""
        name = url.rpartition("/")[2]
        folder = hashlib.sha256(url.encode()).hexdigest()[:16]
        return cls(url, user_cache() / "remote" / "tables" / folder / name)

    def url_of(self, path: Path) -> str:
        """Returns the URL of a file beside the table's, or of its parts."""
        prefix = self.url.removesuffix(self.path.name)
        return prefix + path.relative_to(self.path.parent).as_posix()

    def pull(self, paths: Iterable[Path]) -> None:
        """Copies those tables that are there, each after its manifest, for which it counts."""
        for path in paths:
            described = beside(path, ".manifest.json")
            if remote.exists(self.url_of(described)):
                pair = [described, path]
                remote.get([self.url_of(one) for one in pair], pair)

    def push(self, path: Path) -> None:
        """Puts a finished table, its manifest last."""
        for one in (path, beside(path, ".manifest.json")):
            remote.put(one, self.url_of(one))

    def forget(self, paths: Iterable[Path]) -> None:
        """Removes tables there, their manifests first."""
        for path in paths:
            pair = (beside(path, ".manifest.json"), path)
            remote.remove([url for url in map(self.url_of, pair) if remote.exists(url)])


class RemoteImages:
    """Images of object stores by the paths that their copies have here.

    Attributes:
        sources: The paths, in the order of the URLs; nothing is there until `here`.
    """

    def __init__(self, names: Sequence[str], folder: Path) -> None:
        """Lists them.

        Args:
            names: URLs of images, of all below a prefix, or patterns.
            folder: For the copies.

        Raises:
            FileNotFoundError: a name gives nothing.
            ValueError: a name is no URL.
        """
        self._folder = folder
        self._urls: dict[Path, str] = {}
        for name in names:
            if not remote.is_url(name):
                raise ValueError(
                    f"Images are named by URLs, or by files, not by both. Received: {name}"
                )
            found = [url for url in remote.find(name) if Path(url).suffix.lower() in READ]
            if not found:
                raise FileNotFoundError(f"No picture or video there: {name}")
            self._urls |= {self._path_of(url): url for url in found}
        self.sources = [*self._urls]

    @contextmanager
    def here(self, share: Sequence[Path]) -> Iterator[None]:
        """Copies a share of the images here while the body runs; a missing one gets its row."""
        try:
            for path in share:
                try:
                    remote.get([self._urls[path]], [path])
                except remote.RemoteError:
                    continue  # its row will say that it is not there
            yield
        finally:
            remove_tree(self._folder)

    def name_of(self, path: Path) -> str:
        """Returns the URL of a path."""
        return self._urls.get(path, shown(path))

    def named(self, row: Row) -> "NamedRow":
        """Returns a row that has the image's URL, wherever it had the path."""
        return NamedRow(row, lambda text: text.replace(str(row.image), self.name_of(row.image)))

    def _path_of(self, url: str) -> Path:
        scheme, _, rest = url.partition("://")
        digest = hashlib.sha256(url.encode()).hexdigest()[:16]  # so that no key leads elsewhere
        return self._folder / scheme / digest / Path(rest).name


class Places:
    """Where images, model and table of a prediction are: files here, or objects of a store.

    Attributes:
        model: Folder of the model, here.
        is_remote: Whether anything is not.
    """

    def __init__(self, names: Sequence[str], model: str) -> None:
        """Fetches the model, if it is remote.

        Args:
            names: Of the images.
            model: Folder or URL of the model.
        """
        self._names, self._table = names, None
        self._images: RemoteImages | None = None
        self.is_remote = any(map(remote.is_url, (model, *names)))
        self.model = fetch_model(model) if remote.is_url(model) else Path(model)

    def find_sources(
        self, find: Callable[[Sequence[str], Callable[[str], None]], list[Path]], on_note: Any
    ) -> list[Path]:
        """Returns the sources; `find` finds those that are files."""
        if not any(map(remote.is_url, self._names)):
            return find(self._names, on_note)
        folder = Path(tempfile.mkdtemp(prefix="pose-activity-"))
        self._images = RemoteImages(self._names, folder)
        return self._images.sources

    def table(self, out: str) -> Path:
        """Returns the file of a table; what a store holds of it is copied there."""
        if not remote.is_url(out):
            return Path(out)
        self._table, self.is_remote = RemoteTable.of(out), True
        self._table.pull([self._table.path])
        return self._table.path

    def here(self, share: Sequence[Path]) -> AbstractContextManager[None]:
        """Has images here while the body runs."""
        return self._images.here(share) if self._images else nullcontext()

    def name_of(self, path: Any) -> str:
        """Returns what rows and messages call an image."""
        return self._images.name_of(path) if self._images else shown(path)

    def named(self, row: Row) -> Row:
        """Returns a row that calls the image so."""
        return self._images.named(row) if self._images else row

    def pull(self, tables: Iterable[Path]) -> None:
        """Copies finished tables here, where they are remote."""
        if self._table:
            self._table.pull(tables)

    def push(self, table: Path, *, instead_of: Iterable[Path] = ()) -> str:
        """Puts a finished table where it belongs, and removes its parts; returns its name."""
        if self._table is None:
            return shown(table)
        self._table.push(table)
        self._table.forget(instead_of)
        for path in (table, beside(table, ".manifest.json")):
            path.unlink()
        return self._table.url_of(table)


class NamedRow:
    """A row of which every text is changed."""

    def __init__(self, row: Row, change: Callable[[str], str]) -> None:
        self._row, self._change = row, change
        self.image: Any = change(str(row.image))
        self.frame, self.status, self.group = row.frame, row.status, row.group

    @property
    def error(self) -> str | None:
        """See `results.Row`."""
        return self._row.error and self._change(self._row.error)

    def as_columns(self) -> dict[str, str]:
        """See `results.Row`."""
        return {name: self._change(value) for name, value in self._row.as_columns().items()}

    def as_record(self) -> dict[str, Any]:
        """See `results.Row`."""
        found = self._row.as_record()
        return {k: self._change(v) if isinstance(v, str) else v for k, v in found.items()}
