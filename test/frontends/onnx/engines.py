"""Engines that execute ONNX networks in tests, beside onnxruntime."""

from single_node import run

import kpuc


def compiled(target):
    """The outputs of a kmodel for a target."""

    def outputs(model, feed):
        simulator = kpuc.Simulator(kpuc.compile(model.SerializeToString(), target=target))
        return list(simulator.run(*feed.values()).values())

    return outputs


ENGINES = {"evaluator": run, "cpu": compiled("cpu"), "k230": compiled("k230")}
"""Those that compute with integers, too."""
EVERY_ENGINE = {**ENGINES, "k510": compiled("k510")}
