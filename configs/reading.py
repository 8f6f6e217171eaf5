"""A YAML file into a checked model: all mistakes at once, each with the nearest right key."""

import difflib
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import ValidationError

from configs.sections import SPLIT_TAGS, ConfigError, Section

Model = TypeVar("Model", bound=Section)


def read_tree(path: Path) -> dict[str, Any]:
    """Returns the keys and values of a YAML file.

    Raises:
        ConfigError: it cannot be read, or holds something else.
    """
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{path} must hold keys and values. Received: {type(tree).__name__}")
    return tree


def check(path: Path, tree: dict[str, Any], overrides: Sequence[str], model: type[Model]) -> Model:
    """Builds a configuration.

    Args:
        path: Where `tree` is from; for messages.
        tree: What `read_tree` returned; changed by the overrides.
        overrides: `key=value` with dots in the key and YAML in the value: `stage2.epochs=5`.
        model: The whole configuration's class.

    Raises:
        ConfigError: it is wrong; lists every mistake, with a suggestion where a key is nearly
            right.
    """
    mistakes = [line for item in overrides if (line := _override(tree, item))]
    mistakes += _mistakes(tree, model)
    if mistakes:
        raise ConfigError(f"{path}:\n" + "\n".join(f"  - {line}" for line in mistakes))
    return model.model_validate(tree)


def dump(run: Section) -> str:
    """Returns a configuration as YAML with every default written out."""
    return yaml.safe_dump(run.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _mistakes(tree: dict[str, Any], model: type[Section]) -> list[str]:
    """Returns every mistake. Keys that are wrong by themselves are dropped and the rest is judged.

    (pydantic judges combinations only where each key is right.)
    """
    tree, lines, dropped = deepcopy(tree), [], set()
    while True:
        try:
            model.model_validate(tree)
            return lines
        except ValidationError as error:
            found = [detail for detail in error.errors() if detail["loc"] not in dropped]
        lines += [line for detail in found if (line := _explain(detail, model)) not in lines]
        wrong = {d["loc"] for d in found if d["type"] not in ("missing", "value_error")}
        if not wrong:
            return lines
        for loc in wrong:
            _drop(tree, _plain(loc))
        dropped |= wrong


def _plain(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Returns a place in the tree without the tags that pydantic adds."""
    return tuple(part for part in loc if part not in SPLIT_TAGS)


def _drop(tree: Any, loc: tuple[int | str, ...]) -> None:
    """Removes what lies at `loc`; of a list that holds it, the whole list."""
    for depth, part in enumerate(loc):
        inner = tree.get(part) if isinstance(tree, dict) else None
        if depth == len(loc) - 1 or not isinstance(inner, dict):
            if isinstance(tree, dict):
                tree.pop(part, None)
            return
        tree = inner


def _override(tree: dict[str, Any], item: str) -> str | None:
    key, equals, value = item.partition("=")
    if not equals or not all(key.split(".")):
        return f"--set wants key=value. Received: {item!r}"
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError as error:
        return f"--set {key}: the value is not YAML: {error}"
    *parents, leaf = key.split(".")
    for parent in parents:
        if tree.get(parent) is None:
            tree[parent] = {}
        tree = tree[parent]
        if not isinstance(tree, dict):
            return f"--set {key}: {parent!r} is a value, not a section"
    tree[leaf] = parsed
    return None


def _explain(detail: Any, model: type[Section]) -> str:
    loc = _plain(detail["loc"])
    where = ".".join(str(part) for part in loc)
    if detail["type"] == "extra_forbidden":
        known = _fields_at(loc[:-1], model)
        close = difflib.get_close_matches(str(loc[-1]), known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else f" Known keys: {', '.join(known)}"
        return f"{where}: unknown key.{hint}"
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] in ("missing", "value_error"):
        return f"{where}: {message}" if where else message
    return f"{where}: {message}. Received: {detail['input']!r}"


def _fields_at(loc: Sequence[Any], model: type[Section]) -> list[str]:
    section: Any = model
    for part in loc:
        kinds = _kinds(section.model_fields[part].annotation)
        section = next(k for k in kinds if isinstance(k, type) and issubclass(k, Section))
    return list(section.model_fields)


def _kinds(annotation: Any) -> Iterator[Any]:
    """Yields an annotation and everything that it is made of."""
    yield annotation
    for part in get_args(annotation):
        yield from _kinds(part)
