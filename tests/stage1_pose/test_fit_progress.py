"""What a table says of a training in other processes is reported and logged, row by row."""

from pathlib import Path
from typing import Any

from pose_activity.stage1_pose.fit_progress import RoundProgress

HEAD = "epoch,time,   metrics/mAP50(P)\n"


class Log:
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, dict[str, float]]] = []

    def scalars(self, step: int, values: dict[str, float], *, at: float) -> None:
        """See `EventLog.scalars`."""
        self.rows.append((step, values))


def test_whole_rows_are_reported_and_logged_once(tmp_path: Path) -> None:
    told, log, table = list[tuple[int, int, str]](), Log(), tmp_path / "results.csv"
    sink: Any = log
    progress = RoundProgress(
        table, epochs=3, before=4, report=lambda *now: told.append(now), log=sink
    )
    for text in (
        None,
        "epoch,ti",
        HEAD,
        HEAD + "1,10,0.5\n2,20,0.",
        HEAD + "1,10,0.5\n2,20,0.75\n",
    ):
        if text is not None:
            table.write_text(text, encoding="utf-8")
        progress.look()
    assert told == [(1, 3, "pose mAP50 0.500"), (2, 3, "pose mAP50 0.750")]
    assert log.rows == [(5, {"metrics/mAP50(P)": 0.5}), (6, {"metrics/mAP50(P)": 0.75})]
