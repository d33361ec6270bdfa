"""What is no translation model is named: the key, the folder, the file, and how to make one."""

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.errors import ModelMissing
from bot.translation.folder import check_folder
from tests.translation.models import as_argos

Break = Callable[[Path], object]


def header(name: str) -> bytes:
    """How weights of that architecture begin."""
    return struct.pack("<IH", 6, len(name) + 1) + name.encode() + b"\0" * 60


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (shutil.rmtree, "there is no such folder: {folder}"),
        (lambda f: (shutil.rmtree(f), f.write_text("x")), "there is no such folder: {folder}"),
        (lambda f: (f / "source.spm").unlink(), "{folder} lacks source.spm"),
        (lambda f: (f / "target.spm").unlink(), "{folder} lacks target.spm"),
        (lambda f: (f / "model.bin").unlink(), "{folder} lacks model.bin"),
        (lambda f: (f / "config.json").unlink(), "{folder} lacks config.json"),
        (
            lambda f: (f / "target_vocabulary.json").unlink(),
            "{folder} lacks shared_vocabulary.json or source_vocabulary.json and target_vocabulary.json",
        ),
        (lambda f: (f / "config.json").write_text("{"), "{folder}/config.json is no JSON file"),
        (lambda f: (f / "config.json").write_text("[]"), "{folder}/config.json: expected a JSON object"),
        (lambda f: (f / "model.bin").write_bytes(b"PK\3\4" * 30), "{folder}/model.bin is no CTranslate2 model"),
        (lambda f: (f / "model.bin").write_bytes(b"ab"), "{folder}/model.bin is no CTranslate2 model"),
        (
            lambda f: (f / "model.bin").write_bytes(header("WhisperSpec")),
            "{folder}/model.bin is a CTranslate2 model of another kind (WhisperSpec): expected a translation model",
        ),
    ],
)
def test_a_folder_that_is_no_model(model: Path, tmp_path: Path, damage: Break, complaint: str) -> None:
    """Each is refused with what is wrong, and with the command that makes a right one."""
    folder = tmp_path / "ru-en"
    shutil.copytree(model, folder)
    damage(folder)
    with pytest.raises(ModelMissing) as refused:
        check_folder("ru", folder)
    text = str(refused.value)
    assert text.startswith(f"translation.models.ru: {complaint.format(folder=folder)}. Expected an OPUS-MT model")
    assert "ct2-transformers-converter --model Helsinki-NLP/opus-mt-ru-en" in text
    assert "\n" not in text


def test_an_argos_package(model: Path, tmp_path: Path) -> None:
    """Its weights are below model/, and one piece model serves both sides, without a mark at the end."""
    found = check_folder("ru", as_argos(model, tmp_path / "translate-ru_en-1_9", source="ru"))
    assert (found.weights.name, found.source, found.end_mark) == ("model", found.target, False)


def test_an_argos_package_of_another_pair(model: Path, tmp_path: Path) -> None:
    """The package says what it is; another language is refused before anybody reads nonsense."""
    folder = as_argos(model, tmp_path / "package", source="uk")
    with pytest.raises(ModelMissing, match="is of a model from uk to en, not from ru to en"):
        check_folder("ru", folder)


def test_an_argos_package_without_its_pieces(model: Path, tmp_path: Path) -> None:
    """Newer packages may have other pieces than SentencePiece's: the file that is missed is named."""
    folder = as_argos(model, tmp_path / "package", source="ru")
    (folder / "sentencepiece.model").unlink()
    with pytest.raises(ModelMissing, match=r"lacks sentencepiece\.model"):
        check_folder("ru", folder)


def test_who_writes_the_end_of_the_sentence(model: Path, tmp_path: Path) -> None:
    """Marian's converter has the library do it; then it must not stand there twice."""
    assert check_folder("ru", model).end_mark
    folder = tmp_path / "marian"
    shutil.copytree(model, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "add_source_eos": True}))
    assert not check_folder("ru", folder).end_mark
