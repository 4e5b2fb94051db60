"""What a compilation writes down beside the kmodel, for someone to read: the network after each pass, and the plan."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from .files import make_folder, write_file


@dataclass
class IrDumper:
    """Writes the IR into numbered files of a folder, after each pass that changed something."""

    folder: Path
    count: int = 0
    parts: dict[str, "IrDumper"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        make_folder(self.folder)

    def inside(self, sizes: Mapping[str, int]) -> "IrDumper":
        """What writes into a folder inside, called by the sizes of a bucket; this one, if there are none."""
        if not sizes:
            return self
        return self.part(re.sub(r"[^\w.=-]", "_", ",".join(f"{symbol}={size}" for symbol, size in sizes.items())))

    def part(self, name: str) -> "IrDumper":
        """What writes into a folder of this name inside."""
        if name not in self.parts:
            self.parts[name] = IrDumper(self.folder / name)
        return self.parts[name]

    def write(self, name: str, module: Any) -> None:
        """Write one file; large constants are elided."""
        self.write_text(name, module.operation.get_asm(large_elements_limit=16, enable_debug_info=True) + "\n")

    def write_network(self, module: Any) -> None:
        """Write `network.mlirbc`: a module with all of its constants, which nn-opt reads."""
        stream = BytesIO()
        module.operation.write_bytecode(stream)
        write_file(self.folder / "network.mlirbc", stream.getvalue())

    def write_text(self, name: str, text: str) -> None:
        """Write one file."""
        write_file(self.folder / f"{self.count:03}_{name}.mlir", text)
        self.count += 1

    def after(self, number: int, item: Any, module: Any, changed: bool) -> None:
        """A pipeline's hook."""
        if changed:
            self.write(item.name.split("{")[0].replace("/", "_"), module)

    def write_plan(self, text: str) -> None:
        """Write `memory.txt`: what lies where and when."""
        write_file(self.folder / "memory.txt", text)
