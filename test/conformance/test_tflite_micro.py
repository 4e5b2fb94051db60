"""Networks of microcontrollers, in TensorFlow Lite Micro itself: it takes files that LiteRT refuses as they are.

For LiteRT, tests change the dimension that scales of biases lie along (`quantised_networks.readable`): that this
changes nothing, and that LiteRT's plain kernels compute what microcontrollers do, is shown here.
"""

import numpy as np
import pytest
from networks import find_quantised
from quantised_networks import reference

import kpuc

micro = pytest.importorskip("tflite_micro", reason="there is no tflite-micro for this machine")

NETWORKS = [path for path in find_quantised() if path.stem in ("tflm_person_detect", "tflm_keyword_svdf")]
ARENA = 1 << 21


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_as_microcontrollers(path):
    interpreter = micro.runtime.Interpreter.from_bytes(path.read_bytes(), arena_size=ARENA)
    simulator, expected = kpuc.Simulator(kpuc.compile(path)), reference(path)
    states = simulator.states
    for feed, outputs in zip(expected.feeds, expected.outputs, strict=True):
        for number, array in enumerate(feed):
            interpreter.set_input(array, number)
        interpreter.invoke()
        theirs = interpreter.get_output(0)
        np.testing.assert_array_equal(outputs[0], theirs)
        results = simulator.run(*feed, *states.values())
        states = {name: results.pop(name) for name in states}
        (ours,) = results.values()
        assert np.abs(ours.astype(np.int64) - theirs.astype(np.int64)).max() <= 1
