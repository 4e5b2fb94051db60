"""Onnxruntime's own operators of transformers: attention, and sums of embeddings.

Everything has its known shape: batch x length x width outside, batch x heads x length x part of the width inside.
"""

import math

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import require
from ...dialects.tensors import dtype_of, element_type, shape_of
from ..builder import Unsupported
from ..converter import Form, Ops
from .node import Node, Output, converter

MASKED = -10000.0
"""What is added to the scores of places that do not count, unless a node says otherwise."""
OPERATIONS = (nn.Matmul, nn.Reshape, nn.Transpose, nn.Mul, nn.Softmax)
MASKS: dict[str, Ops] = {
    "a bias or an attention bias": nn.Add,
    "a mask": (nn.Cast, nn.Sub, nn.Unsqueeze, nn.Add),
    "no later places": nn.Add,
}


@converter("com.microsoft.Attention", builds=(*OPERATIONS, nn.Add, nn.Split), forms=MASKS)
def attention(node: Node) -> Output:
    """Of one input by itself; masks are one number a place. Past states, and values of another width than queries, are
    not supported."""
    heads = node.attribute("num_heads", 0)
    _refuse(node, (4, 6), ("qkv_hidden_sizes", "do_rotary"))
    batch, length, _ = _known(node, 0, 3)
    whole = nn.Matmul(node.input(0), node.input(1)).output
    bias = node.optional(2)
    if bias is not None:
        whole = nn.Add(whole, bias).output
    width = shape_of(whole)[2]
    require(heads > 0 and width is not None and width % (3 * heads) == 0, f"{width} columns do not split into {heads}")
    part = (width or 0) // 3
    query, key, value = (
        _split(one, heads, (batch, length, part)) for one in nn.Split(whole, axis=2, sizes=(part,) * 3).outputs
    )
    biases = [one for one in (_mask(node, 3, length), node.optional(5), _causal(node, length)) if one is not None]
    return _attend(node, query, key, value, biases)


@converter("com.microsoft.MultiHeadAttention", builds=OPERATIONS, forms={**MASKS, "a bias of each": (nn.Add, nn.Slice)})
def multi_head_attention(node: Node) -> Output:
    """Of queries with keys and values, each batch x length x width; masks are one number a place. Past states are not
    supported."""
    heads = node.attribute("num_heads", 0)
    _refuse(node, (6, 7), ())
    if node.optional(1) is None or node.optional(2) is None or node.rank(1) != 3 or node.rank(2) != 3:
        raise Unsupported("packed queries, keys and values are not supported")
    parts = [node.input(i) for i in range(3)]
    shapes = [_known(node, i, 3) for i in range(3)]
    require(all(heads > 0 and shape[2] % heads == 0 for shape in shapes), f"widths do not split into {heads} heads")
    bias = node.optional(3)
    if bias is not None:
        start, added = 0, []
        for part, (_, _, width) in zip(parts, shapes, strict=True):
            one = nn.Slice(bias, starts=(start,), ends=(start + width,), axes=(0,), steps=(1,)).output
            added.append(nn.Add(part, node.builder.folded(one)).output)
            start += width
        parts = added
    query, key, value = (_split(part, heads, shape) for part, shape in zip(parts, shapes, strict=True))
    length = shapes[1][1]
    biases = [one for one in (_mask(node, 4, length), node.optional(5), _causal(node, length)) if one is not None]
    return _attend(node, query, key, value, biases)


def _refuse(node: Node, inputs: tuple[int, ...], attributes: tuple[str, ...]) -> None:
    """What attention operators can do that is not supported."""
    if any(node.optional(i) is not None for i in inputs) or node.has_output(1) or node.has_output(2):
        raise Unsupported("past and present states are not supported", "export the network without them")
    given = [name for name in attributes if name in node.attributes]
    if given:
        raise Unsupported(f"'{given[0]}' is not supported")


def _known(node: Node, index: int, rank: int) -> tuple[int, ...]:
    """The shape of an input, which must be known."""
    shape = node.shape(index)
    require(len(shape) == rank, f"input {index} has rank {len(shape)}, expected {rank}")
    if None in shape:
        raise Unsupported("the shape is not known", "give it with --shape or --dim")
    return tuple(dim or 0 for dim in shape)


def _split(value: ir.Value, heads: int, shape: tuple[int, ...]) -> ir.Value:
    """Heads beside the batch."""
    batch, length, width = shape
    apart = nn.Reshape(value, shape=(batch, length, heads, width // heads)).output
    return nn.Transpose(apart, permutation=(0, 2, 1, 3)).output


def _mask(node: Node, index: int, length: int) -> ir.Value | None:
    """What a mask of a number for each place (0: it does not count) adds to scores, if there is one."""
    mask = node.optional(index)
    if mask is None:
        return None
    if len(shape_of(mask)) != 2 or shape_of(mask)[1] != length:
        raise Unsupported(f"a mask of {nn.shape_text(shape_of(mask))} is not supported, only one number a place")
    numbers = nn.Cast(mask, to=element_type(dtype_of(node.input(0))), saturate=True).output
    added = nn.Mul(nn.Sub(node.like(1, numbers), numbers).output, node.like(_masked(node), numbers)).output
    return nn.Unsqueeze(added, axes=(1, 2)).output


def _causal(node: Node, length: int) -> ir.Value | None:
    """What is added to the scores of later places, if these do not count."""
    if not node.attribute("unidirectional", 0):
        return None
    later = np.triu(np.full((length, length), _masked(node)), 1)
    return node.new_constant(later, dtype_of(node.input(0)))


def _masked(node: Node) -> float:
    return float(node.attribute("mask_filter_value", MASKED))


def _attend(node: Node, query: ir.Value, key: ir.Value, value: ir.Value, biases: list[ir.Value]) -> ir.Value:
    """softmax(query * key' * scale + biases) * value, the heads beside each other again."""
    batch, heads, length, width = shape_of(query)
    scores = nn.Matmul(query, nn.Transpose(key, permutation=(0, 1, 3, 2)).output).output
    scale = node.attribute("scale", 0.0) or 1 / math.sqrt(width or 1)
    scores = nn.Mul(scores, node.like(scale, scores)).output
    for bias in biases:
        scores = nn.Add(scores, bias).output
    mixed = nn.Matmul(nn.Softmax(scores, axis=-1).output, value).output
    together = nn.Transpose(mixed, permutation=(0, 2, 1, 3)).output
    columns = (heads or 0) * (shape_of(value)[3] or 0)
    return nn.Reshape(together, shape=(batch or 0, length or 0, columns)).output


@converter(
    "com.microsoft.EmbedLayerNormalization",
    builds=(Form(nn.Gather, "by computed indices"), nn.Add, nn.LayerNorm),
    forms={"positions that are not given": nn.Slice},
)
def embed_layer_normalization(node: Node) -> Output:
    """Words, places and segments, summed and normalised; without the mask, whose result is not supported."""
    words, length = node.input(0), node.shape()[1]
    total = nn.Gather(node.input(2), words, axis=0, batch_dims=0).output
    positions = node.optional(8)
    if positions is not None:
        places = nn.Gather(node.input(3), positions, axis=0, batch_dims=0).output
    elif length is None:
        raise Unsupported("the length is not known", "give it with --shape or --dim")
    else:
        places = nn.Slice(node.input(3), starts=(0,), ends=(length,), axes=(0,), steps=(1,)).output
    total = nn.Add(total, places).output
    segments, table = node.optional(1), node.optional(4)
    if segments is not None and table is not None:
        total = nn.Add(total, nn.Gather(table, segments, axis=0, batch_dims=0).output).output
    epsilon = node.attribute("epsilon", 1e-12)
    result = nn.LayerNorm(total, node.input(5), node.input(6), axis=-1, epsilon=epsilon).output
    if not (node.has_output(1) or node.has_output(2)):
        return result
    if node.has_output(1):
        if node.optional(7) is not None:
            raise Unsupported("the lengths that a mask gives are not supported as a result")
        batch = node.shape()[0]
        if batch is None:
            raise Unsupported("the batch is not known", "give it with --shape or --dim")
        return [result, node.new_constant(np.zeros(batch), np.int32), total]
    return [result, result, total]


@converter("com.microsoft.RotaryEmbedding", builds=(nn.Gather, nn.Slice, nn.Mul, nn.Sub, nn.Add, nn.Concat))
def rotary_embedding(node: Node) -> Output:
    """Of batch x heads x length x width, the halves of the whole width turned."""
    if node.attribute("interleaved", 0) or node.attribute("rotary_embedding_dim", 0) or node.rank() != 4:
        raise Unsupported("only whole widths of batch x heads x length x width are supported, not interleaved")
    value, (_, _, length, width) = node.input(0), _known(node, 0, 4)
    positions = node.input(1)
    if nn.known_product(shape_of(positions)) == 1:  # the first of places that follow each other
        start = nn.Reshape(positions, shape=(1,)).output
        positions = nn.Add(start, node.new_constant(np.arange(length), np.int64)).output
    cosines, sines = (_turns(node, index, positions) for index in (2, 3))
    first, second = (
        nn.Slice(value, starts=(begin,), ends=(begin + width // 2,), axes=(3,), steps=(1,)).output
        for begin in (0, width // 2)
    )
    left = nn.Sub(nn.Mul(first, cosines).output, nn.Mul(second, sines).output).output
    right = nn.Add(nn.Mul(second, cosines).output, nn.Mul(first, sines).output).output
    return nn.concat([left, right], 3)


def _turns(node: Node, index: int, positions: ir.Value) -> ir.Value:
    """Cosines or sines of the positions, for every head."""
    rows = nn.Gather(node.input(index), positions, axis=0, batch_dims=0).output
    return nn.Unsqueeze(rows, axes=(1,) if len(shape_of(rows)) == 3 else (0, 1)).output
