r"""What a name says, by regular expressions: the label, the group and the split of a clip.

A file's name often says what it shows: `person01_walking_d1_3`. With
`label_pattern` `(?P<label>person\d+)_`, `group_pattern` `(?P<group>person\d+_.*_d\d)` and
`test_pattern` `_3$` its label is person01, its group person01_walking_d1, and it is for the test.
Patterns are searched anywhere in the name. No file is opened.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pose_activity.annotations.names import check_names
from pose_activity.annotations.text import preview


@dataclass(frozen=True)
class NameParts:
    """What one name says; None if it does not, or if it was not asked for."""

    label: str | None
    group: str | None
    split: str | None


def compile_pattern(option: str, pattern: str | None, group: str | None) -> re.Pattern[str] | None:
    """Compiles the pattern that a user gave.

    Args:
        option: What the user calls it, for the message.
        pattern: A regular expression, or None.
        group: Name of the group that it must have, or None.

    Raises:
        ValueError: no regular expression, or one without that group.
    """
    if pattern is None:
        return None
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(
            f"{option} must be a regular expression ({error}). Received: {pattern!r}"
        ) from None
    if group is not None and group not in compiled.groupindex:
        raise ValueError(
            f"{option} must have a group named {group!r}, as in '_(?P<{group}>g[0-9]+)_'. "
            f"Received: {pattern!r}"
        )
    return compiled


def find_part(pattern: re.Pattern[str] | None, group: str, name: str) -> str | None:
    """Returns what the group holds if the pattern is found in a name, else None."""
    match = pattern.search(name) if pattern else None
    return (match[group] or None) if match else None


def read_names(
    where: Path,
    names: Sequence[str],
    *,
    label_pattern: str | None = None,
    group_pattern: str | None = None,
    val_pattern: str | None = None,
    test_pattern: str | None = None,
    on_note: Callable[[str], None] | None = None,
) -> list[NameParts]:
    """Asks each name.

    Args:
        where: The file or folder that they come from, for the messages.
        names: Of the clips.
        label_pattern: Has a group `label`, and must be found in each name. None: no labels.
        group_pattern: Has a group `group`; a name without it belongs to no group.
        val_pattern: Names in which it is found are of the split val; needs no group.
        test_pattern: The same for test. Where one of the two is given, all others are of train.
        on_note: Called with a note on how many names belong to no group although there is a
            pattern.

    Returns:
        One item per name, in their order.

    Raises:
        ValueError: a bad pattern, labels that are missing or differ in upper and lower case only,
            or a split's pattern that takes none or all of the names, or shares some with the other.
    """
    label = compile_pattern("label_pattern", label_pattern, "label")
    group = compile_pattern("group_pattern", group_pattern, "group")
    splits = _splits(where, names, val=val_pattern, test=test_pattern)
    parts = [
        NameParts(find_part(label, "label", name), find_part(group, "group", name), split)
        for name, split in zip(names, splits, strict=True)
    ]
    without = [repr(name) for name, one in zip(names, parts, strict=True) if one.label is None]
    if label and without:
        raise ValueError(
            f"{where}: label_pattern must be found in each name. Pattern: {label_pattern!r}. "
            f"Not found in: {preview(without)}"
        )
    check_names(where, (one.label for one in parts))
    alone = sum(one.group is None for one in parts)
    if group and alone and on_note:
        on_note(f"{where}: {alone:,} of {len(names):,} names hold no group.")
    return parts


def _splits(where: Path, names: Sequence[str], **patterns: str | None) -> list[str | None]:
    """Returns each name's split: "val", "test", "train", or None without patterns."""
    found: list[str | None] = [None] * len(names)
    for split, pattern in patterns.items():
        compiled = compile_pattern(f"{split}_pattern", pattern, None)
        if compiled is None:
            continue
        hits = [i for i, name in enumerate(names) if compiled.search(name)]
        both = [repr(names[i]) for i in hits if found[i]]
        if both:
            raise ValueError(
                f"{where}: val_pattern and test_pattern must not share names. Received: "
                f"{preview(both)}"
            )
        if len(hits) in (0, len(names)):
            raise ValueError(
                f"{where}: {split}_pattern must be found in some names and not in others. "
                f"Pattern: {pattern!r}. Found in {len(hits)} of {len(names)}, such as "
                f"{preview([repr(name) for name in names[:3]])}"
            )
        for i in hits:
            found[i] = split
    return [split or "train" for split in found] if any(patterns.values()) else found
