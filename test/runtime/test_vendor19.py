"""The vendor's old packages are installed once, however many test runs ask for them at the same time."""

import time
from concurrent.futures import ThreadPoolExecutor

import vendor19


def test_only_one_of_many_installs(monkeypatch, tmp_path):
    made = []

    def install(base, folder, version):
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").touch()
        time.sleep(0.1)
        made.append(version)
        (folder / "complete").touch()
        return ""

    monkeypatch.setattr(vendor19, "CACHE", tmp_path)
    monkeypatch.setattr(vendor19, "_base_python", lambda version: "python")
    monkeypatch.setattr(vendor19, "_install", install)
    with ThreadPoolExecutor() as threads:
        found = list(threads.map(vendor19.find_python, ["1.1"] * 4))
    assert made == ["1.1.0.20211203"]
    assert len(set(found)) == 1 and found[0][1] == ""


def test_what_cannot_be_installed_is_a_reason(monkeypatch, tmp_path):
    monkeypatch.setattr(vendor19, "CACHE", tmp_path)
    monkeypatch.setattr(vendor19, "_base_python", lambda version: "false")
    python, reason = vendor19.find_python("1.1")
    assert python is None and "cannot be installed" in reason
