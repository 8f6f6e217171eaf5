"""A YAML file into a checked model: all mistakes at once, each with the nearest right key.

A key whose type is a path or text takes its value as it is written: `run_dir: 2026-11-28`, `7` and
`no` are names. If such a key may be empty, `null`, `~` or nothing means that.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import is_dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import ValidationError

from pose_activity.artifacts import renamed, yaml_text
from pose_activity.artifacts.ranges import OutOfRange
from pose_activity.configs.sections import SPLIT_TAGS, ConfigError, Section

Model = TypeVar("Model", bound=Section)
_EMPTY = {"", "~", "null", "Null", "NULL"}
_QUOTED = re.compile(r"(['\"])((?:(?!\1).)*)\1", re.DOTALL)


def read_tree(path: Path) -> dict[str, Any]:
    """Returns the keys and values of a YAML file.

    Returns:
        Dicts, lists, texts and, for what is not text, `yaml_text.Plain`.

    Raises:
        ConfigError: it cannot be read, holds something else, or a key twice.
    """
    try:
        tree = yaml_text.load(path)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    if not isinstance(tree, dict):
        kind = type(yaml_text.values(tree)).__name__
        raise ConfigError(f"{path}: must hold keys and values. Received: {kind}")
    return tree


def check(path: Path, tree: dict[str, Any], overrides: Sequence[str], model: type[Model]) -> Model:
    """Builds a configuration.

    Args:
        path: Where `tree` is from; for messages.
        tree: What `read_tree` returned; changed by the overrides.
        overrides: `key=value` with dots in the key: `stage2.epochs=5`. For a key whose type is a
            path or text the value is taken as it is, without quotes around it; for others it is
            YAML.
        model: The whole configuration's class.

    Raises:
        ConfigError: it is wrong; lists every mistake, with a suggestion where a key is nearly
            right.
    """
    mistakes = [line for item in overrides if (line := _override(tree, item, model))]
    tree = _typed(tree, [model])
    refuse(path, mistakes + _mistakes(tree, model))
    return model.model_validate(tree)


def refuse(path: Path, mistakes: Sequence[str]) -> None:
    """Raises a ConfigError that lists the mistakes in a file, if there are any."""
    if mistakes:
        raise ConfigError(f"{path}:\n" + "\n".join(f"  - {line}" for line in mistakes), mistakes)


def dump(run: Section) -> str:
    """Returns a configuration as YAML with every default written out."""
    return yaml_text.dump(run.model_dump(mode="json"))


def _mistakes(tree: dict[str, Any], model: type[Section]) -> list[str]:
    """Returns every mistake. Keys that are wrong by themselves are dropped and the rest is checked.

    (pydantic checks combinations only if each key is right.)
    """
    tree, lines, dropped = deepcopy(tree), [], set()
    while True:
        try:
            model.model_validate(tree)
            return lines
        except ValidationError as error:
            found = [detail for detail in _details(error) if detail["loc"] not in dropped]
        lines += [line for detail in found if (line := _explain(detail, model)) not in lines]
        wrong = {d["loc"] for d in found if d["type"] not in ("missing", "value_error")}
        if not wrong:
            return lines
        for loc in wrong:
            _drop(tree, _plain(loc))
        dropped |= wrong


def _details(error: ValidationError) -> Iterator[Any]:
    """Yields pydantic's mistakes, with one for each field that a value below refused."""
    for detail in error.errors():
        refused = detail.get("ctx", {}).get("error")
        if not isinstance(refused, OutOfRange):
            yield detail
            continue
        for name, rule in refused.wrong.items():
            yield {"type": "out_of_range", "loc": (*detail["loc"], name), "msg": rule, "input": ""}


def _plain(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Returns a place in the tree without the tags that pydantic adds."""
    return tuple(part for part in loc if part not in SPLIT_TAGS)


def _drop(tree: Any, loc: tuple[int | str, ...]) -> None:
    """Removes the value at `loc`; if a list holds it, the whole list."""
    for depth, part in enumerate(loc):
        inner = tree.get(part) if isinstance(tree, dict) else None
        if depth == len(loc) - 1 or not isinstance(inner, dict):
            if isinstance(tree, dict):
                tree.pop(part, None)
            return
        tree = inner


def _override(tree: dict[str, Any], item: str, model: type[Section]) -> str | None:
    key, equals, value = item.partition("=")
    *parents, leaf = key.split(".")
    if not equals or not all([*parents, leaf]):
        return f"--set wants key=value. Received: {item!r}"
    kinds: list[Any] = [model]
    for parent in parents:
        if _is_empty(tree.get(parent)):
            tree[parent] = {}
        tree = tree[parent]
        if not isinstance(tree, dict):
            return f"--set {key}: {parent!r} is a value, not a section"
        kinds = _kinds_at(parent, kinds)
    try:
        tree[leaf] = _parse(value, _kinds_at(leaf, kinds))
    except ValueError as error:
        return f"--set {key}: {error}"
    return None


def _parse(value: str, kinds: Sequence[Any]) -> Any:
    """Reads what comes after the "=" of a key that takes one of some types."""
    if not _takes_text(kinds):
        return yaml_text.parse(value)
    if type(None) in kinds and value in _EMPTY:
        return None
    quoted = _QUOTED.fullmatch(value)
    return (quoted[2] if quoted else value) or None


def _typed(tree: Any, kinds: Sequence[Any]) -> Any:
    """Returns a tree in which each `Plain` has become what a key of these types takes."""
    if isinstance(tree, yaml_text.Plain):
        return tree.text if _takes_text(kinds) and tree.value is not None else tree.value
    if isinstance(tree, dict):
        named = {_name(key): value for key, value in tree.items()}
        return {name: _typed(value, _kinds_at(name, kinds)) for name, value in named.items()}
    if isinstance(tree, list):
        return [_typed(value, _kinds_inside(kinds)) for value in tree]
    return tree


def _name(key: Any) -> str:
    return key.text if isinstance(key, yaml_text.Plain) else str(key)


def _is_empty(tree: Any) -> bool:
    return tree is None or (isinstance(tree, yaml_text.Plain) and tree.value is None)


def _takes_text(kinds: Sequence[Any]) -> bool:
    """Whether a key takes only paths, text or None."""
    return bool({*kinds} & {str, Path}) and {*kinds} <= {str, Path, type(None)}


def _kinds_at(key: str, kinds: Sequence[Any]) -> list[Any]:
    """Returns the types that a key of one of some sections takes; none for an unknown key."""
    sections = [fields for kind in kinds if (fields := _fields(kind))]
    return [kind for fields in sections if key in fields for kind in _choices(fields[key])]


def _fields(kind: Any) -> dict[str, Any]:
    """Returns the types of a section's keys; nothing if it is not a section."""
    if isinstance(kind, type) and issubclass(kind, Section):
        return {name: field.annotation for name, field in kind.model_fields.items()}
    is_value = isinstance(kind, type) and is_dataclass(kind)
    return get_type_hints(kind, include_extras=True) if is_value else {}


def _kinds_inside(kinds: Sequence[Any]) -> list[Any]:
    """Returns the types that the items of a list take."""
    lists = [kind for kind in kinds if get_origin(kind) in (list, tuple)]
    return [choice for kind in lists for item in get_args(kind) for choice in _choices(item)]


def _choices(annotation: Any) -> list[Any]:
    """Returns the types that an annotation allows, without what `Annotated` adds."""
    if get_origin(annotation) is Annotated:
        return _choices(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [kind for part in get_args(annotation) for kind in _choices(part)]
    return [annotation]


def _explain(detail: Any, model: type[Section]) -> str:
    loc = _plain(detail["loc"])
    where = ".".join(str(part) for part in loc)
    section, key = ("", "", *loc)[-2:]
    if detail["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        known = _fields_at(loc[:-1], model)
        new = renamed.KEYS.get(str(section), {}).get(str(key))
        if new in known:
            return f"`{where}` is now `{where.removesuffix(str(key))}{new}`"
        close = difflib.get_close_matches(str(loc[-1]), known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else f" Known keys: {', '.join(known)}"
        return f"{where}: unknown key.{hint}"
    choice = renamed.CHOICES.get(str(section), {}).get(str(key), {}).get(str(detail["input"]))
    if choice:
        return f"`{where}: {detail['input']}` is now `{where}: {choice}`"
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] in ("missing", "value_error", "out_of_range"):
        return f"{where}: {message}" if where else message
    return f"{where}: {message}. Received: {detail['input']!r}"


def _fields_at(loc: Sequence[Any], model: type[Section]) -> list[str]:
    section: Any = model
    for part in loc:
        if part in _fields(section):  # else a name in a mapping, whose values are the section
            section = next(kind for kind in _kinds(_fields(section)[part]) if _fields(kind))
    return list(_fields(section))


def _kinds(annotation: Any) -> Iterator[Any]:
    """Yields an annotation and everything that it is made of."""
    yield annotation
    for part in get_args(annotation):
        yield from _kinds(part)
