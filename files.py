"""Writing files: all of one, or nothing; folders for them; and reading JSON."""

import json
from pathlib import Path
from typing import Any

from .errors import OptionError


def write_file(path: str | Path, content: bytes | str) -> None:
    """Write a file, which keeps what it held until all of the new content is there.

    Raises `OptionError` K0705 when the place cannot be written to.
    """
    data = content.encode() if isinstance(content, str) else content
    target = Path(path)
    try:
        if target.exists() and not target.is_file():  # a device such as /dev/null must not be replaced
            target.write_bytes(data)
            return
        part = target.with_name(target.name + ".part")
        try:
            part.write_bytes(data)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise OptionError("K0705", where=str(path), cause=f"cannot be written: {error.strerror}") from error
    except ValueError as error:  # "." has no name
        raise OptionError("K0705", where=str(path), cause="cannot be written: it is not a file's name") from error


def make_folder(path: str | Path) -> Path:
    """The folder, which is made if there is none. Raises `OptionError` K0705."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError("K0705", where=str(path), cause=f"cannot be created: {error.strerror}") from error
    return folder


def read_json(path: str | Path, code: str, encoding: str = "utf-8") -> Any:
    """The content of a JSON file. Raises `OptionError` with this code when it cannot be read."""
    try:
        return json.loads(Path(path).read_text(encoding=encoding))
    except OSError as error:
        raise OptionError(code, where=str(path), cause=f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise OptionError(code, where=str(path), cause=f"is not JSON: {error}") from error
