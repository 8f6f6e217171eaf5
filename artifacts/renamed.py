"""Keys and choices of a configuration that have another name today, or are new: one table each.

A user who writes an old name gets an error with the new one (`configs.reading`). What a run folder
holds (config.yaml, manifests, sidecars) is translated, so that older runs still open.
"""

from collections.abc import Mapping
from typing import Any

KEYS: Mapping[str, Mapping[str, str]] = {  # section -> old key -> new key
    "split": {"unseen": "open_set"},
    "stage1": {"squash": "resize"},
    "track": {
        "least_likeness": "min_similarity",
        "confirm_after": "min_hits",
        "max_gap": "max_age",
    },
    "linear": {"unit": "l2_normalize"},
    "augment": {"view": "yaw"},
    "stage2": {"keep": "checkpoint"},
}
CHOICES: Mapping[str, Mapping[str, Mapping[str, str]]] = {  # section -> key -> old -> new choice
    "sequence": {"short": {"refuse": "error"}},
}
# Keys that were added, with the choice that stands for what was done before. Without it, nothing
# that was made then would fit.
ADDED: Mapping[str, Mapping[str, Any]] = {  # section -> key -> choice, or those of a part of it
    "stage2": {
        "monitor": "loss",
        "replicas": 1,
        "augment": {"random_changes": 0, "random_strength": 0.3},
    }
}
# What a step's manifest calls its recipe is part of a section; that of the report tells
# `split.unseen` too. A training notes the recipe of its tensors, a table of answers "tracking".
_SECTIONS = {
    "annotations": "",
    "cache": "sequence",
    "recipe": "sequence",
    "report": "split",
    "tracking": "track",
}


def translate(tree: Mapping[str, Any], section: str = "") -> dict[str, Any]:
    """Returns keys and values in today's names, in their order.

    Args:
        tree: A whole configuration, a section of it, or the part that a step's manifest holds.
        section: Which section, or which step's; "" for a whole configuration.
    """
    section = _SECTIONS.get(section, section)
    keys, choices = KEYS.get(section, {}), CHOICES.get(section, {})
    return {
        keys.get(key, key): translate(value, key)
        if isinstance(value, dict)
        else choices.get(key, {}).get(str(value), value)
        for key, value in tree.items()
    }


def with_added(before: Mapping[str, Any], now: Mapping[str, Any], section: str) -> dict[str, Any]:
    """Returns what was remembered, with what it could not yet say of keys that are asked for now.

    Args:
        before: What a step remembers of a section, in today's names.
        now: What is asked for.
        section: Which section, or which step's.
    """
    return _filled(before, now, ADDED.get(_SECTIONS.get(section, section), {}))


def _filled(
    before: Mapping[str, Any], now: Mapping[str, Any], added: Mapping[str, Any]
) -> dict[str, Any]:
    filled = dict(before)
    for key, choice in added.items():
        if not isinstance(choice, Mapping):
            filled |= {key: before.get(key, choice)} if key in now else {}
        elif isinstance(before.get(key), Mapping) and isinstance(now.get(key), Mapping):
            filled[key] = _filled(before[key], now[key], choice)
    return filled


def in_old_names(values: Mapping[str, Any], section: str) -> dict[str, Any]:
    """Returns a section with its keys' first names, so that digests of it stay the same."""
    old = {new: old for old, new in KEYS[section].items()}
    return {old.get(key, key): value for key, value in values.items()}
