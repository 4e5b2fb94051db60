"""ONNX's TfIdfVectorizer: how often sequences of numbers occur."""

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import require
from ...dialects.tensors import element_type, shape_of
from ..builder import Unsupported
from .elementwise import cast_to
from .node import Node, Output, converter


@converter(
    "TfIdfVectorizer",
    builds=(nn.Cast, nn.Gather, nn.Unsqueeze, nn.Equal, nn.Reduce, nn.Reshape, nn.Matmul, nn.Add),
    forms={"mode IDF": nn.Clamp},
)
def tf_idf_vectorizer(node: Node) -> Output:
    """Of integers, not of strings; rows of known length."""
    pool, starts, columns = (node.attribute(name) for name in ("pool_int64s", "ngram_counts", "ngram_indexes"))
    if pool is None:
        raise Unsupported("strings are not supported")
    size = node.shape()[-1]
    if size is None:
        raise Unsupported("the length of rows is not known", "give it with --shape or --dim")
    least, most = node.attribute("min_gram_length"), node.attribute("max_gram_length")
    counts, first = [], 0
    for length, (start, end) in enumerate(zip(starts, [*starts[1:], len(pool)], strict=True), 1):
        require(
            0 <= end - start <= len(pool) and (end - start) % length == 0, f"ngram_counts {starts} do not fit the pool"
        )
        sequences = np.asarray(pool[start:end], np.int64).reshape(-1, length)
        wanted = range(first, first + len(sequences))
        first += len(sequences)
        windows = _windows(size, length, node.attribute("max_skip_count"))
        if len(sequences) and least <= length <= most and len(windows):
            counts.append((wanted, _occurrences(node, sequences, windows)))
    require(first == len(columns), f"{first} sequences, but {len(columns)} columns for them")
    width, weights = max(columns) + 1, node.attribute("weights", [1.0] * first)
    shape = [dim or 0 for dim in node.shape()[:-1]]
    total = node.new_constant(np.zeros((*shape, width)), np.float32)
    for wanted, count in counts:
        found = nn.Clamp(count, min=0.0, max=1.0).output if node.attribute("mode") == "IDF" else count
        factors = [1.0 if node.attribute("mode") == "TF" else weights[one] for one in wanted]
        matrix = np.zeros((len(wanted), width), np.float32)
        matrix[np.arange(len(wanted)), [columns[one] for one in wanted]] = factors
        flat = nn.Matmul(nn.Reshape(found, shape=(-1, len(wanted))).output, node.new_constant(matrix)).output
        total = nn.Add(total, nn.Reshape(flat, shape=(*shape, width)).output).output
    return total


def _windows(size: int, length: int, most_skipped: int) -> list[list[int]]:
    """The places of all sequences in a row, with up to `most_skipped` elements between theirs."""
    return [
        [start + i * step for i in range(length)]
        for step in range(1, 2 if length == 1 else most_skipped + 2)
        for start in range(size - (length - 1) * step)
    ]


def _occurrences(node: Node, sequences: np.ndarray, windows: list[list[int]]) -> ir.Value:
    """How often each sequence is in each row: rows x sequences."""
    rank = len(shape_of(node.input(0)))
    number = cast_to(node.input(0), element_type(np.int64))
    there = nn.Gather(number, node.new_constant(windows, np.int64), axis=-1, batch_dims=0).output
    same = nn.Equal(nn.Unsqueeze(there, axes=(rank - 1,)).output, node.new_constant(sequences[:, None])).output
    all_same = nn.Reduce(cast_to(same, element_type(np.float32)), kind="min", axes=(-1,), keepdims=False).output
    return nn.Reduce(all_same, kind="sum", axes=(-1,), keepdims=False).output
