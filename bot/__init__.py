"""Earshot: a listening post for Telegram."""

from pathlib import Path

__version__ = "0.1.0"

_HERE = Path(__file__).resolve().parent

# The example configuration: a wheel carries it inside the package, a checkout beside it.
EXAMPLE = _HERE / "example" if (_HERE / "example").is_dir() else _HERE.parent / "config"
