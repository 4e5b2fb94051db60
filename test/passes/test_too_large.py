"""The refusal names a width with which the network does fit, and no larger one."""

import re

import numpy as np
import pytest

from kpuc.dialects import mlir
from kpuc.dialects.function import entry_function
from kpuc.dialects.mlir import func, ir
from kpuc.dialects.tensors import tensor_type
from kpuc.errors import CapacityError
from kpuc.passes.kpu import build
from kpuc.passes.kpu.residency import Program
from kpuc.passes.kpu.tile import Tile


def tiled(width, capacity, *, kernel, pool, outputs=40):
    """Split a network of one layer that reads 64 rows; raises CapacityError."""
    with mlir.context(), ir.Location.unknown():
        module = ir.Module.create()
        with ir.InsertionPoint(module.body):
            function = func.FuncOp("main", ([tensor_type((1, 24, 64, width), np.float32)], []))
            block = function.add_entry_block()
        with ir.InsertionPoint(block):
            weight = np.ones((outputs, 24, kernel, kernel), np.float32)
            made = build.layer([block.arguments[0]], weight, None, None, pool=pool)
            func.ReturnOp([made])
        types = ir.FunctionType.get([block.arguments[0].type], [made.type])
        function.attributes["function_type"] = ir.TypeAttr.get(types)
        Tile(capacity).apply(module)
        return Program.of(entry_function(module).regions[0].blocks[0]).plan().peak


@pytest.mark.parametrize(("kernel", "pool"), [(1, "none"), (3, "none"), (3, "max2s2"), (3, "mean4s4"), (3, "max2s1")])
def test_the_width_that_fits_fits(kernel, pool):
    capacity = 30000
    with pytest.raises(CapacityError, match="K0610") as caught:
        tiled(300, capacity, kernel=kernel, pool=pool)
    width = int(re.search(r"makes this map (\d+) columns wide or less", caught.value.remedy)[1])
    assert tiled(width, capacity, kernel=kernel, pool=pool) <= capacity
    with pytest.raises(CapacityError, match="K0610"):
        tiled(width + 1, capacity, kernel=kernel, pool=pool)


def test_channels_are_the_remedy_where_no_width_is():
    with pytest.raises(CapacityError, match="K0610") as caught:
        tiled(16, 2000, kernel=3, pool="none", outputs=200)
    assert caught.value.remedy == "fewer channels at this layer"
