"""Selection of boxes."""

import numpy as np

from .arrays import Array


def nms(
    boxes: Array,
    scores: Array,
    *,
    center_point_box: int,
    max_output_boxes_per_class: int,
    iou_threshold: float,
    score_threshold: float | None,
) -> Array:
    """(batch, class, box) of the boxes that do not overlap a better one of their class, best first."""
    selected = []
    for batch in range(boxes.shape[0]):
        corners = _corners(boxes[batch], center_point_box)
        for label in range(scores.shape[1]):
            values = scores[batch, label]
            order = np.argsort(-values, kind="stable")
            if score_threshold is not None:
                order = order[values[order] > score_threshold]
            kept: list[int] = []
            for candidate in order.tolist():
                if len(kept) >= max_output_boxes_per_class:
                    break
                if all(_overlap(corners[candidate], corners[other]) <= iou_threshold for other in kept):
                    kept.append(candidate)
            selected += [(batch, label, box) for box in kept]
    return np.asarray(selected, np.int64).reshape(-1, 3)


def _corners(boxes: Array, center_point_box: int) -> Array:
    """y1, x1, y2, x2 with y1 <= y2 and x1 <= x2."""
    if center_point_box:
        x, y, w, h = boxes.T
        return np.stack([y - h / 2, x - w / 2, y + h / 2, x + w / 2], axis=1)
    low = np.minimum(boxes[:, :2], boxes[:, 2:])
    return np.concatenate([low, np.maximum(boxes[:, :2], boxes[:, 2:])], axis=1)


def _overlap(a: Array, b: Array) -> float:
    """Intersection over union."""
    height = min(a[2], b[2]) - max(a[0], b[0])
    width = min(a[3], b[3]) - max(a[1], b[1])
    if height <= 0 or width <= 0:
        return 0.0
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return float(height * width / (area - height * width))
