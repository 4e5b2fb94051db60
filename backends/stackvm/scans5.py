"""Version 5 code of what combines elements along axes, finds them in order, or puts them at computed places, in loops.

That is all of integers, and of floats what the runtime has no function for, or none that will do.
"""

import math

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, static_shape
from ...runtime.stackvm.memory5 import dense
from ..unsupported import Unsupported, floats
from .integers5 import BITS, elements
from .loops5 import INTEGERS, Elements, Loops
from .writer5 import Ints, Writer, emits, stored


def in_loops(w: Writer, function: str, value: ir.Value) -> bool:
    """Whether loops are needed: for integers, or for want of a function. `Unsupported` for float16 and float64."""
    if stored(value).element in INTEGERS:
        return True
    floats(value)
    return not w.code.has(function)


def _real(value: ir.Value) -> str:
    """What the names of variables end with that hold elements."""
    return ":R4" if stored(value).element == "f32" else ""


def _unsigned(value: ir.Value) -> str:
    """What the names of comparisons end with."""
    return "_U" if stored(value).element == "u64" else ""


def _larger(kind: str, value: ir.Value) -> str:
    """The comparison that finds the largest or, for "min", smallest."""
    return ("CLT" if kind.endswith("min") else "CGT") + _unsigned(value)


def _kept(shape: Ints, axes: Ints) -> tuple[Ints, Ints, Ints]:
    """The shape with 1 along some axes; those that are left, and these, counted from the front."""
    some = tuple(axis % len(shape) for axis in axes)
    left = tuple(axis for axis in range(len(shape)) if axis not in some)
    return tuple(1 if axis in some else size for axis, size in enumerate(shape)), left, some


def reduce(w: Writer, op: nn.Reduce) -> None:
    """Of integers; of floats products only."""
    shape, dtype = static_shape(op.input), dtype_of(op.input)
    kept, left, axes = _kept(shape, op.axes)
    loops = Loops(w, shape, {"a": elements(w, op.input, shape), "result": elements(w, op.output, kept)})
    better = f"total = total a SUB  total a {_larger(op.kind, op.input)}  MUL a ADD"
    if op.kind in ("max", "min"):
        info = np.iinfo(dtype)
        first, step = str(info.min if op.kind == "max" else info.max), better
    elif op.kind == "prod":
        total = f"total{_real(op.input)}"
        first, step = "1" if dtype.kind != "f" else "1.0", f"{total} = {total} a MUL"
    else:
        first, step = "0", "total = total a ADD"

    def one() -> None:
        loops.run(f"total{_real(op.input)} = {first}")
        loops.over(axes, lambda: loops.run(step))
        loops.run(f"result = total{_real(op.input)}")
        if op.kind == "mean":
            count = math.prod(shape[axis] for axis in axes)
            signed = dtype.kind == "i"
            loops.run(f"total = result {count} {'DIV' if signed else 'DIV_U'}")
            loops.run(f"result = total  total {count} MUL result CGT  SUB" if signed else "result = total")

    loops.over(left, one)


def allow_infinities(w: Writer, op: nn.Reduce, limit: float) -> None:
    """Search again where the machine found the last finite number, `limit`: it begins with that, whatever there is."""
    shape = static_shape(op.input)
    kept, left, axes = _kept(shape, op.axes)
    loops = Loops(w, shape, {"a": elements(w, op.input, shape), "result": elements(w, op.output, kept)})
    sign, better = ("-", "CGT") if op.kind == "max" else ("", "CLT")

    def one() -> None:
        loops.run(f"result {sign}{limit} CEQ IF\nresult = {sign}inf")
        loops.over(axes, lambda: loops.run(f"a result {better} IF\nresult = a\nEND"))
        loops.run("END")

    loops.over(left, one)


def arg_reduce(w: Writer, op: nn.ArgReduce) -> None:
    """The first or last of the largest or smallest elements."""
    best = f"best{_real(op.input)}"
    shape = static_shape(op.input)
    kept, left, axes = _kept(shape, (op.axis,))
    loops = Loops(w, shape, {"a": elements(w, op.input, shape), "result": elements(w, op.output, kept)})
    same = f"  a {best} CEQ  OR" if op.select_last_index else ""
    step = f"""
        a {best} {_larger(op.kind, op.input)}{same} IF
            {best} = a
            place = i
        END
        i = i 1 ADD
    """

    def one() -> None:
        loops.run(f"{best} = a\nplace = 0\ni = 0")
        loops.over(axes, lambda: loops.run(step))
        loops.run("result = place")

    loops.over(left, one)


def cumsum(w: Writer, op: nn.Cumsum) -> None:
    """Running sums, forwards or backwards."""
    total, nothing = f"total{_real(op.input)}", "0.0" if _real(op.input) else "0"
    shape = static_shape(op.input)
    _, left, axes = _kept(shape, (op.axis,))
    stride, size = dense(shape)[axes[0]], shape[axes[0]]
    walks = {"a": elements(w, op.input, shape)}
    walks["x"] = Elements(w.place(op.input), stored(op.input).element, index="at")
    walks["result"] = Elements(w.place(op.output), stored(op.output).element, index="at")
    loops = Loops(w, shape, walks)
    steps = [f"{total} = {total} x ADD", f"result = {total}"]
    lines = [*(steps[::-1] if op.exclusive else steps), f"at = at {-stride if op.reverse else stride} ADD"]

    def one() -> None:
        loops.run(f"{total} = {nothing}\nat = a@ {(size - 1) * stride if op.reverse else 0} ADD")
        loops.over(axes, lambda: loops.run("\n".join(lines)))

    loops.over(left, one)


@emits(nn.Topk)
def topk(w: Writer, op: nn.Topk) -> None:
    """Each time, the best of the elements that come behind the last one: by their size, then by their index."""
    element = stored(op.input).element
    if element not in (*INTEGERS, "f32"):
        raise Unsupported(f"it compares {op.input.type}")
    shape, found = static_shape(op.input), static_shape(op.output)
    _, left, (axis,) = _kept(shape, (op.axis,))
    if 0 in (*shape, *found):
        return
    first = tuple(0 if i == axis else stride for i, stride in enumerate(dense(found)))
    walks = {"a": elements(w, op.input, shape), "b": Elements(w.place(op.output), element, first)}
    walks["x"] = Elements(w.place(op.input), element, index="at")
    walks["value"] = Elements(w.place(op.output), element, index="place")
    walks["index"] = Elements(w.place(op.indices), "i64", index="place")
    loops = Loops(w, shape, walks)
    real = _real(op.input)
    better = _larger("max" if op.largest else "min", op.input)
    test = f"""
        last 0 CLT  limit{real} x {better}  OR  x limit{real} CEQ  i last CGT  AND  OR
            found 0 CEQ  x best{real} {better}  OR  AND IF
    """
    step = f"""
        {" ".join(test.split())}
            best{real} = x
            found = 1
            chosen = i
        END
        i = i 1 ADD
        at = at {dense(shape)[axis]} ADD
    """
    behind = f"""
        value = best{real}
        index = chosen
        limit{real} = best{real}
        last = chosen
        place = place {dense(found)[axis]} ADD
    """

    def next_one() -> None:
        loops.run("found = 0\ni = 0\nat = a@")
        loops.repeat(shape[axis], lambda: loops.run(step))
        loops.run(behind)

    def one() -> None:
        loops.run("last = -1\nplace = b@")
        loops.repeat(op.k, next_one)

    loops.over(left, one)


_COMBINED = {
    "none": "result = u",
    "add": "result = result u ADD",
    "mul": "result = result u MUL",
    "max": "u result CGT IF\nresult = u\nEND",
    "min": "u result CLT IF\nresult = u\nEND",
}
"""How an element of the updates changes the result."""


@emits(nn.ScatterNd)
def scatter_nd(w: Writer, op: nn.ScatterNd) -> None:
    """A copy, into which each update is put; an index out of range ends the run, by a load from nowhere."""
    element, combined = stored(op.input).element, _COMBINED[op.reduction]
    if op.reduction != "none" and element not in (*INTEGERS, "f32"):
        raise Unsupported(f"it computes with {op.input.type}, only f32 and integers are supported")
    if op.reduction in ("max", "min"):
        test = combined.split(" IF")[0]
        nan = "  u u CNE  OR" if element == "f32" else ""
        combined = combined.replace(test, test + _unsigned(op.input) + nan)
    shape, tuples = static_shape(op.input), static_shape(op.indices)
    w.copy(w.place(op.input), w.place(op.output), stored(op.input), dense(shape))
    depth, count = tuples[-1], math.prod(tuples[:-1])
    inner = math.prod(shape[depth:])
    moved = element if op.reduction != "none" else BITS.get(element, element)
    walks = {
        "u": Elements(w.place(op.updates), moved, (inner, 1)),
        "t": Elements(w.place(op.indices), stored(op.indices).element, index="k"),
        "result": Elements(w.place(op.output), moved, index="at"),
    }
    loops = Loops(w, (count, inner), walks)
    loops.run("k = 0")

    def one() -> None:
        loops.run("at = 0")
        for size, stride in zip(shape[:depth], dense(shape), strict=False):
            loops.run(f"""
                i = t  t 0 CLT {size} MUL  ADD
                i {size} CLT_U 0 CEQ IF
                    LDNULL LDIND_I1 POP
                END
                at = at  i {stride} MUL  ADD
                k = k 1 ADD
            """)
        loops.over((1,), lambda: loops.run(f"{combined}\nat = at 1 ADD"))

    loops.over((0,), one)


def matmul(w: Writer, op: nn.Matmul) -> None:
    """Of integers: one sum of products for each element of the result."""
    left, right = static_shape(op.lhs), static_shape(op.rhs)
    left, right = (1, *left) if len(left) == 1 else left, (*right, 1) if len(right) == 1 else right
    rows, depth, columns = left[-2], left[-1], right[-1]
    batch = np.broadcast_shapes(left[:-2], right[:-2])
    shape = (*batch, rows, columns, depth)

    def steps(sizes: Ints, row: Ints, column: Ints) -> Ints:
        """Of a stack of matrices whose rows and columns go along these of the last three axes."""
        *outer, down, along = (0 if n == 1 else step for n, step in zip(sizes, dense(sizes), strict=True))
        last = [down * one + along * other for one, other in zip(row, column, strict=True)]
        return (*(0,) * (len(batch) - len(outer)), *outer, *last)

    walks = {
        "a": Elements(w.place(op.lhs), stored(op.lhs).element, steps(left, (1, 0, 0), (0, 0, 1))),
        "b": Elements(w.place(op.rhs), stored(op.rhs).element, steps(right, (0, 0, 1), (0, 1, 0))),
        "result": Elements(
            w.place(op.output), stored(op.output).element, steps((*batch, rows, columns), (1, 0, 0), (0, 1, 0))
        ),
    }
    loops = Loops(w, shape, walks)

    def one() -> None:
        loops.run("total = 0")
        loops.over((len(shape) - 1,), lambda: loops.run("total = total  a b MUL  ADD"))
        loops.run("result = total")

    loops.over(range(len(shape) - 1), one)
