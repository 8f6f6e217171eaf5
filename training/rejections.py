"""What the step `annotations` left out: written for pictures and clips alike, refused if asked."""

from pose_activity.annotations import sample_files
from pose_activity.configs.sections import Run

FILE = "rejections.csv"


def refuse_rejections(run: Run) -> None:
    """Raises ValueError where the finished step rejected anything."""
    path = run.run_dir / "annotations" / FILE
    count = sample_files.count_rejections(path)
    if count:
        raise ValueError(f"{count} rejections, see {path}")
