"""YAML in, with each value as it is written beside what YAML makes of it.

YAML 1.1 reads `no`, `12:30`, `007` and `2026-11-28` as a truth value, 750, 7 and a day. The caller
knows where a name is meant and where a number: a value without quotes that is not
surely text comes as a `Plain`, which holds both. Numbers are YAML 1.2's: decimal, without
underscores. Knows nothing of what the keys mean.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pose_activity.artifacts.text import read_utf8

_PREFIX = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)$")
_FLOAT = re.compile(
    r"(?:[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)


@dataclass(frozen=True)
class Plain:
    """A value that YAML does not read as text.

    Attributes:
        value: What YAML makes of it: a number, a truth value, or None.
        text: As it is written; "" where nothing is.
    """

    value: Any
    text: str


class _Loader(yaml.SafeLoader):
    """Knows numbers of YAML 1.2, and builds a `Plain` of what is not text."""

    def build_plain(self, node: yaml.ScalarNode) -> Plain:
        value = yaml.SafeLoader.yaml_constructors[node.tag](self, node)
        return Plain(value, node.value)


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, found)
        for tag, found in known
        if tag.removeprefix(_PREFIX) in {"bool", "null", "merge"}
    ]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(f"{_PREFIX}int", _INT, list("-+0123456789"))
_Loader.add_implicit_resolver(f"{_PREFIX}float", _FLOAT, list("-+.0123456789"))
for _kind in ("null", "bool", "int", "float"):
    _Loader.add_constructor(f"{_PREFIX}{_kind}", _Loader.build_plain)


class _Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.1 or 1.2 would read as something else."""


_Dumper.add_implicit_resolver(f"{_PREFIX}float", _FLOAT, list("-+.0123456789"))


def load(path: Path) -> Any:
    """Reads a file.

    Returns:
        Dicts, lists and texts, with a `Plain` for every other value and key.

    Raises:
        ValueError: it cannot be opened, is not UTF-8 or not YAML, or a key comes twice.
    """
    text = read_utf8(path)
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def parse(text: str) -> Any:
    """Reads a text as `load` does a file; the messages do not say where it is from."""
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        twice = [] if root is None else [*_keys_given_twice(root, "", ())]
        tree = None if root is None or twice else loader.construct_document(root)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f"not YAML ({error}).") from None
    if twice:
        raise ValueError(f"a key must be given once. Received: {'; '.join(twice)}. Keep one.")
    return tree


def dump(tree: Any) -> str:
    """Returns a tree as YAML that `load` reads the same values from, keys in their order."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def values(tree: Any) -> Any:
    """Returns a tree with what YAML makes of every `Plain`."""
    return _replaced(tree, lambda plain: plain.value)


def texts(tree: Any) -> Any:
    """Returns a tree with every `Plain` but a dict's keys as it is written."""
    return _replaced(tree, lambda plain: plain.text)


def _replaced(tree: Any, replace: Callable[[Plain], Any]) -> Any:
    if isinstance(tree, Plain):
        return replace(tree)
    if isinstance(tree, dict):
        return {values(key): _replaced(value, replace) for key, value in tree.items()}
    return [_replaced(value, replace) for value in tree] if isinstance(tree, list) else tree


def _keys_given_twice(node: yaml.Node, where: str, above: tuple[int, ...]) -> Iterator[str]:
    """Yields a text for each key of which YAML would silently keep the last value.

    Raises:
        ValueError: an alias leads back to what holds it.
    """
    if id(node) in above:
        raise ValueError(f"{where.rstrip('.')} holds itself")
    inside = (*above, id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _keys_given_twice(item, where, inside)
    if not isinstance(node, yaml.MappingNode):
        return
    lines = defaultdict(list)
    for key, value in node.value:
        name = f"{where}{key.value}"
        if isinstance(key, yaml.ScalarNode) and key.tag != f"{_PREFIX}merge":
            lines[key.tag, name].append(str(key.start_mark.line + 1))
        yield from _keys_given_twice(value, f"{name}.", inside)
    for (_, name), found in lines.items():
        if len(found) > 1:
            yield f"{name} in the lines {' and '.join(found)}"
