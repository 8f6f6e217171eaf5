"""Whether memory grows with the number of pictures: peaks after some and after many.

    python benchmarks/memory.py RUN PHOTOS [--few 1000] [--many 10000] [--out FILE.json]

RUN is a finished run, PHOTOS a folder of pictures, which are taken again and again. Each number has
a process of its own. Writes a table as `infer.py` does, and adds `memory_growth` to the file.
"""

import json
import resource
import subprocess
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from pose_activity.annotations.videos import Frame  # noqa: E402
from pose_activity.inference.pictures.predictor import PicturePredictor  # noqa: E402
from pose_activity.inference.table import open_table  # noqa: E402

console = Console()


def main(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    photos: Annotated[Path, typer.Argument(help="A folder of pictures.")],
    few: Annotated[int, typer.Option(min=1)] = 1000,
    many: Annotated[int, typer.Option(min=1)] = 10_000,
    out: Annotated[Path, typer.Option()] = HERE / "results" / "inference.json",
    once: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Measures both peaks, each in a process of its own."""
    if once is not None:
        console.print(peak_after(run, photos, once))
        return
    peaks = {}
    for number in (few, many):
        command = [sys.executable, __file__, str(run), str(photos), "--once", str(number)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")
        peaks[number] = float(done.stdout)
        console.print(f"{number} pictures: {peaks[number]:.0f} MB at most", highlight=False)
    growth = peaks[many] / peaks[few] - 1
    console.print(f"memory_growth: {growth:.3f}", highlight=False)
    known = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else {}
    found = {"pictures": [few, many], "peak_mb": [peaks[few], peaks[many]], "share": growth}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({**known, "memory_growth": found}, indent=2) + "\n", encoding="utf-8")


def peak_after(run: Path, photos: Path, number: int) -> float:
    """Classifies so many pictures into a CSV file; returns this process' peak memory in MB."""
    paths = sorted(path for path in photos.rglob("*") if path.suffix in (".jpg", ".png"))
    pipeline = PicturePredictor(run)
    with tempfile.TemporaryDirectory() as folder, open_table(Path(folder) / "a.csv") as table:
        frames = map(Frame.of_picture, islice(cycle(paths), number))
        for answer in pipeline.answers(frames):
            for row in answer.rows:
                table.write(row)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    typer.run(main)
