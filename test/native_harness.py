"""Compiles kernels one by one and runs them on arrays, for tests of their generators."""

import ctypes

import llvmlite.binding as llvm
import numpy as np

from kpuc.backends.native.buffer import Buffer
from kpuc.backends.native.kernel import Scratch
from kpuc.backends.native.object import lowered as lower_module
from kpuc.backends.native.target import SPECS
from kpuc.dialects.mlir import ir

X86_64_V4_VNNI, X86_64_V3 = SPECS["x86-64-v4-vnni"], SPECS["x86-64-v3"]
llvm.initialize_all_targets()
llvm.initialize_all_asmprinters()


def compile_kernels(kernels, spec=X86_64_V4_VNNI):
    """An engine in which the kernels are the functions k0, k1, ..."""
    text = "\n".join(
        kernel.function(f"k{i}").replace("func.func private", "func.func") for i, kernel in enumerate(kernels)
    )
    called = {name: text for kernel in kernels for name, text in kernel.text.called.items()}
    module = ir.Module.parse("\n".join([*called.values(), text]))
    module.operation.verify()
    lowered = llvm.parse_assembly(lower_module(module, spec))
    machine = llvm.Target.from_triple(spec.triple).create_target_machine(cpu=spec.cpu, features=spec.features, opt=3)
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(lowered, builder)
    engine = llvm.create_mcjit_compiler(lowered, machine)
    engine.finalize_object()
    return engine


def physical(buffer: Buffer, array):
    """The block of memory that holds an array, with noise where nothing of it lies."""
    block = np.full([buffer.extents[axis] for axis in range(len(buffer.extents))], 77, array.dtype)
    block[tuple(slice(b, b + s) for b, s in zip(buffer.before, buffer.shape, strict=True))] = array
    return np.ascontiguousarray(block.transpose(buffer.order)) if buffer.order else block


def logical(buffer: Buffer, block):
    """The array in a block of memory."""
    inverse = np.argsort(buffer.order) if buffer.order else ()
    whole = block.transpose(inverse) if buffer.order else block
    return whole[tuple(slice(b, b + s) for b, s in zip(buffer.before, buffer.shape, strict=True))]


GUARD = 128
"""Bytes before and behind a block that no kernel may write."""


def aligned(array):
    raw = np.full(array.nbytes + 2 * GUARD + 64, 0xA5, np.uint8)
    start = GUARD + (-raw.ctypes.data - GUARD) % 64
    result = raw[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    result[...] = array
    return result


def is_intact(block):
    """Whether nothing was written beside a block."""
    raw = block
    while raw.base is not None:
        raw = raw.base
    start = block.ctypes.data - raw.ctypes.data
    return bool((raw[:start] == 0xA5).all() and (raw[start + block.nbytes :] == 0xA5).all())


def run_group(group, buffers, inputs, lower, spec=X86_64_V4_VNNI, surround=physical):
    """The group's results in memory as the kernels leave them (blocks by value), each task done alone, backwards.

    surround: makes the block of an input, whose unused elements hold what its producer would leave there.
    """
    return run_groups([(group, buffers, inputs)], lower, spec, surround)[0]


def run_groups(runs, lower, spec=X86_64_V4_VNNI, surround=physical):
    """`run_group` of several (group, buffers, inputs), compiled together."""
    written = [lower(group, buffers, spec) for group, buffers, _ in runs]
    engine = compile_kernels([kernel for kernels in written for kernel in kernels], spec)
    results, number = [], 0
    for kernels, (_, buffers, inputs) in zip(written, runs, strict=True):
        blocks = {value: aligned(surround(buffers[value], array)) for value, array in inputs.items()}
        scratch = {}
        for kernel in kernels:
            _execute(kernel, engine.get_function_address(f"k{number}"), blocks, scratch)
            number += 1
        assert all(is_intact(block) for block in [*blocks.values(), *scratch.values()])
        results.append(blocks)
    return results


def _execute(kernel, address, blocks, scratch):
    alive = [_block(argument, blocks, scratch) for argument in kernel.arguments]
    pointers = [block.ctypes.data for block in alive]
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(pointers), ctypes.c_long, ctypes.c_long)(address)
    for task in reversed(range(kernel.tasks)):
        function(*pointers, task, task + 1)


def _block(argument, blocks, scratch):
    """The memory that an argument is."""
    if isinstance(argument.source, Scratch):
        return scratch.setdefault(id(argument.source), aligned(np.zeros(argument.buffer.bytes, np.uint8)))
    if isinstance(argument.source, np.ndarray):
        return aligned(argument.source)
    if argument.source not in blocks:
        extents = [argument.buffer.extents[axis] for axis in argument.buffer.order]
        blocks[argument.source] = aligned(np.full(extents, 99, mlir_dtype(argument.buffer.element)))
    return blocks[argument.source]


def mlir_dtype(element):
    return np.dtype(f"{'f' if element[0] == 'f' else 'i'}{int(element[1:]) // 8}")
