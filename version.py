"""Which kpuc this is."""

from importlib.metadata import version

VERSION = version("kpuc")
PRODUCER = f"kpuc {VERSION}"
"""What a kmodel says about who made it."""
