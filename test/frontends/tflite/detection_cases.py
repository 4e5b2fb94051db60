"""Suppression of overlapping boxes: scores differ wherever LiteRT takes any of equal ones."""

import dataclasses

import numpy as np
from flatbuffers import flexbuffers
from quantised_cases import parameters, stored
from single_operator import case, normal

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


def detected(count, places, known, classes, wanted=1, scale=1.0, **options):
    """TFLite_Detection_PostProcess: so many boxes, scores of `known` classes, of which the last `classes` count."""
    rng = np.random.default_rng([count, known])
    anchors = np.concatenate([rng.uniform(0, 1, (count, 2)), rng.uniform(0.1, 0.4, (count, 2))], 1).astype(np.float32)
    scores = (rng.permutation(count * known).reshape(1, count, known) + 1).astype(np.float32) / (count * known)
    names = ("nms_score_threshold", "nms_iou_threshold", "y_scale", "x_scale", "h_scale", "w_scale")
    numbers = {"max_detections": places, "max_classes_per_detection": wanted, "num_classes": classes}
    table = {**numbers, **dict(zip(names, (0.3, 0.4, 10.0, 10.0, 5.0, 5.0), strict=True)), **options}
    total = places * wanted
    return case(
        "CUSTOM",
        normal(1, count, 4, scale=scale),
        scores,
        anchors,
        constant=(2,),
        outputs=("float32",) * 4,
        custom=("TFLite_Detection_PostProcess", bytes(flexbuffers.Dumps(table))),
        shapes=((1, total, 4), (1, total), (1, total), (1,)),
    )


def with_ties(item):
    """The same with a few different scores: of equal ones LiteRT takes the first one here."""
    boxes, scores, anchors = item.inputs
    return dataclasses.replace(item, inputs=(boxes, np.ceil(scores * 8) / 8, anchors))


def of_bytes(item):
    """The same of bytes; the scores still differ."""
    shape, places = item.inputs[1].shape, item.inputs[1].size
    scores = (np.random.default_rng(0).permutation(places).reshape(shape) + 256 - places).astype(np.uint8)
    kinds = (parameters(-4, 4, "uint8"), parameters(0, 1, "uint8"), parameters(0, 1.5, "uint8"))
    boxes, anchors = (stored(item.inputs[k], kinds[k], "uint8") for k in (0, 2))
    return dataclasses.replace(item, inputs=(boxes, scores, anchors), quantised=dict(enumerate(kinds)))


FEW = detected(12, 10, 3, 3, nms_score_threshold=0.9)
"""What finds less than there are places for: LiteRT leaves these as they were."""
DETECTED = [
    detected(30, 6, 1, 1),
    detected(30, 6, 5, 4),
    detected(20, 5, 4, 4, wanted=3),
    detected(25, 8, 5, 4, use_regular_nms=True),
    detected(25, 8, 4, 4, use_regular_nms=True, detections_per_class=2),
    detected(6, 20, 3, 2, use_regular_nms=True, nms_score_threshold=0.7),
    detected(30, 6, 3, 3, nms_iou_threshold=1.0, nms_score_threshold=0.0),
    with_ties(detected(40, 12, 3, 3)),
    *(of_bytes(detected(30, 6, 5, 4, use_regular_nms=by_class)) for by_class in (False, True)),
]
CASES = [
    *DETECTED,
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
