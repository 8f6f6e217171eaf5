"""Lists in messages."""


def preview(names: list[str], shown: int = 5) -> str:
    """Returns the first few of a list as text, and how many more there are."""
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
