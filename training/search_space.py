"""What a search tries: checked against the configuration's own schema, drawn, written as settings.

A value is carried as the text that follows `=` in an override of a configuration, so that what was
tried can be asked for again.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pose_activity.configs.reading import refuse
from pose_activity.configs.sections import ConfigError, Parameter, Run, Search
from pose_activity.training import kinds
from pose_activity.training.steps import steps_of

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

_FIXED = {"run_dir", "search", "report"}  # no training reads them
_DIGITS = 4  # of a number: more than a score can tell apart, and short to read

Space = Mapping[str, Parameter]


def load(path: Path, overrides: Sequence[str] = ()) -> Run:
    """Reads a configuration with a section `search`, and checks the section.

    Args:
        path: See `configs.loading.find`.
        overrides: `key=value` each, see `configs.reading`.

    Raises:
        ConfigError: the configuration is wrong, has no such section, or a setting of the space is
            unknown, takes no such value, or decides which pictures are in val; lists every mistake.
    """
    run = kinds.load(path, overrides)
    if run.search is None:
        refuse(path, ["search: missing, such as {space: {seed: {choices: [0, 1]}}}"])
    space = section_of(run).space
    wrong = [line for name in space for line in _mistakes(path, overrides, run, name)]
    refuse(path, [*dict.fromkeys(wrong)])
    return run


def section_of(run: Run) -> Search:
    """Returns the section `search` of a configuration that `load` returned."""
    if run.search is None:
        raise ValueError("This configuration has no section `search`.")
    return run.search


def draw(trial: "BaseTrial", space: Space) -> dict[str, str]:
    """Lets a trial choose a value of each setting.

    Returns:
        Name of a setting -> its value as text.
    """
    return {name: _draw(trial, name, parameter) for name, parameter in space.items()}


def as_overrides(settings: Mapping[str, str]) -> list[str]:
    """Returns settings as `key=value`, as `kinds.load` takes them."""
    return [f"{name}={value}" for name, value in settings.items()]


def values_of(run: Run, space: Space) -> dict[str, Any] | None:
    """Returns what a configuration itself has for each setting, as `Study.enqueue_trial` takes it.

    None where the space does not hold it.
    """
    found: dict[str, Any] = {}
    for name, parameter in space.items():
        value: Any = run.model_dump(mode="json")
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if parameter.choices is not None:
            value = as_text(value)
            if value not in map(as_text, parameter.choices):
                return None
        elif not _holds(parameter, value):
            return None
        found[name] = value
    return found


def as_text(value: Any) -> str:
    """Returns a value as an override of a configuration writes it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _draw(trial: "BaseTrial", name: str, parameter: Parameter) -> str:
    low, high = parameter.low, parameter.high
    if low is None or high is None:
        return trial.suggest_categorical(name, [*map(as_text, parameter.choices or ())])
    if parameter.whole:
        return str(trial.suggest_int(name, int(low), int(high), log=parameter.log))
    value = trial.suggest_float(name, low, high, log=parameter.log)
    short = float(f"{value:.{_DIGITS}g}")
    return repr(short if low <= short <= high else value)


def _holds(parameter: Parameter, value: Any) -> bool:
    low, high = parameter.low, parameter.high
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = number and not (parameter.whole and not isinstance(value, int))
    return fits and low is not None and high is not None and low <= value <= high


def _bounds(parameter: Parameter) -> list[str]:
    """Returns the values that tell whether all of a setting's values are allowed."""
    given = (parameter.low, parameter.high) if parameter.choices is None else parameter.choices
    return [*map(as_text, given)]


def _mistakes(path: Path, overrides: Sequence[str], run: Run, name: str) -> Iterable[str]:
    """Yields what is wrong with one setting of the space."""
    space = section_of(run).space
    if name.partition(".")[0] in _FIXED:
        yield f"search.space: {name} changes nothing that is trained: drop it"
        return
    others = [f"{other}={_bounds(space[other])[0]}" for other in space if other != name]
    for value in _bounds(space[name]):
        setting = f"{name}={value}"
        alone = _tried(path, [*overrides, setting])
        # Some settings go only with others: those may be in the space, too.
        together = _tried(path, [*overrides, *others, setting])
        if isinstance(alone, Run) or isinstance(together, Run):
            changed = alone if isinstance(alone, Run) else together
            if isinstance(changed, Run) and _first_recipe(changed) != _first_recipe(run):
                yield (
                    f"search.space: {name} changes the step annotations, and so which pictures "
                    "are in val: scores could not be compared. Drop it"
                )
                return
            continue
        found = [line for line in alone if line in together] or alone
        yield from (f"search.space: {line}" for line in found)


def _tried(path: Path, overrides: Sequence[str]) -> Run | tuple[str, ...]:
    """Returns a configuration, or its mistakes."""
    try:
        return kinds.load(path, overrides)
    except ConfigError as error:
        return error.mistakes


def _first_recipe(run: Run) -> Any:
    return steps_of(run, look_only=True)[0].recipe()
