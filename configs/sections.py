"""What every configuration is made of: frozen sections, types of numbers, and shared sections.

Imports no other room but `artifacts`.
"""

from collections.abc import Iterable
from os.path import expanduser
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from pose_activity.artifacts.remote import require_local

STEPS = ("annotations", "stage1", "cache", "stage2", "report")

Share = Annotated[int | float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0)]


def _require_local(path: object) -> object:
    require_local(path)
    return path


# "~" is the home folder, which no shell replaces in the middle of a word or in a file.
LocalPath = Annotated[
    Path, BeforeValidator(_require_local), AfterValidator(lambda path: Path(expanduser(path)))
]
Weights = Annotated[
    str, BeforeValidator(_require_local), AfterValidator(expanduser)
]  # a name, or a path
PoseSkeleton = Literal["mpii16", "coco17", "openpose18", "openpose25", "jhmdb15", "penn13", "lsp14"]


class ConfigError(ValueError):
    """A configuration is wrong; the message lists every mistake.

    Attributes:
        mistakes: A line for each; empty where the file could not be read as a whole.
    """

    def __init__(self, message: str, mistakes: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.mistakes = tuple(mistakes)


class Section(BaseModel):
    """A part of a configuration: frozen, and no unknown key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def arguments(self, *without: str) -> dict[str, Any]:
        """Returns the fields as named arguments, nested sections as they are."""
        return {
            name: getattr(self, name) for name in type(self).model_fields if name not in without
        }


class Parameter(Section):
    """What a search tries for one setting: one of `choices`, or a number from `low` to `high`.

    Whole `low` and `high` give whole numbers. `log` draws them evenly on a logarithmic scale.
    """

    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    choices: Annotated[tuple[Any, ...], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        bounds = (self.low, self.high)
        given = [bound for bound in bounds if bound is not None]
        if self.choices is not None and (given or self.log):
            raise ValueError("give choices, or low and high, not both")
        if self.choices is None and len(given) < len(bounds):
            raise ValueError("needs choices, or both low and high")
        if len(given) == len(bounds):
            if not given[0] < given[1]:
                raise ValueError(f"low must be below high. Received: {given[0]} and {given[1]}")
            if self.log and given[0] <= 0:
                raise ValueError(f"log needs a low above 0. Received: {given[0]}")
        return self

    @property
    def whole(self) -> bool:
        """Whether the numbers are whole."""
        return isinstance(self.low, int) and isinstance(self.high, int)


class Search(Section):
    """What `train.py search` tries, and by which figure on val it judges.

    Attributes:
        space: Name of a setting with dots, such as `stage2.epochs` -> what is tried for it.
        metric: On val; the loss is the mean of -log of the true class's probability. "macro_f1" is
            of classifiers, "miou" (mean IoU of the classes) of body parts.
    """

    space: Annotated[dict[str, Parameter], Field(min_length=1)]
    metric: Literal["accuracy", "macro_f1", "miou", "loss"] = "accuracy"


class Run(Section):
    """What the configurations of all kinds of run have in common.

    Attributes:
        run_dir: The run folder.
        seed: For everything random.
        threads: CPU threads of a step.
        draw: A data set that the project draws itself; None: the user has one.
        search: What a search tries; no step reads it.
    """

    run_dir: LocalPath
    seed: Count = 0
    threads: Positive = 2
    draw: Any = None
    search: Search | None = None

    @model_validator(mode="after")
    def _combinations(self) -> Self:
        if wrong := self.wrong_combinations():
            raise ValueError("; ".join(wrong))
        return self

    def wrong_combinations(self) -> list[str]:
        """Returns a sentence for each pair of settings that do not go together."""
        return []


class Split(Section):
    """Sizes of train, val and test: fractions of all pictures, or counts."""

    needs_val: ClassVar[bool] = True

    train: Share = 0.7
    val: Share = 0.15
    test: Share = 0.15

    @model_validator(mode="after")
    def _one_kind(self) -> "Split":
        sizes = (self.train, self.val, self.test)
        fractions = [size for size in sizes if isinstance(size, float)]
        whole = [size for size in sizes if isinstance(size, int) and size > 0]
        if fractions and whole:
            raise ValueError("give three fractions or three counts, not a mixture")
        if fractions and sum(fractions) > 1 + 1e-9:
            raise ValueError(f"fractions must not sum to more than 1 (they sum to {sum(sizes):g})")
        if not self.train or (self.needs_val and not self.val):
            names = "train and val" if self.needs_val else "train"
            raise ValueError(f"{names} must not be empty")
        return self


def split_kind(value: Any) -> str:
    """Tells pydantic whether sizes are meant, or the split that the labels name."""
    return "(given)" if isinstance(value, str) else "(sizes)"


# The tags only tell pydantic which of the two is meant; `reading` leaves them out.
SPLIT_TAGS = ("(given)", "(sizes)")
SplitOrGiven = Annotated[
    Annotated[Split, Tag("(sizes)")] | Annotated[Literal["given"], Tag("(given)")],
    Discriminator(split_kind),
]
