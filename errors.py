"""Every error that a user of kpuc can see.

One family: a `KpucError` carries a stable code, the place (model file and node, or file and offset), the cause with
its actual values, and the remedy. The command line prints it and exits; nothing else ever reaches the user.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

CODES: dict[str, str] = {
    # K01xx: model files and frontends
    "K0100": "a model file cannot be read",
    "K0101": "a file is not an ONNX model",
    "K0102": "external weights cannot be loaded",
    "K0103": "a graph is inconsistent",
    "K0104": "the operands of a node do not fit together",
    "K0105": "--shape or --dim does not fit the model",
    "K0106": "a model has no value of the name that an output shall have",
    "K0110": "operators of a model are not supported",
    "K0111": "a tensor of a model is of a type that is not supported",
    "K0112": "a model uses an opset that is not supported",
    "K0113": "an input of a model is of a kind that is not supported",
    "K0140": "a file is not TFLite, or damaged",
    "K0141": "a TFLite graph is inconsistent",
    "K0142": "the quantisation parameters of a TFLite tensor are malformed",
    "K0150": "operators of a TFLite model are not supported",
    "K0151": "a tensor of a TFLite model is of a type that is not supported",
    # K02xx: operations and shapes
    "K0201": "the operands of an operation do not fit together",
    # K03xx: passes and pipelines
    "K0300": "the MLIR bindings cannot be imported",
    "K0301": "an operation that is still used cannot be erased",
    "K0302": "patterns undo each other without end",
    "K0303": "a pipeline text is malformed",
    "K0304": "an upstream pass failed",
    "K0305": "a pass left invalid IR",
    "K0306": "the input of nn-opt is not a module",
    "K0307": "a pass needs what another one does first",
    # K04xx: kmodel containers and stackvm code
    "K0401": "a kmodel ends before a field",
    "K0402": "a field of a kmodel has a value that does not fit the file",
    "K0403": "a file is not a kmodel of a version that kpuc reads",
    "K0404": "a type signature of a kmodel is malformed",
    "K0405": "a kmodel lacks a section",
    "K0406": "the code of a kmodel cannot be decoded",
    "K0407": "the code of a kmodel cannot be assembled",
    "K0408": "a kmodel cannot be written",
    "K0409": "the cost of a kmodel cannot be predicted",
    "K0410": "an object file in a kmodel is damaged, or not of the kind that can be loaded",
    "K0411": "machine code of a kmodel, or what it works with, was changed",
    # K05xx: running
    "K0501": "a module has no entry function",
    "K0502": "an input is not what the network declares",
    "K0503": "an operation cannot be evaluated",
    "K0504": "the code of a kmodel did something the machine cannot do",
    "K0505": "a kmodel used up its budget of instructions, calls or memory",
    "K0506": "an output was asked for that does not exist or has not been computed",
    "K0507": "a module is of a kind that kpuc cannot execute",
    "K0508": "a kmodel has machine code, but is not trusted",
    "K0509": "machine code is for other CPUs than that of this machine",
    "K0510": "the system does not let machine code be loaded, or lacks a function that it needs",
    # K06xx: targets and code generation
    "K0602": "a target cannot compute some operations",
    "K0603": "a target needs static shapes",
    "K0604": "machine code cannot be generated",
    "K0605": "the shapes of a network do not follow from those of its inputs",
    "K0606": "padding of inputs cannot be cut from the outputs",
    "K0610": "buffers do not fit in the memory there is",
    # K07xx: options, command line
    "K0701": "there is no such target",
    "K0703": "a kmodel version cannot be written for a target",
    "K0704": "a runtime does not read a kmodel version",
    "K0705": "a file or folder cannot be read or written",
    "K0706": "an input file does not fit the network",
    "K0710": "calibration data cannot be read",
    "K0711": "calibration data is not for the inputs of the network",
    "K0712": "a calibration sample has the wrong type or shape",
    "K0713": "calibration data is not finite, or the same everywhere",
    "K0714": "calibration data holds no sample, or not as many for each input",
    "K0715": "images need an optional package",
    "K0716": "preprocessing does not fit the network, or contradicts itself",
    "K0717": "a file of ranges cannot be read",
    "K0718": "ranges were measured on another network",
    "K0719": "there is no such calibration method",
    "K0720": "a target is not quantised as asked",
    "K0721": "options of a calibration contradict each other",
    "K0722": "a form of file does not go with the other options",
    "K0723": "a range of sizes cannot be had",
    # K073x: nncase's API
    "K0730": "nncase has no such name",
    "K0731": "an option of nncase has a value that cannot be had",
    "K0732": "a method of nncase is called too early, or with what it does not take",
}
"""What each code is about, in a few words: the index of docs/errors.md."""


class KpucError(Exception):
    """Something the user can act on: `code`, `where` (may be empty), `cause`, `remedy` (may be empty)."""

    def __init__(self, code: str, *, cause: str, where: str = "", remedy: str = "") -> None:
        super().__init__(code, cause, where, remedy)
        self.code = code
        self.cause = cause
        self.where = where
        self.remedy = remedy

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors go from process to process."""
        return partial(type(self), cause=self.cause, where=self.where, remedy=self.remedy), (self.code,)

    def __str__(self) -> str:
        place = f" {self.where}:" if self.where else ""
        remedy = f"\n  help  {self.remedy}" if self.remedy else ""
        return f"error[{self.code}]{place} {self.cause}{remedy}"

    def as_json(self) -> dict[str, Any]:
        """The error as plain data, for `--json`."""
        return {"code": self.code, "where": self.where, "cause": self.cause, "remedy": self.remedy}


MOST_LISTED = 12
"""Lines of problems in an error."""


def listed(problems: Iterable[tuple[str, str, str]]) -> str:
    """Lines below a cause: what has a problem, the node, and the reason; many nodes with the same one share a line."""
    nodes: dict[tuple[str, str], list[str]] = {}
    for what, node, reason in problems:
        nodes.setdefault((what, reason), []).append(node)
    lines = []
    for (what, reason), found in nodes.items():
        shared = [f"{found[0]} and {len(found) - 1} other nodes"] if len(found) > 2 else found
        lines += [f"\n  {what} at {where}: {reason}" for where in shared]
    rest = len(lines) - MOST_LISTED
    return "".join(lines[:MOST_LISTED]) + (f"\n  and {rest} other problems" if rest > 0 else "")


class ModelError(KpucError):
    """The network's file cannot be read, is inconsistent, or is not of a supported format."""


class UnsupportedError(KpucError):
    """The input is valid, but kpuc (or the chosen target) cannot do what it asks."""


class ShapeError(KpucError):
    """Shapes or element types do not fit together."""


class PassError(KpucError):
    """A pass pipeline is malformed, or one of its passes failed."""


class KmodelError(KpucError):
    """A kmodel is malformed; `where` names the byte offset and the field."""


class ExecutionError(KpucError):
    """A kmodel could not be executed with the inputs it was given."""


class CapacityError(KpucError):
    """What a network needs while it runs does not fit in the memory of its target."""


class OptionError(KpucError):
    """An option, on the command line or in Python, does not have a permitted value."""


class UnknownNameError(OptionError, AttributeError):
    """There is no option of that name."""


MOST_NAMES = 40
"""How many valid names are listed."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """A sentence for the remedy of an error: the nearest of the valid names, or all of them, if they are few."""
    from difflib import get_close_matches

    names = sorted(valid)
    lower = {one.lower(): one for one in names}
    found = get_close_matches(name.lower(), lower, n=1)
    if found:
        return f"did you mean '{lower[found[0]]}'?"
    return f"there are: {', '.join(names[:MOST_NAMES])}{' ...' if len(names) > MOST_NAMES else ''}"
