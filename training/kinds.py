"""The kinds of run, one line each. A kind NAME is a folder `training/NAME/` and `configs/NAME.py`.

    configs/NAME.py   its configuration, and check_paths(run, steps)
    steps.py          step_names(run), and of each step's name a function of (run, remember) that
                      returns what it is made from, and how
    build_cache.py    the step `cache`; train.py: the step `stage2`; card.py: the model card
    labels.py         draw_data_set(draw, seed), try_annotations(run, strict)
    report.py         say_scores(run), comparison(run): a row of `train.py compare`
    val_figures.py    figures(run): how well it does on val, for `train.py search`
    package.py        takes_stage1(run), describe(run, stage1): the card of a packaged model
    precision.py      try_precision(run, ...), of the kinds whose graphs may be quantised
    phone.py          NAME, network_of(run, folder), of the kinds whose network may be a LiteRT file

`inference/kinds.py` is the same for prediction. The other modules of `training` never ask which
kind a run is of. A kind's modules are imported when they are needed, so that a step imports only
what it needs and the command line answers quickly.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from pose_activity.configs import loading
from pose_activity.configs.reading import check
from pose_activity.configs.sections import Run


@dataclass(frozen=True)
class Kind:
    """A kind of run.

    Attributes:
        name: Of its folder.
        key: The key of a configuration by which it is known.
        config: The class of its configuration, in `configs/NAME.py`.
    """

    name: str
    key: str
    config: str

    @property
    def configs(self) -> ModuleType:
        """`configs/NAME.py`."""
        return import_module(f"pose_activity.configs.{self.name}")

    def module(self, name: str) -> ModuleType:
        """Returns a module of the kind's folder, such as "report"."""
        return import_module(f"pose_activity.training.{self.name}.{name}")

    def has(self, name: str) -> bool:
        """Returns whether there is such a module, without importing it."""
        return find_spec(f"pose_activity.training.{self.name}.{name}") is not None


KINDS = (  # a configuration is of the first kind whose key it has, else of the last one
    Kind("clips", key="clips", config="ClipRun"),
    Kind("parts", key="parts", config="PartsRun"),
    Kind("pictures", key="data", config="PictureRun"),
)


def load(path: Path, overrides: Sequence[str] = ()) -> Run:
    """Reads a configuration of any kind; see `configs.loading`.

    Args:
        path: See `configs.loading.find`.
        overrides: `key=value` with dots in the key: `stage2.epochs=5`; see `configs.reading`.

    Raises:
        ConfigError: it cannot be read or is wrong; lists every mistake.
    """
    path = loading.find(path)
    tree = loading.read(path)
    kind = next((kind for kind in KINDS if kind.key in tree), KINDS[-1])
    return check(path, tree, overrides, getattr(kind.configs, kind.config))


def kind_of(run: Run) -> Kind:
    """Returns the kind of a configuration."""
    return next(kind for kind in KINDS if kind.config == type(run).__name__)


def check_paths(run: Run, steps: Iterable[str]) -> None:
    """Checks that what the steps read from outside the run folder is there.

    Raises:
        ConfigError: lists every path that is not.
    """
    kind_of(run).configs.check_paths(run, steps)


def module_for(run: Run, name: str) -> ModuleType:
    """Returns a module that only some kinds have, of the kind of a run.

    Raises:
        ValueError: the run's kind has none.
    """
    kind = kind_of(run)
    if not kind.has(name):
        able = " and ".join(other.name for other in KINDS if other.has(name))
        raise ValueError(
            f"This command is for runs on {able}. {run.run_dir} was trained on {kind.name}."
        )
    return kind.module(name)
