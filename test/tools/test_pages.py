"""README.md and docs: links lead somewhere, and what readers are told to type works."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from kpuc.tools import nn_opt
from kpuc.tools.cli.main import cli

ROOT = Path(__file__).parent.parent.parent
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md")), ROOT / "test" / "models" / "README.md"]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
TOOLS = ("kpuc ", "nn-opt ", "python examples/")


def ids(path):
    return path.relative_to(ROOT).as_posix()


def anchors(page):
    """The names that headings of a page have on GitHub."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page):
    """The commands in a page's indented blocks, those that end with a backslash joined with what follows."""
    text = re.sub(r"\\\n\s+", "", page.read_text())
    found = re.findall(r"^    (?:\$ )?(.*)$", text, re.MULTILINE)
    return [line for line in found if line.startswith(TOOLS)]


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_lead_somewhere(page):
    for link in LINK.findall(page.read_text()):
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = page if not path else page.parent / path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_can_be_reached_from_the_readme():
    linked = {(README.parent / link.partition("#")[0]).resolve() for link in LINK.findall(README.read_text())}
    assert {page.resolve() for page in (ROOT / "docs").rglob("*.md")} <= linked


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_commands_have_the_options_that_they_are_shown_with(page):
    for line in commands(page):
        if not line.startswith("kpuc "):
            continue
        words = shlex.split(line)
        command = cli.commands[words[1]]
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word.split("=")[0] for word in words if word.startswith("-")} <= known, line


def test_the_readmes_commands_work_one_after_the_other(tmp_path, monkeypatch):
    """In a folder that has the repository's files; Python, too."""
    for name in ("test", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    lines = commands(README)
    assert len(lines) > 10
    for line in lines:
        tool, *words = shlex.split(line)
        if tool == "kpuc":
            done = CliRunner().invoke(cli, words, catch_exceptions=False)
            assert done.exit_code == 0, (line, done.output)
        else:
            assert tool == "nn-opt"
            assert nn_opt.main(words) == 0, line
    block = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    names = {}
    exec(compile(block[1], str(README), "exec"), names)
    assert names["outputs"]["logits"].shape == (1, 10)
