"""Workers of a cluster do each item; those of a lost machine are done by the others."""

import importlib
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pose_activity.runtime import cluster
from pose_activity.runtime.cluster import Cluster, Task, WorkersLostError

ROOT = Path(__file__).resolve().parents[2]
TASKS = "tests.runtime.cluster_task"
ITEMS = [str(n) for n in range(12)]
IGNORED = (  # Ray's own, of this version
    "ignore::ResourceWarning",
    "ignore::DeprecationWarning",
    "ignore::FutureWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)
pytestmark = [pytest.mark.filterwarnings(line) for line in IGNORED]


def test_without_ray_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install '\.\[ray\]', in a checkout"):
        Cluster().run(Task(TASKS, "refusing", {}), ITEMS)


def test_ray_is_imported_only_where_it_is_used() -> None:
    code = (
        "import sys; import pose_activity.train, pose_activity.infer; print('ray' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.stdout.strip() == "False", done.stderr


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """A cluster of two machines on this one, with a CPU each, and its second machine."""
    pytest.importorskip("ray", reason="the extra ray is needed")
    ray = cluster.import_ray()
    simulated = importlib.import_module("ray.cluster_utils").Cluster

    with (
        tempfile.TemporaryDirectory(prefix="ray-home-") as home,
        pytest.MonkeyPatch.context() as env,
    ):
        env.setenv("PYTHONPATH", os.pathsep.join(map(str, (ROOT, *sys.path))))
        env.setenv("HOME", home)
        node: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80_000_000}
        made = simulated(initialize_head=True, head_node_args={**node, "include_dashboard": False})
        second = made.add_node(**node)
        made.wait_for_nodes()
        yield made, second
        ray.shutdown()
        made.shutdown()


@pytest.mark.slow
def test_what_the_work_raises_is_raised(nodes: Any, tmp_path: Path) -> None:
    address = nodes[0].address
    with pytest.raises(ValueError, match="must not be 3, in here"):
        Cluster(address).run(Task(TASKS, "refusing", {"folder": "here"}), ITEMS)
    with pytest.raises(FileNotFoundError, match="there is no graph at x"):
        Cluster(address).run(Task(TASKS, "unloadable", {}), ITEMS)
    with pytest.raises(WorkersLostError, match="3 workers died of 0, one after another"):
        Cluster(address).run(Task(TASKS, "dying", {}), ["0"])


@pytest.mark.slow
def test_every_item_is_done_though_a_machine_is_lost(nodes: Any, tmp_path: Path) -> None:
    made, second = nodes
    seen: list[tuple[int, int, str]] = []

    def on_progress(done: int, total: int, item: str) -> None:
        seen.append((done, total, item))
        if done == 4:
            made.remove_node(second, allow_graceful=False)

    task = Task(TASKS, "slow_copier", {"folder": str(tmp_path), "seconds": 0.5})
    found = Cluster(made.address).run(task, ITEMS, on_progress=on_progress)
    assert found == [f"{item}!" for item in ITEMS]
    assert [done for done, *_ in seen] == [*range(1, len(ITEMS) + 1)]
    assert sorted(item for *_, item in seen) == sorted(ITEMS)
    assert {path.stem for path in tmp_path.glob("*.done")} == {*ITEMS}
    lines = (tmp_path / "begun.txt").read_text("utf-8").splitlines()
    begun = Counter(line.split()[0] for line in lines)
    assert begun.total() <= len(ITEMS) + 1, "only the lost machine's item may be begun twice"
    assert len({line.split()[1] for line in lines}) == 2
