"""The code that docs/add-an-op.md shows is the repository's."""

import re
from pathlib import Path

import pytest

from kpuc.passes.nn import decompose
from kpuc.tools import add_an_op_page

PACKAGE = Path(add_an_op_page.__file__).resolve().parent.parent
BLOCK = re.compile(r"`([^`]+)`\n\n```(?:python|text)\n(.*?)\n```", re.DOTALL)


def test_every_block_is_in_its_file():
    blocks = BLOCK.findall(add_an_op_page.add_an_op_page())
    assert len(blocks) >= 6
    for path, code in blocks:
        text = (PACKAGE / path).read_text()
        assert code in text or all(line in text.split("\n") for line in code.split("\n"))


def test_a_line_that_is_gone_is_noticed():
    with pytest.raises(LookupError, match=r"decompose.py has the line 'nowhere,' 0 times"):
        add_an_op_page._lines(decompose, "    nowhere,")


def test_an_example_that_is_gone_is_noticed(monkeypatch):
    monkeypatch.setattr(add_an_op_page, "MACHINES", (("version 8", "@emits(nn.Pad)", "passes/registry.py"),))
    with pytest.raises(LookupError, match="has no @emits"):
        add_an_op_page.add_an_op_page()
