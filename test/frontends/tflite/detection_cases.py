"""Suppression of overlapping boxes: no two scores are equal, for of these LiteRT takes any."""

import numpy as np
from single_operator import case

HALVES = np.float32([[0, 0, 1, 1], [0, 0.5, 1, 1.5], [0, 1.5, 1, 2.5]])
"""The first and the second share a third of both."""


def scattered(count: int, seed: int = 0):
    """Boxes and scores."""
    rng = np.random.default_rng([seed, count])
    corner, size = rng.uniform(0, 1, (count, 2)), rng.uniform(0, 0.5, (count, 2))
    boxes = np.concatenate([corner, corner + size], axis=1).astype(np.float32)
    return boxes, (rng.permutation(count) + 1).astype(np.float32) / count


def chosen(boxes, scores, places, limit, least, sigma=None):
    """A case; `sigma` makes it one of version 5."""
    numbers = [np.int32(places), *map(np.float32, (limit, least, *([] if sigma is None else [sigma])))]
    version, outputs = (4, ("int32", "int32")) if sigma is None else (5, ("int32", "float32", "int32"))
    constant = tuple(range(2, 2 + len(numbers)))
    return case(f"NON_MAX_SUPPRESSION_V{version}", boxes, scores, *numbers, constant=constant, outputs=outputs)


def flipped(boxes):
    """The same boxes by their other corners."""
    return np.ascontiguousarray(boxes[:, [2, 1, 0, 3]])


CASES = [
    *(chosen(*scattered(40), places, 0.3, least) for places in (5, 12) for least in (0.0, 0.9)),
    *(chosen(*scattered(40), 60, limit, -np.inf) for limit in (0.0, 0.1, 0.6, 1.0)),
    *(chosen(*scattered(30, 1), 12, limit, 0.2, sigma) for limit in (0.4, 1.0) for sigma in (0.0, 0.1, 0.5)),
    chosen(*scattered(6), 4, 0.5, 2.0, 0.5),
    chosen(*scattered(6), 0, 0.5, 0.0),
    chosen(*scattered(1), 3, 0.5, 0.0, 0.5),
    chosen(flipped(scattered(20)[0]), scattered(20)[1], 8, 0.3, 0.1),
    *(chosen(HALVES, np.float32([0.9, 0.8, 0.7]), 3, limit, 0.1) for limit in (0.33, 0.34)),
    *(chosen(HALVES * 0, np.float32([0.7, 0.9, least]), 5, 0.5, 0.1) for least in (0.8, 0.0)),
    chosen(HALVES, np.float32([-3.0, -1.0, -2.0]), 3, 0.3, -2.5),
    chosen(HALVES, np.float32([1.0, 0.9, 0.8]), 3, 1.0, 0.0, 1e-4),
]
