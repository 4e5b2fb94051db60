"""Recurrent layers."""

import dataclasses

import numpy as np
from quantised_cases import parameters, stored
from single_operator import case, normal
from tflite_writer import Quantization

NONE, RELU, TANH = 0, 1, 4


def lstm(
    batch,
    time,
    width,
    hidden,
    time_major=False,
    *,
    coupled=False,
    peepholes=False,
    norms=False,
    outputs=None,
    **options,
):
    """A layer whose states are variables. `coupled`: without input gate; `outputs`: to how many it projects."""
    image = normal(time, batch, width) if time_major else normal(batch, time, width)
    inputs = parameters_of(width, hidden, coupled, peepholes, outputs)
    kept = outputs or hidden
    inputs += [np.zeros((batch, kept), np.float32), np.zeros((batch, hidden), np.float32)]
    inputs += [normal(hidden, seed=k + 30) if norms else None for k in range(4)]
    if coupled:
        inputs[-4] = None
    return case(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        image,
        *inputs,
        constant=(*range(1, 18), *range(20, 24)),
        variables=(18, 19),
        fused_activation_function=TANH,
        time_major=time_major,
        **options,
    )


def parameters_of(width, hidden, coupled=False, peepholes=False, outputs=None, seed=0):
    """The inputs of a layer between the first one and its states."""
    kept = outputs or hidden
    inputs = [normal(hidden, width, seed=seed + k, scale=0.5) for k in range(4)]
    inputs += [normal(hidden, kept, seed=seed + k + 4, scale=0.5) for k in range(4)]
    inputs += [normal(hidden, seed=seed + k + 40) if peepholes else None for k in range(3)]
    inputs += [normal(hidden, seed=seed + k + 8) for k in range(4)]
    if coupled:
        inputs[0] = inputs[4] = inputs[8] = inputs[11] = None
    projection = [normal(outputs, hidden, seed=seed + 50), normal(outputs, seed=seed + 51)] if outputs else [None] * 2
    return inputs + projection


def quantised_lstm(
    batch,
    time,
    width,
    hidden,
    scale=0.5,
    *,
    coupled=False,
    peepholes=False,
    norms=False,
    outputs=None,
    cell_power=-11,
    kept=(-1, 1),
    **options,
):
    """The same with inputs, weights and hidden states of 8 bits, cells of 16 bits, gates of 16 bits in between; equal
    to the bit."""
    source, kept, cell = parameters(-3, 3, "int8"), parameters(*kept, "int8"), Quantization((2.0**cell_power,), (0,))
    between = parameters(-0.8, 0.9, "int8") if outputs else kept
    quantised, inputs = {0: source, 18: kept, 19: cell}, [stored(normal(batch, time, width), source, "int8")]

    def store(k, array, dtype, scale=None):
        if array is not None:
            step = scale or float(np.float32(np.abs(array).max() / np.iinfo(dtype).max))
            quantised[k] = Quantization((step,), (0,))
            array = stored(array, quantised[k], dtype)
        inputs.append(array)

    coefficients = [normal(hidden, seed=k + 30) if norms and not (coupled and k == 0) else None for k in range(4)]
    for k, array in enumerate(parameters_of(width, hidden, coupled, peepholes, outputs), 1):
        if k < 9 or k == 16:
            store(k, array if array is None or k > 4 else array * np.float32(2 * scale), "int8")
        elif k < 12:
            store(k, array, "int16")
        elif k == 17:
            store(k, array, "int32", between.scale[0] * quantised[16].scale[0] if outputs else None)
        elif array is None or not norms:
            store(k, array, "int32", None if array is None else source.scale[0] * quantised[k - 11].scale[0])
        else:
            step = float(np.float32(np.abs(coefficients[k - 12]).max() / np.iinfo("int16").max))
            store(k, array, "int32", step * 2.0**-10)
    inputs.append(np.full((batch, outputs or hidden), kept.zero_point[0], np.int8))
    inputs.append(np.zeros((batch, hidden), np.int16))
    for k, array in enumerate(coefficients, 20):
        store(k, array, "int16")
    gates = [("int16", Quantization((2.0**-12 * (k + 1),), (0,))) for k in range(4)] if norms else None
    return integer_layer(inputs, quantised, between, gates, **options)


def integer_layer(inputs, quantised, between=None, gates=None, **options):
    """A layer of integers by its inputs and their parameters; `between`: those of what is projected; `gates`: types and
    parameters of what goes into gates before it is normalised."""
    return case(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        *inputs,
        constant=(*range(1, 18), *range(20, 24)),
        variables=(18, 19),
        outputs="int8",
        quantised=quantised,
        results={0: quantised[18]},
        intermediates=(*(gates or [("float32", None)] * 4), ("int8", between or quantised[18])),
        fused_activation_function=TANH,
        exact=1.0,
        steps=0,
        **options,
    )


def plain(operator, image, hidden, *, time_major=False, activation=TANH, directions=1, **options):
    """A layer f(x w + h r + b), of one step or of a sequence, one way or both."""
    batch, width = image[1 if time_major else 0], image[-1]
    inputs = [normal(*image)]
    for k in range(directions):
        parts = (normal(hidden, width, seed=k, scale=0.5), normal(hidden, hidden, seed=k + 4, scale=0.5))
        inputs += [*parts, normal(hidden, seed=k + 8), np.zeros((batch, hidden), np.float32)]
    states = tuple(range(4, len(inputs), 4))
    constant = tuple(k for k in range(1, len(inputs)) if k not in states)
    inputs += [None] * (3 if directions == 2 else 0)
    merged = options.get("merge_outputs", directions == 1)
    options = options if operator == "RNN" else {"time_major": time_major, **options}
    return case(
        operator,
        *inputs,
        constant=constant,
        variables=states,
        outputs=("float32",) * (1 if merged else 2),
        fused_activation_function=activation,
        **options,
    )


def both_ways(batch, time, width, hidden, *, merge_outputs, time_major=False, outputs=None, **options):
    """LSTM layers that read a sequence forwards and backwards."""
    inputs = [normal(time, batch, width) if time_major else normal(batch, time, width)]
    for seed in (0, 20):
        inputs += parameters_of(width, hidden, outputs=outputs, seed=seed)
    inputs += [np.zeros((batch, outputs or hidden), np.float32), np.zeros((batch, hidden), np.float32)] * 2
    return case(
        "BIDIRECTIONAL_SEQUENCE_LSTM",
        *inputs,
        *[None] * 9,
        constant=tuple(range(1, 35)),
        variables=(35, 36, 37, 38),
        outputs=("float32",) * (1 if merge_outputs else 2),
        fused_activation_function=TANH,
        merge_outputs=merge_outputs,
        time_major=time_major,
        **options,
    )


def step(batch, width, hidden, **options):
    """One step of an LSTM of the full kind."""
    return one_step(lstm(batch, 1, width, hidden, **options))


def one_step(layer):
    """A sequence of one step as an operator of one step."""
    batch, _, width = layer.inputs[0].shape
    options = {key: value for key, value in layer.options.items() if key != "TimeMajor"}
    inputs = (layer.inputs[0].reshape(batch, width), *layer.inputs[1:])
    return dataclasses.replace(layer, operator="LSTM", inputs=inputs, options=options)


def basic_step(batch, width, hidden):
    """One step of the basic kind: all weights are one matrix."""
    arrays = (normal(4 * hidden, width + hidden, scale=0.5), normal(4 * hidden), normal(batch, hidden, seed=3))
    return case(
        "LSTM",
        normal(batch, width),
        normal(batch, hidden, scale=0.5),
        *arrays,
        constant=(2, 3),
        outputs=("float32",) * 4,
        fused_activation_function=TANH,
        kernel_type=1,
    )


CASES = [
    *(plain("UNIDIRECTIONAL_SEQUENCE_RNN", (2, 5, 3), 4, activation=activation) for activation in (RELU, TANH)),
    plain("UNIDIRECTIONAL_SEQUENCE_RNN", (5, 2, 3), 4, time_major=True, activation=NONE),
    *(plain("BIDIRECTIONAL_SEQUENCE_RNN", (2, 5, 3), 4, directions=2, merge_outputs=merge) for merge in (False, True)),
    # Both outputs in one tensor, batches first, LiteRT computes from memory that it never wrote.
    both_ways(2, 5, 3, 4, merge_outputs=False),
    both_ways(2, 5, 3, 4, merge_outputs=True, time_major=True, cell_clip=0.3),
    both_ways(2, 5, 3, 6, merge_outputs=False, outputs=4),
    basic_step(2, 3, 4),
    lstm(2, 5, 3, 4),
    lstm(2, 5, 3, 4, time_major=True),
    lstm(1, 7, 3, 4, cell_clip=0.3),
    lstm(2, 5, 3, 4, coupled=True, peepholes=True),
    lstm(2, 5, 3, 6, outputs=4),
    lstm(2, 5, 3, 6, outputs=4, proj_clip=0.4, cell_clip=0.5, coupled=True),
    lstm(2, 5, 3, 4, norms=True),
    lstm(1, 5, 3, 6, norms=True, outputs=4, peepholes=True, time_major=True),
    lstm(2, 5, 3, 4, norms=True, coupled=True, peepholes=True),
    quantised_lstm(2, 7, 3, 4),
    quantised_lstm(1, 7, 3, 4, scale=8),  # gates saturate
    quantised_lstm(2, 6, 5, 4, kept=(-0.9, 1), time_major=False),
]
