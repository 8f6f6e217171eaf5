"""A table made shard by shard, by jobs or workers that know nothing of each other, then merged.

    OUT.parts/part-0000i-of-0000n.csv    a whole table of one shard, with its manifest beside it;
                                         .jsonl where OUT is a Parquet or COCO file

Of one shard, the part is the table itself. A part tells in its manifest of which list of sources it
is a share, so that parts of two lists are never merged.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pose_activity.artifacts.manifest import StaleError, differences, sha256_json
from pose_activity.artifacts.names import shown
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.artifacts.removal import remove_tree
from pose_activity.artifacts.shards import UNDIVIDED, Shard, require_all, shards
from pose_activity.inference.kinds import KINDS
from pose_activity.inference.options import OutputOptions, Session
from pose_activity.inference.package import kind_of
from pose_activity.inference.predictor import Predictor
from pose_activity.inference.provenance import describe
from pose_activity.inference.results import Columns
from pose_activity.inference.table import Table, beside, open_table
from pose_activity.runtime.cluster import Cluster, Task

_TEXT = (".csv", ".jsonl")  # tables that can be put together as they are


@dataclass(frozen=True)
class ShardedTable:
    """A table, and the parts that it may be made of.

    Attributes:
        out: The table.
        columns: Of all rows, whatever a shard holds.
        manifest: How it is made, see `provenance.describe`.
        sources: All that it is about, in order.
        name_of: Returns what a row calls a source.
    """

    out: Path
    columns: Columns
    manifest: Mapping[str, Any]
    sources: Sequence[Path]
    name_of: Callable[[Path], str] = shown

    def path(self, shard: Shard) -> Path:
        """Returns where the rows of a shard are written."""
        if shard == UNDIVIDED:
            return self.out
        suffix = self.out.suffix if self.out.suffix.lower() in _TEXT else _TEXT[-1]
        return self.folder / f"{shard.name}{suffix}"

    @property
    def folder(self) -> Path:
        """Of the parts."""
        return beside(self.out, ".parts")

    def begin(self, shard: Shard, *, resume: bool = False, overwrite: bool = False) -> Table:
        """Opens the table of a shard; a part that was begun is resumed. See `open_table`."""
        return open_table(
            self.path(shard),
            self.columns,
            manifest=self._manifest_of(shard),
            resume=(resume or shard != UNDIVIDED) and not overwrite,
            overwrite=overwrite,
        )

    def is_finished(self, shard: Shard) -> bool:
        """Returns whether a shard's part is there, whole, and made in this way.

        Raises:
            StaleError: it was made in another way.
        """
        described = self._described(shard)
        if not described.get("finished"):
            return False
        now = json.loads(json.dumps(self._manifest_of(shard)["made_by"]))
        if changes := differences(described["made_by"], now):
            raise StaleError(
                f"{self.path(shard)} was made in another way ({'; '.join(changes)}). Overwrite it, "
                "or name another table"
            )
        return True

    def merge(self, count: int, *, overwrite: bool = False) -> Counter[str]:
        """Puts all parts together, and removes them; the table is that of an undivided run.

        Args:
            count: Number of shards.
            overwrite: Replace a table that exists.

        Returns:
            Number of rows by status.

        Raises:
            PartsMissingError: names the shards whose parts are not finished.
            StaleError: a part was made in another way, or of another list of sources.
            TableExistsError: there is a table, and it is not to be replaced.
        """
        require_all(
            count, lambda shard: bool(self._described(shard).get("finished")), where=self.folder
        )
        for shard in shards(count):
            self.is_finished(shard)
        with open_table(
            self.out, self.columns, manifest=self.manifest, overwrite=overwrite
        ) as table:
            for shard in shards(count):
                table.append(self.path(shard))
        remove_tree(self.folder)
        return table.counts

    def _described(self, shard: Shard) -> dict[str, Any]:
        """Returns a part's manifest, if both it and the part are there."""
        path = beside(self.path(shard), ".manifest.json")
        if not (path.exists() and self.path(shard).exists()):
            return {}
        return json.loads(path.read_text(encoding="utf-8"))

    def _manifest_of(self, shard: Shard) -> Mapping[str, Any]:
        if shard == UNDIVIDED:
            return self.manifest
        names = sha256_json([self.name_of(source) for source in self.sources])
        share = {"shard": str(shard), "of_sources": names}
        return {**self.manifest, "made_by": {**self.manifest["made_by"], **share}}


@dataclass(frozen=True)
class Job:
    """What workers of a cluster need to know, as JSON values.

    Attributes:
        names: What was named as sources.
        model: Folder of the model.
        out: The table.
        poses: Whether poses alone are wanted.
        given: Arguments of the predictor.
        options: Attributes of `OutputOptions` that change rows.
    """

    names: Sequence[str]
    model: str
    out: str
    poses: bool
    given: Mapping[str, Any]
    options: Mapping[str, Any]

    def spread(self, count: int, cluster: Cluster, *, on_progress: ProgressCallback) -> None:
        """Has the workers of a cluster make all parts.

        Args:
            count: Number of shards; several per worker even out what takes longer.
            cluster: Who makes them.
            on_progress: Called with (done, total, shard).
        """
        mine = replace(self, given={**self.given, "threads": cluster.cpus})
        task = Task("pose_activity.inference.shards", "worker", {"job": vars(mine)})
        cluster.run(task, [*map(str, shards(count))], on_progress=on_progress)


def worker(job: Mapping[str, Any]) -> "Worker":
    """Returns what makes parts in a process of a cluster; see `runtime.cluster.Task`."""
    return Worker(Job(**job))


class Worker:
    """Holds a loaded model, and writes the part of one shard after another."""

    def __init__(self, job: Job) -> None:
        model = Path(job.model)
        kind = KINDS["poses"] if job.poses else kind_of(model)
        sources = kind.predictor_class.find_sources(job.names, lambda note: None)
        self._options = OutputOptions(**job.options)
        self._predictor: Predictor = kind.load(model, **job.given)
        self._predictor.check(self._options, sources)
        self._table = table_of(
            self._predictor, model, Path(job.out), sources, self._options, job.names
        )

    def __call__(self, shard: str) -> None:
        """Makes one part, unless it is finished."""
        share = Shard.parse(shard)
        if share != UNDIVIDED and self._table.is_finished(share):
            return
        with self._table.begin(share) as table:
            named = share.take(self._table.sources)
            for answer in self._predictor.predict(named, self._options, Session(table.has)):
                for row in answer.rows:
                    table.write(row)


def table_of(
    predictor: Predictor,
    model: Path,
    out: Path,
    sources: Sequence[Path],
    options: OutputOptions,
    names: Sequence[str],
    name_of: Callable[[Path], str] = shown,
) -> ShardedTable:
    """Returns the table that a predictor makes.

    Args:
        predictor: Loaded.
        model: Its folder.
        out: The table.
        sources: All of them.
        options: What is asked for.
        names: What was named as sources, for the manifest.
        name_of: See `ShardedTable`.
    """
    settings = predictor.settings(options)
    made_by = describe(predictor, model, options=settings, notes={"paths": [*names]})
    return ShardedTable(out, predictor.columns(options, sources), made_by, sources, name_of)
