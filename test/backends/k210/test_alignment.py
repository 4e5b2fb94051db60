"""Where the KPU fetches tables: at multiples of 256 bytes, counted from the start of the file."""

import numpy as np
import pytest
from small import residual

import kpuc
from kpuc.runtime.kmodel import k210, read_kmodel
from kpuc.runtime.kmodel.nodes4 import KpuConv2D
from kpuc.runtime.kpu.tables import ACTIVATION_BYTES, Activation


def tables3(model):
    return [body.fields.activation_at for body in model.bodies() if body.kind.name == "k210_conv"]


def tables4(model):
    found, at = [], model.position()
    for step, body in zip(model.steps, model.bodies(), strict=True):
        if isinstance(body.fields, KpuConv2D):
            norm = KpuConv2D.size + body.fields.arguments.bwsx_base_addr
            behind = norm + body.arrays["batch_norm"].nbytes
            found.append(at + behind + body.fields.arguments.active_addr)
        at += len(step.body)
    return found


def tables5(model, data):
    (module,) = model.modules
    start = data.index(bytes(module.section(".rdata")))
    (function,) = module.functions
    layers = [one for one in k210.commands(module.text(function)) if isinstance(one, k210.Conv2d)]
    return [start + layer.activation.start for layer in layers]


@pytest.mark.parametrize("form", [{"kmodel": 3}, {"kmodel": 4}, {"portable": True}], ids=str)
def test_tables(form):
    net, model = residual(0)
    data = kpuc.compile(model, target="k210", calibration=net.samples(), **form).data
    read = read_kmodel(data)
    places = tables5(read, data) if "portable" in form else (tables3 if form["kmodel"] == 3 else tables4)(read)
    assert len(places) >= 7
    for place in places:
        table = Activation.unpack(data[place : place + ACTIVATION_BYTES])
        assert np.all(np.diff(np.asarray(table.start)) >= 0), "there is no table"
        assert place % 256 == 0
