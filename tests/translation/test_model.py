"""The real library with models of the true architecture: what it is asked, and what becomes of its answers."""

import json
import shutil
from pathlib import Path

import ctranslate2
import pytest
import sentencepiece

from bot.translation.folder import check_folder
from bot.translation.model import BATCH, MOST_PIECES, Model, most_result
from bot.translation.sentences import MOST_CHARACTERS
from tests.translation.models import as_argos, random_model, word_for_word

PROSE = (
    "Меня сняли с должности. Я доложил министру обороны о потерях! Артиллерии не хватает; снарядов тоже. "
    "Командный пункт армии под Бердянском разрушен ракетами?"
)


def loaded(folder: Path, language: str = "ru") -> Model:
    """The model in a folder."""
    return Model(check_folder(language, folder), compute_type="default", beam_size=4, threads=1)


def test_a_text_is_translated_sentence_by_sentence(model: Path) -> None:
    """Lines stay lines, and what is not Cyrillic stays what it is; the whole goes through the real model."""
    text = "Попов снят с должности. Удар по штабу.\n\nhttps://t.me/agurulev/1\n  Storm Shadow!\nУдар по штабу."
    assert loaded(model).translate(text) == (
        "Popov dismissed from office. Strike on headquarters.\n\nhttps://t.me/agurulev/1\nStorm Shadow!\nStrike on headquarters.",
        False,
    )


def test_a_word_that_the_model_cannot_write_stays(model: Path) -> None:
    """A name is worth more as it is written than as a sign for unknown."""
    assert loaded(model).translate("Герасимов снят с должности.") == ("Герасимов dismissed from office.", False)


def test_quotation_marks_are_those_that_models_know(model: Path) -> None:
    """The typographic ones never reach it."""
    assert loaded(model).translate("«Да»") == ('"Yes"', False)


@pytest.mark.parametrize("compute_type", ["default", "int8"])
def test_the_same_as_the_library_by_itself(tmp_path: Path, compute_type: str) -> None:
    """On random weights, where every piece counts: what CTranslate2 gives for the same pieces, asked directly."""
    folder = random_model(tmp_path / "random", [PROSE] * 30)
    ours = Model(check_folder("ru", folder), compute_type=compute_type, beam_size=3, threads=1)
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "source.spm"))
    sentences = [
        "Меня сняли с должности.",
        "Я доложил министру обороны о потерях!",
        "Артиллерии не хватает; снарядов тоже.",
    ]
    library = ctranslate2.Translator(str(folder), device="cpu", compute_type=compute_type, intra_threads=1)
    asked = [[*pieces.encode(sentence, out_type=str), "</s>"] for sentence in sentences]
    results = library.translate_batch(
        asked,
        beam_size=3,
        max_decoding_length=most_result(max(map(len, asked))),
        replace_unknowns=True,
    )
    expected = [" ".join(pieces.decode(result.hypotheses[0]).replace("▁", " ").split()) for result in results]
    assert len(set(expected)) == len(expected)
    assert ours.translate(" ".join(sentences)) == (" ".join(expected), False)


def test_many_sentences_come_back_in_their_order(model: Path) -> None:
    """They are translated in groups of like length; each has its own place again, and none goes on without end."""
    lines = ["Удар по штабу.", "Да.", "Попов снят с должности."] * BATCH
    shuffled = [f"{line} {number} Попов" for number, line in enumerate(lines)]
    english, _ = loaded(model).translate("\n".join(shuffled))
    known = {
        "Удар по штабу.": "Strike on headquarters.",
        "Да.": "Yes.",
        "Попов снят с должности.": "Popov dismissed from office.",
    }
    assert english.split("\n") == [f"{known[line]} {number} Popov" for number, line in enumerate(lines)]


def test_a_sentence_that_never_ends_is_cut(tmp_path: Path) -> None:
    """A model that repeats itself is stopped in proportion to what it was given."""
    folder = random_model(tmp_path / "random", [PROSE] * 30)
    endless = Model(check_folder("ru", folder), compute_type="default", beam_size=1, threads=1)
    given = len(endless.pieces("Меня сняли с должности."))
    target = sentencepiece.SentencePieceProcessor(model_file=str(folder / "target.spm"))
    english, _ = endless.translate("Меня сняли с должности.")
    assert 0 < len(target.encode(english)) <= 2 * most_result(given)


def test_a_sentence_that_is_too_long_is_given_in_parts(tmp_path: Path) -> None:
    """No part has more pieces than the model takes, and every word of it comes out, in order."""
    words = {f"слово{number}": f"word{number}" for number in range(220)}
    model = loaded(word_for_word(tmp_path / "long", words))
    text = " ".join(words)
    parts = list(model._fitting(text))
    assert len(parts) > 1
    assert max(len(model.pieces(part)) for part in parts) <= MOST_PIECES
    assert " ".join(parts) == text
    assert model.translate(text) == (" ".join(words.values()), False)
    wall = list(model._fitting("ж" * 3000))
    assert "".join(wall) == "ж" * 3000


def test_an_over_long_text_is_translated_as_far_as_it_is_let_through(model: Path) -> None:
    """Its beginning, and that it is one; the end of the text costs nothing."""
    english, partial = loaded(model).translate("Удар по штабу.\n" * 5000)
    assert partial
    assert english == "\n".join(["Strike on headquarters."] * (MOST_CHARACTERS // 15))


def test_an_argos_package_translates(model: Path, tmp_path: Path) -> None:
    """One piece model for both sides, no mark at the end: what the library gives without it."""
    both = {"Удар": "Удар", "по": "по"}
    opus = word_for_word(tmp_path / "same", both)
    config = json.loads((opus / "config.json").read_text())
    # So that the dictionary model ends its sentences: an Argos model ends them by itself.
    (opus / "config.json").write_text(json.dumps({**config, "add_source_eos": True}))
    package = as_argos(opus, tmp_path / "translate-ru_en", source="ru")
    found = loaded(package)
    assert found.pieces("Удар по") == ["▁Удар", "▁по"]
    assert found.translate("Удар по") == ("Удар по", False)
    assert found.name.startswith("translate-ru_en ")


def test_a_model_is_named_by_its_weights(model: Path, tmp_path: Path) -> None:
    """Other weights in a folder of the same name are another model; the parameters say how it was run."""
    other = tmp_path / model.name
    shutil.copytree(model, other)
    assert loaded(other).name == loaded(model).name
    shutil.rmtree(other)
    word_for_word(other, {"Да.": "Yes.", "Нет.": "No."})
    assert loaded(other).name != loaded(model).name
    assert loaded(model).parameters["beam_size"] == "4"
    assert loaded(model).parameters["compute_type"] == "float32"
