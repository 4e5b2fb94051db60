"""Photos as a network's input. Pillow reads them: the optional package set `images`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import OptionError
from ..runtime import TensorInfo

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp"})
"""What counts as an image, in lower case."""


def is_image(path: Path) -> bool:
    """Whether a file is an image, by its suffix."""
    return path.suffix.lower() in SUFFIXES


def read_image(path: Path, info: TensorInfo) -> Any:
    """An image as a batch of one, scaled to the input's size, in the input's layout.

    Floats are in 0..1, integers in 0..255; an input of one channel gets luminance, one of three red, green, blue.
    Raises `OptionError` K0706 when the file is not an image or the input not one for images, K0715 without Pillow.
    """
    height, width, channels, first = _extent(path, info)
    pixels = np.asarray(_scaled(path, height, width, channels)).reshape(1, height, width, channels)
    if first:
        pixels = pixels.transpose(0, 3, 1, 2)
    return (pixels / 255).astype(info.dtype) if info.dtype.kind == "f" else pixels.astype(info.dtype)


def _extent(path: Path, info: TensorInfo) -> tuple[int, int, int, bool]:
    """Height, width, channels of an image for the input, and whether its channels come first."""
    shape = info.shape or ()
    if info.dtype == np.int8:
        raise OptionError("K0706", where=str(path), cause=f"an image, 0 to 255, does not fit {info}")
    if len(shape) == 4 and -1 not in shape[1:]:
        for first, (height, width, channels) in ((True, (*shape[2:], shape[1])), (False, shape[1:])):
            if channels in (1, 3) and shape[0] in (1, -1):
                return height, width, channels, first
    raise OptionError(
        "K0706", where=str(path), cause=f"an image does not fit {info}: that is not one image of 1 or 3 channels"
    )


def _scaled(path: Path, height: int, width: int, channels: int) -> "Image":
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise OptionError(
            "K0715",
            where=str(path),
            cause="reading images needs the package Pillow",
            remedy="install it with: pip install 'kpuc[images]'",
        ) from error
    try:
        with Image.open(path) as file:
            image = file.convert("L" if channels == 1 else "RGB")
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, OSError) and error.strerror:
            raise OptionError("K0706", where=str(path), cause=f"cannot be read: {error.strerror}") from error
        raise OptionError("K0706", where=str(path), cause=f"is not an image: {error}") from error
    return image.resize((width, height), Image.Resampling.BILINEAR)
