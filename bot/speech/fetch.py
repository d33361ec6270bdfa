"""The loader's process: `python -m bot.speech.fetch MODEL FOLDER`; why it failed is the last line of its errors."""

import sys

from faster_whisper.utils import download_model


def main(model: str, folder: str) -> int:
    """Fetch `model` into Hugging Face's cache layout below `folder`; 0 when it is there."""
    try:
        download_model(model, cache_dir=folder)
    except Exception as error:  # noqa: BLE001 - network, disk, proxy, server: each has its own tree
        first_line = str(error).strip().splitlines()[0:1]
        sys.stderr.write(f"{type(error).__name__}: {' '.join(first_line)}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
