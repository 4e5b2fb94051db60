"""Runs the program of an nnil_unary_method node: a small stack machine, for all elements at once."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np

from ...errors import ExecutionError
from ..machine import Array

DEPTH = 64
RETURN = 0xA0
CONSTANT = 0x06
UNARY: dict[int, Callable[[Array], Array]] = {
    0x20: np.abs,
    0x21: np.ceil,
    0x22: np.cos,
    0x23: np.exp,
    0x24: np.floor,
    0x25: np.log,
    0x26: np.negative,
    0x27: lambda x: 1 / np.sqrt(x),
    0x28: np.sin,
    0x29: np.square,
}
BINARY: dict[int, Callable[[Array, Array], Array]] = {
    0x40: np.add,
    0x41: np.subtract,
    0x42: np.multiply,
    0x43: np.divide,
    0x44: np.minimum,
    0x45: np.maximum,
}


def run_program(program: bytes, x: Array, spend: Callable[[int], None]) -> Array:
    """What `program` computes of each float32 of `x`; `spend` counts elements. ExecutionError K0504."""
    stack: list[Array] = []
    at = 0
    while at < len(program):
        opcode = program[at]
        spend(x.size)
        at += 5 if opcode == CONSTANT else 1
        if opcode == RETURN:
            return _pop(stack)
        if opcode == CONSTANT and at > len(program):
            raise ExecutionError("K0504", cause="an NNIL program ends inside a constant")
        _step(opcode, program[at - 4 : at], x, stack)
        if len(stack) > DEPTH:
            raise ExecutionError("K0504", cause=f"an NNIL program puts more than {DEPTH} values on its stack")
    raise ExecutionError("K0504", cause="an NNIL program ends without a return")


def _step(opcode: int, literal: bytes, x: Array, stack: list[Array]) -> None:
    if opcode == 0x01:
        stack.append(_pop(stack))
        stack.append(stack[-1])
    elif opcode == 0x02:
        _pop(stack)
    elif opcode == 0x03:
        stack.append(x)
    elif opcode in (0x04, 0x05):
        stack.append(np.full_like(x, opcode - 4))
    elif opcode == CONSTANT:
        stack.append(np.full_like(x, struct.unpack("<f", literal)[0]))
    elif opcode in UNARY:
        stack.append(UNARY[opcode](_pop(stack)))
    elif opcode in BINARY:
        right, left = _pop(stack), _pop(stack)
        stack.append(BINARY[opcode](left, right))
    elif opcode == 0x80:
        high, low, value = _pop(stack), _pop(stack), _pop(stack)
        stack.append(np.minimum(np.maximum(value, low), high))
    elif opcode != 0x00:
        raise ExecutionError("K0504", cause=f"NNIL has no instruction {opcode:#04x}")


def _pop(stack: list[Array]) -> Array:
    if not stack:
        raise ExecutionError("K0504", cause="an NNIL program takes a value from an empty stack")
    return stack.pop()
