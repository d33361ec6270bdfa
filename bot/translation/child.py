"""The translation process: `python -m bot.translation.child`, requests on standard input, answers on standard output.

First a request with the settings, answered by `ready` or `failed`; then texts, one after the other, each answered by
`english`. It ends with its input, with its parent, or with the first error.
"""

from pathlib import Path
from typing import BinaryIO

from bot.confined.child import run_child
from bot.confined.frames import Frame, pack, read_frame
from bot.confined.limits import allow_cpu, confine
from bot.errors import ModelMissing
from bot.translation.folder import check_folder
from bot.translation.model import Model


def serve(requests: BinaryIO, answers: BinaryIO, settings: Frame) -> None:
    """Load the models, then work until the requests end."""
    confine(settings["memory_bytes"], on_gpu=False)
    models, failed = _load(settings)
    if failed:
        _answer(answers, {"failed": failed})
        return
    _answer(answers, {"ready": {language: model.name for language, model in models.items()}})
    while (asked := read_frame(requests)) is not None:
        allow_cpu(asked["seconds"] * (settings["threads"] + 1))
        model = models[asked["language"]]
        english, partial = model.translate(asked["text"])
        _answer(answers, {"english": english, "partial": partial, "model": model.name, "parameters": model.parameters})


def _load(settings: Frame) -> tuple[dict[str, Model], str]:
    """The models by language, and what is wrong with the first that cannot be had; empty: nothing is."""
    models: dict[str, Model] = {}
    for language, folder in settings["models"].items():
        where = f"translation.models.{language}: the model in {folder} cannot be loaded"
        try:
            parts = check_folder(language, Path(folder))
            models[language] = Model(
                parts,
                compute_type=settings["compute_type"],
                beam_size=settings["beam_size"],
                threads=settings["threads"],
            )
            models[language].warm_up()
        except ModelMissing as error:
            return models, str(error)
        except MemoryError:
            return models, f"{where}: it needs more than translation.memory_megabytes allows"
        except (RuntimeError, ValueError, OSError) as error:
            return models, f"{where}: {error}"
    return models, ""


def _answer(answers: BinaryIO, frame: Frame) -> None:
    answers.write(pack(frame))
    answers.flush()


if __name__ == "__main__":
    run_child(serve)
