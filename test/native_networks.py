"""A small network as hand-written steps, for tests of machine code: what the lowering of `nn` would make."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from kpuc.backends.native.object import compile_object
from kpuc.backends.native.pack import native_function, native_module
from kpuc.backends.native.program import Step, argument_text, program_text
from kpuc.backends.native.target import named
from kpuc.runtime.kmodel import v7
from kpuc.runtime.kmodel.names import Names, attach
from kpuc.runtime.kmodel.native import ALIGNMENT
from kpuc.runtime.kmodel.types7 import TensorType

ROWS, COLUMNS = 23, 37
"""Neither is a multiple of a vector's lanes, or of a pool's chunks."""
SHAPE = (ROWS, COLUMNS)
ARENA = 2 * ROWS * COLUMNS * 4
WEIGHTS = (np.arange(COLUMNS, dtype=np.float32) - 18) / 7
TABLE = np.float32(1.1) * np.arange(COLUMNS, dtype=np.float32) ** 2 / 400
"""Constants in the object itself."""
TENSOR, SUMS = TensorType("f32", SHAPE), TensorType("f32", (COLUMNS,))
MAP = f"memref<{ROWS}x{COLUMNS}xf32>"
VECTOR = f"memref<{COLUMNS}xf32>"
HEAD = f"""%weights: memref<{WEIGHTS.nbytes}xi8>, %arena: memref<{ARENA}xi8>, %arguments: memref<3xindex>,
    %lo: index, %hi: index"""


def _function(name: str, lines: Sequence[str], body: str) -> str:
    return "\n".join(
        [
            f"func.func @{name}({HEAD}) attributes {{llvm.no_inline}} {{",
            *(f"%c{value} = arith.constant {value} : index" for value in (0, 1, 16, ROWS, COLUMNS)),
            f"%second = arith.constant {ARENA // 2} : index",
            f"%scale = memref.view %weights[%c0][] : memref<{WEIGHTS.nbytes}xi8> to {VECTOR}",
            f"%map = memref.view %arena[%c0][] : memref<{ARENA}xi8> to {MAP}",
            f"%table = memref.get_global @table : {VECTOR}",
            f"%other = memref.view %arena[%second][] : memref<{ARENA}xi8> to {MAP}",
            *lines,
            body,
            "return",
            "}",
        ]
    )


def saxpy() -> str:
    """map = x * weights + y + table, a row a task: vectors, then what is left of the row."""
    lines_x, x = argument_text(0, MAP, 3)
    lines_y, y = argument_text(1, MAP, 3)
    main = COLUMNS // 16 * 16
    body = f"""
  %main = arith.constant {main} : index
  scf.for %row = %lo to %hi step %c1 {{
    scf.for %i = %c0 to %main step %c16 {{
      %a = vector.load {x}[%row, %i] : {MAP}, vector<16xf32>
      %b = vector.load {y}[%row, %i] : {MAP}, vector<16xf32>
      %c = vector.load %scale[%i] : {VECTOR}, vector<16xf32>
      %t = vector.load %table[%i] : {VECTOR}, vector<16xf32>
      %s = arith.addf %b, %t : vector<16xf32>
      %d = vector.fma %a, %c, %s : vector<16xf32>
      vector.store %d, %map[%row, %i] : {MAP}, vector<16xf32>
    }}
    scf.for %i = %main to %c{COLUMNS} step %c1 {{
      %a = memref.load {x}[%row, %i] : {MAP}
      %b = memref.load {y}[%row, %i] : {MAP}
      %c = memref.load %scale[%i] : {VECTOR}
      %t = memref.load %table[%i] : {VECTOR}
      %s = arith.addf %b, %t : f32
      %d = math.fma %a, %c, %s : f32
      memref.store %d, %map[%row, %i] : {MAP}
    }}
  }}"""
    return _function("saxpy", [*lines_x, *lines_y], body)


def exponential() -> str:
    """other = exp(map) + 1.1, a row a task, through the C library; 2.2, 3.3, ... in the first four columns."""
    body = f"""
  %more = arith.constant 1.1 : f32
  %first = arith.constant dense<[0.0, 1.1, 2.2, 3.3]> : vector<4xf32>
  scf.for %row = %lo to %hi step %c1 {{
    scf.for %i = %c0 to %c{COLUMNS} step %c1 {{
      %a = memref.load %map[%row, %i] : {MAP}
      %b = math.exp %a : f32
      %c = arith.addf %b, %more : f32
      memref.store %c, %other[%row, %i] : {MAP}
    }}
    %d = vector.load %other[%row, %c0] : {MAP}, vector<4xf32>
    %e = arith.addf %d, %first : vector<4xf32>
    vector.store %e, %other[%row, %c0] : {MAP}, vector<4xf32>
  }}"""
    return _function("exponential", [], body)


def sums() -> str:
    """The result: the sum of each of other's columns, in one task."""
    lines, result = argument_text(2, VECTOR, 3)
    body = f"""
  %zero = arith.constant 0.0 : f32
  scf.for %i = %c0 to %c{COLUMNS} step %c1 {{
    %sum = scf.for %row = %c0 to %c{ROWS} step %c1 iter_args(%before = %zero) -> f32 {{
      %a = memref.load %other[%row, %i] : {MAP}
      %b = arith.addf %before, %a : f32
      scf.yield %b : f32
    }}
    memref.store %sum, {result}[%i] : {VECTOR}
  }}"""
    return _function("sums", lines, body)


STEPS = (Step("saxpy", ROWS), Step("exponential", ROWS), Step("sums", 1))


def network_text() -> str:
    """The whole module."""
    program = program_text(STEPS, WEIGHTS.nbytes, ARENA, 3)
    values = ", ".join(f"{value:.9e}" for value in TABLE)
    table = f'memref.global "private" constant @table : {VECTOR} = dense<[{values}]>'
    return "\n".join([table, saxpy(), exponential(), sums(), program])


@cache
def network_object(cpu: str) -> bytes:
    """The network's code for a kind of CPU."""
    return compile_object(network_text(), named(cpu))


def network_model(*cpus: str) -> v7.Model:
    """The network as a model with code for some kinds of CPUs."""
    objects = {cpu: network_object(cpu) for cpu in cpus}
    module = native_module([native_function(objects, [TENSOR, TENSOR], [SUMS])], WEIGHTS.tobytes(), ARENA)
    return attach(v7.Model((module,), alignment=ALIGNMENT), Names(("x", "y"), ("sums",)))


def network_kmodel(*cpus: str) -> bytes:
    """The file."""
    return v7.write(network_model(*cpus))


def network_inputs(seed: int = 0) -> list[np.ndarray]:
    """x and y."""
    random = np.random.default_rng(seed)
    return [random.standard_normal(SHAPE, np.float32) for _ in range(2)]


def network_result(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What the network computes, in double precision."""
    rows = np.exp(np.float64(x) * WEIGHTS + y + TABLE) + 1.1
    rows[:, :4] += [0, 1.1, 2.2, 3.3]
    return rows.sum(0)
