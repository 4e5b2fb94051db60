"""The assembly that `dump_asm` writes is the code in the kmodel, and says what each function is for."""

import platform
import re

import pytest
from llvmlite import binding
from networks import SHIPPED

import kpuc
from kpuc.backends.native.object import target_machine
from kpuc.backends.native.target import SPECS
from kpuc.runtime.kmodel import read_kmodel
from kpuc.runtime.kmodel.native import read_native
from kpuc.runtime.native.elf import read_object
from kpuc.runtime.native.symbols import EXPORTS

CPUS = ("x86-64-v3", "aarch64", "riscv64")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The kmodel for several CPUs, its objects by CPU, and the folder of listings."""
    folder = tmp_path_factory.mktemp("asm")
    kmodel = kpuc.compile(SHIPPED / "fashion_dscnn.onnx", cpu=CPUS, dump_asm=folder)
    objects = read_native(read_kmodel(kmodel.data).modules[0]).objects
    return kmodel, {one.cpu: read_object(one.code) for one in objects}, folder


def lines_before(text, function):
    """The comment right before a function."""
    found = re.search(rf"((?:^(?:#|//) .*\n)*)^\t\.type\t{function},[@%]function$", text, re.MULTILINE)
    return found[1].splitlines()


def assembled(text, spec):
    """The object that LLVM's own assembler makes of a listing."""
    binding.initialize_native_asmparser()
    lines = ("".join(c if c.isprintable() and c not in '"\\' else f"\\{ord(c):02X}" for c in line) for line in text)
    module = "\n".join([f'target triple = "{spec.triple}"', *(f'module asm "{line}"' for line in lines)])
    return read_object(bytes(target_machine(spec).emit_object(binding.parse_assembly(module))))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="llvmlite has an assembler for its own machine only")
def test_the_listing_is_the_code(made):
    _, objects, folder = made
    again = assembled((folder / "native_x86-64-v3.s").read_text().splitlines(), SPECS["x86-64-v3"])
    assert again.code == objects["x86-64-v3"].code
    assert [bytes(part.body) for part in again.parts] == [bytes(part.body) for part in objects["x86-64-v3"].parts]


@pytest.mark.parametrize("cpu", CPUS)
def test_each_function_has_its_size_and_what_it_computes(made, cpu):
    _, objects, folder = made
    text = (folder / f"native_{cpu}.s").read_text()
    functions = objects[cpu].code
    assert set(EXPORTS) < {one.name for one in functions}
    assert len(re.findall(r",[@%]function$", text, re.MULTILINE)) == len(functions)
    for one in functions:
        comment = lines_before(text, one.name)
        assert comment[0].split()[1:] == [f"{one.name}:", str(one.size), "bytes"]
        assert (len(comment) > 1) == (not one.name.startswith("kpuc_"))  # those compute nothing
    about = {one.name: lines_before(text, one.name)[-1] for one in functions}
    (line,) = (about[name] for name in about if name.startswith("pooling") and about[name].endswith("/10/MaxPool"))
    assert re.search(r" step_\d+: nn.max_pool at fashion_dscnn.onnx: /10/MaxPool$", line)


def test_a_kmodel_says_its_functions(made):
    kmodel, objects, folder = made
    text = (folder / "kmodel.asm").read_text()
    assert text == kmodel.disassembled()
    for one in objects["aarch64"].code:
        assert f"- name: {one.name}, bytes: {one.size}\n" in text


def test_a_function_that_is_longer_than_its_section_is_refused():
    """The sizes that are shown are those of code that is there."""
    code = kpuc.compile(SHIPPED / "fashion_dscnn.onnx", cpu="x86-64-v3")
    (one,) = read_native(read_kmodel(code.data).modules[0]).objects
    data = bytearray(one.code)
    run = next(symbol for symbol in read_object(bytes(data)).code if symbol.name == "kpuc_run")
    at = data.index(run.value.to_bytes(8, "little") + run.size.to_bytes(8, "little"))
    data[at + 8 : at + 16] = (1 << 40).to_bytes(8, "little")
    with pytest.raises(kpuc.KpucError, match="symbol 'kpuc_run' lies outside its section"):
        read_object(bytes(data))
