"""What surrounds the steps of a network: how a step gets at its arguments, and the function that runs all of them.

A step is a function of tasks that may be executed in any order, and at the same time, by any number of threads:

    func.func @step_0(%weights: memref<Wxi8>, %arena: memref<Axi8>, %arguments: memref<Nxindex>, %lo: index, %hi: index)

It executes the tasks from `%lo` up to but not including `%hi`. `%weights` (never written) and `%arena` (zeros before
the first run, then whatever the last run left there) begin at a multiple of 64 bytes and never overlap with anything
else. `%arguments` holds the addresses of the network's inputs, then of its outputs: dense arrays, which begin at a
multiple of their element's size. `argument_text` makes a memref of one of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .pool import POOL

MEMREF = re.compile(r"memref<((?:\d+x)*)[a-z]\w*>")


@dataclass(frozen=True)
class Step:
    """The function of a step, its number of tasks, the kernel that it calls, and the operations that this computes."""

    name: str
    tasks: int
    kernel: str = ""
    computes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kernel}: {', '.join(self.computes)}"


def argument_text(index: int, memref_type: str, arguments: int) -> tuple[list[str], str]:
    """The lines that make a memref of an argument, and the name of its value.

    They stand in the body of a step whose `%arguments` holds `arguments` addresses, once for each one that it uses.
    `memref_type` is static and dense, e.g. "memref<1x3x4x4xf32>". Upstream has no operation that makes a memref of an
    address, so the lines build what a memref becomes when it is lowered; all of it is gone after LLVM's first pass.
    """
    match = MEMREF.fullmatch(memref_type)
    assert match is not None, f"{memref_type} is not a static, dense memref"
    sizes = [int(size) for size in match[1].split("x")[:-1]]
    strides = [math.prod(sizes[axis + 1 :]) for axis in range(len(sizes))]
    arrays = f", array<{len(sizes)} x i64>" * 2 if sizes else ""
    descriptor = f"!llvm.struct<(ptr, ptr, i64{arrays})>"
    name = f"%argument{index}"
    lines = [
        f"{name}_index = arith.constant {index} : index",
        f"{name}_word = memref.load %arguments[{name}_index] : memref<{arguments}xindex>",
        f"{name}_i64 = arith.index_cast {name}_word : index to i64",
        f"{name}_pointer = llvm.inttoptr {name}_i64 : i64 to !llvm.ptr",
        f"{name}_0 = llvm.mlir.poison : {descriptor}",
    ]
    fields = [("[0]", "pointer"), ("[1]", "pointer"), ("[2]", 0)]
    fields += [(f"[3, {axis}]", size) for axis, size in enumerate(sizes)]
    fields += [(f"[4, {axis}]", stride) for axis, stride in enumerate(strides)]
    for step, (place, value) in enumerate(fields):
        operand = f"{name}_{value}"
        if isinstance(value, int):
            operand = f"{name}_field{step}"
            lines.append(f"{operand} = llvm.mlir.constant({value} : i64) : i64")
        lines.append(f"{name}_{step + 1} = llvm.insertvalue {operand}, {name}_{step}{place} : {descriptor}")
    lines.append(f"{name} = builtin.unrealized_conversion_cast {name}_{len(fields)} : {descriptor} to {memref_type}")
    return lines, name


def program_text(steps: Sequence[Step], weights_bytes: int, arena_bytes: int, arguments: int) -> str:
    """The functions that an object exports, in MLIR, to stand in one module with those of the steps.

    `kpuc_run` executes the steps from `%first` up to but not including `%end`, one after the other. A step of one task
    is called; the tasks of others are shared out.
    """
    types = f"memref<{weights_bytes}xi8>, memref<{arena_bytes}xi8>, memref<{arguments}xindex>"
    kind = f"({types}, index, index) -> ()"
    weights, arena, words = types.split(", ")
    head = f"%weights: {weights}, %arena: {arena}, %arguments: {words}, %pool: !llvm.ptr, %first: index, %end: index"
    lines = [f"func.func @kpuc_run({head}) {{"]
    lines += ["%zero = arith.constant 0 : index", "%one = arith.constant 1 : index"]
    for name, type_ in (("weights", weights), ("arena", arena), ("arguments", words)):
        lines += [
            f"%{name}_index = memref.extract_aligned_pointer_as_index %{name} : {type_} -> index",
            f"%{name}_i64 = arith.index_cast %{name}_index : index to i64",
            f"%{name}_pointer = llvm.inttoptr %{name}_i64 : i64 to !llvm.ptr",
        ]
    for number, step in enumerate(steps):
        lines += [
            f"%number{number} = arith.constant {number} : index",
            f"%begun{number} = arith.cmpi sle, %first, %number{number} : index",
            f"%more{number} = arith.cmpi slt, %number{number}, %end : index",
            f"%wanted{number} = arith.andi %begun{number}, %more{number} : i1",
            f"scf.if %wanted{number} {{",
        ]
        if step.tasks == 1:
            lines += [f"func.call @{step.name}(%weights, %arena, %arguments, %zero, %one) : {kind}", "}"]
            continue
        lines += [
            f"%function{number} = func.constant @{step.name} : {kind}",
            f"%pointer{number} = builtin.unrealized_conversion_cast %function{number} : {kind} to !llvm.ptr",
            f"%tasks{number} = llvm.mlir.constant({step.tasks} : i64) : i64",
            f"llvm.call @kpuc_parallel(%pool, %pointer{number}, %tasks{number}, %weights_pointer, %arena_pointer,",
            "    %arguments_pointer) : (!llvm.ptr, !llvm.ptr, i64, !llvm.ptr, !llvm.ptr, !llvm.ptr) -> ()",
            "}",
        ]
    return "\n".join([*lines, "return", "}", POOL])
