"""A table of shards is byte for byte that of an undivided run; nothing else is merged."""

from pathlib import Path

import pytest

from pose_activity.annotations.skeleton import COCO17
from pose_activity.artifacts.manifest import StaleError
from pose_activity.artifacts.shards import UNDIVIDED, PartsMissingError, Shard, shards
from pose_activity.inference.results import (
    PERSON_COLUMNS,
    VIDEO_COLUMNS,
    Result,
    columns_of_answers,
)
from pose_activity.inference.shards import ShardedTable
from pose_activity.inference.table import TableExistsError
from tests.inference.fakes import CLASSES, answered, failed, nobody

SOURCES = [Path(name) for name in ('a "1", é\nb.jpg', "b.jpg", "c.mp4", "d.jpg", "e.jpg")]
ROWS: dict[Path, list[Result]] = {
    SOURCES[0]: [answered(SOURCES[0], people=2, person=n) for n in (0, 1)],
    SOURCES[1]: [failed("b.jpg", "the file\nis empty")],
    SOURCES[2]: [answered("c.mp4", people=1, person=0, frame=n) for n in (0, 2, 4)],
    SOURCES[3]: [nobody("d.jpg")],
    SOURCES[4]: [answered("e.jpg", (0.1, 0.3, 0.6), people=1, person=0)],
}
COLUMNS = columns_of_answers(CLASSES, COCO17.joints, (*PERSON_COLUMNS, *VIDEO_COLUMNS))
ENDINGS = ("csv", "jsonl", "parquet")


def table_in(path: Path, engine: str = "openvino", sources: list[Path] = SOURCES) -> ShardedTable:
    made_by = {"made_by": {"engine": engine}, "notes": {"paths": ["list.txt"]}}
    return ShardedTable(path, COLUMNS, made_by, sources)


def write(table: ShardedTable, shard: Shard = UNDIVIDED) -> None:
    with table.begin(shard) as opened:
        for source in shard.take(table.sources):
            for row in ROWS[source]:
                opened.write(row)


@pytest.mark.parametrize("count", [1, 2, 3, 9])
@pytest.mark.parametrize("ending", ENDINGS)
def test_merged_parts_are_the_whole_table(tmp_path: Path, ending: str, count: int) -> None:
    whole, divided = (table_in(tmp_path / name / f"a.{ending}") for name in ("whole", "divided"))
    write(whole)
    for shard in reversed(shards(count)):
        assert not divided.is_finished(shard)
        write(divided, shard)
        assert divided.is_finished(shard)
    counts = divided.merge(count) if count > 1 else None
    assert divided.out.read_bytes() == whole.out.read_bytes()
    assert counts in (None, {"ok": 6, "error": 1, "nobody": 1})
    names = {path.name for path in divided.out.parent.iterdir()}
    assert names == {f"a.{ending}", f"a.{ending}.manifest.json"}


def test_missing_parts_are_named(tmp_path: Path) -> None:
    table = table_in(tmp_path / "a.csv")
    write(table, Shard(2, 3))
    with pytest.raises(PartsMissingError, match=r"a.csv.parts: .* Missing: 1, 3. Run these"):
        table.merge(3)
    assert not table.out.exists()


def test_a_part_that_was_begun_is_resumed(tmp_path: Path) -> None:
    table, shard = table_in(tmp_path / "a.csv"), Shard(1, 2)
    with pytest.raises(KeyboardInterrupt):
        with table.begin(shard) as opened:
            opened.write(ROWS[SOURCES[0]][0])
            opened.write(ROWS[SOURCES[0]][1])
            opened.write(ROWS[SOURCES[1]][0])
            raise KeyboardInterrupt
    assert not table.is_finished(shard)
    with table.begin(shard) as opened:
        assert opened.has(SOURCES[0], None) and not opened.has(SOURCES[1], None)
    write(table, Shard(2, 2))


@pytest.mark.parametrize(
    ("other", "match"),
    [
        (table_in(Path("a.csv"), engine="onnxruntime"), "engine: 'openvino' -> 'onnxruntime'"),
        (table_in(Path("a.csv"), sources=SOURCES[:4]), "of_sources: "),
    ],
)
def test_parts_of_another_kind_are_not_merged(
    tmp_path: Path, other: ShardedTable, match: str
) -> None:
    table = table_in(tmp_path / "a.csv")
    write(table, Shard(1, 2))
    write(table, Shard(2, 2))
    asked = ShardedTable(table.out, COLUMNS, other.manifest, other.sources)
    for attempt in (lambda: asked.merge(2), lambda: asked.is_finished(Shard(1, 2))):
        with pytest.raises(StaleError, match=f"part-00001.*was made in another way.*{match}"):
            attempt()


def test_a_table_that_is_there_is_replaced_only_when_asked(tmp_path: Path) -> None:
    table = table_in(tmp_path / "a.csv")
    write(table, Shard(1, 2))
    write(table, Shard(2, 2))
    table.out.write_text("mine", encoding="utf-8")
    with pytest.raises(TableExistsError, match="is not written over unasked"):
        table.merge(2)
    assert table.merge(2, overwrite=True).total() == 8
