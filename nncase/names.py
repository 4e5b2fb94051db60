"""What a name was probably meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, valid: Iterable[str]) -> str:
    """A sentence for the remedy of an error: the nearest of the valid names, or all of them."""
    names = sorted(valid)
    lower = {one.lower(): one for one in names}
    found = get_close_matches(name.lower(), lower, n=1)
    return f"did you mean '{lower[found[0]]}'?" if found else f"there are: {', '.join(names)}"
