"""Fonts that are installed, for names in scripts that matplotlib's own font does not have."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

OWN = "DejaVu Sans"  # comes with matplotlib: Latin, Greek, Cyrillic and more
_BOXES = "Last Resort"  # has a box for every letter


def choose(texts: Iterable[str], paths: Sequence[str] | None = None) -> tuple[list[str], str]:
    """Chooses fonts that have all letters of some texts.

    Args:
        texts: To be drawn.
        paths: Font files that may be used beside matplotlib's own; None: all that are installed.

    Returns:
        Names of fonts for matplotlib, which takes each letter from the first that has it; and the
        letters that none has.
    """
    from matplotlib import font_manager

    needed = {ord(letter) for text in texts for letter in text if letter.isprintable()}
    needed -= _letters(font_manager.findfont(OWN))
    names = [OWN]
    if not needed:
        return names, ""
    fonts = font_manager.fontManager.ttflist
    plain = sorted((f.style != "normal", f.weight != 400, f.name, f.fname) for f in fonts)
    for _, _, name, path in plain:
        if name.startswith(_BOXES) or name in names or (paths is not None and path not in paths):
            continue
        if found := needed & _letters(path):
            needed -= found
            names.append(name)
        if not needed:
            break
    return names, "".join(map(chr, sorted(needed)))


def _letters(path: str) -> set[int]:
    from matplotlib import font_manager

    with suppress(OSError, RuntimeError):  # a damaged font has none
        return set(font_manager.get_font(path).get_charmap())
    return set()
