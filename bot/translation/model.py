"""A loaded translation model: CTranslate2 for the weights, SentencePiece for the pieces. Only the child imports this."""

import hashlib
from collections.abc import Iterator
from importlib.metadata import version

import ctranslate2
import sentencepiece

from bot.translation.folder import WEIGHTS, ModelFolder
from bot.translation.sentences import clip, halves, is_foreign, plain, sentences

# Pieces that are given to a model at once: it was trained on sentences, and knows 512 places.
MOST_PIECES = 200
# Sentences that are translated together.
BATCH = 16
# Pieces that a sentence may become, for each of its own, and beside: what goes on for longer repeats itself.
_RESULT_FACTOR, _RESULT_FLOOR = 2, 16
_END = "</s>"
_BLANK = "▁"
_FINGERPRINT_DIGITS = 12


class Model:
    """Weights and pieces in memory."""

    def __init__(self, folder: ModelFolder, *, compute_type: str, beam_size: int, threads: int) -> None:
        """Load the model. Raises RuntimeError or ValueError when it is none, or its parts do not belong together."""
        self._translator = ctranslate2.Translator(
            str(folder.weights), device="cpu", compute_type=compute_type, inter_threads=1, intra_threads=threads
        )
        self._source = sentencepiece.SentencePieceProcessor(model_file=str(folder.source))
        self._target = sentencepiece.SentencePieceProcessor(model_file=str(folder.target))
        self._end_mark = [_END] if folder.end_mark else []
        self._beam_size = beam_size
        # The first digits of the SHA-256 of the weights: a name can be given to other weights, this cannot.
        with (folder.weights / WEIGHTS).open("rb") as file:
            digits = hashlib.file_digest(file, "sha256").hexdigest()[:_FINGERPRINT_DIGITS]
        self.name = f"{folder.name} {digits}"
        self.parameters = {
            "compute_type": str(self._translator.compute_type),
            "beam_size": str(beam_size),
            "ctranslate2": version("ctranslate2"),
            "sentencepiece": version("sentencepiece"),
        }

    def warm_up(self) -> None:
        """Have the weights touched, and whatever is wrong with them show, before the first text comes."""
        self.translate("Да.")

    def translate(self, text: str) -> tuple[str, bool]:
        """The text in English, line by line; and whether that is its beginning only (see `clip`)."""
        text, cut = clip(text)
        lines = [[part for whole in sentences(line) for part in self._fitting(whole)] for line in text.split("\n")]
        asked = dict.fromkeys(part for line in lines for part in line if is_foreign(part))
        english = dict(zip(asked, self._translate_all(list(asked)), strict=True))
        return "\n".join(" ".join(english.get(part, part) for part in line) for line in lines), cut

    def pieces(self, sentence: str) -> list[str]:
        """What the model reads."""
        found: list[str] = self._source.encode(plain(sentence), out_type=str)
        return found + self._end_mark

    def _fitting(self, sentence: str) -> Iterator[str]:
        """The sentence in parts that the model takes."""
        if len(sentence) < 2 or not is_foreign(sentence) or len(self.pieces(sentence)) <= MOST_PIECES:
            yield sentence
            return
        for half in halves(sentence):
            yield from self._fitting(half)

    def _translate_all(self, asked: list[str]) -> list[str]:
        """The sentences in English, those of like length together."""
        pieces = [self.pieces(sentence) for sentence in asked]
        order = sorted(range(len(asked)), key=lambda place: len(pieces[place]))
        english = [""] * len(asked)
        for start in range(0, len(order), BATCH):
            some = order[start : start + BATCH]
            results = self._translator.translate_batch(
                [pieces[place] for place in some],
                beam_size=self._beam_size,
                max_decoding_length=most_result(len(pieces[some[-1]])),
                # A name that the model cannot write stays as it is written.
                replace_unknowns=True,
            )
            for place, result in zip(some, results, strict=True):
                english[place] = self._written(result.hypotheses[0])
        return english

    def _written(self, pieces: list[str]) -> str:
        # Pieces of the source that stay as they are keep their sign for a blank when they are decoded.
        return " ".join(str(self._target.decode(pieces)).replace(_BLANK, " ").split())


def most_result(pieces: int) -> int:
    """How many pieces a sentence of so many may become."""
    return _RESULT_FACTOR * pieces + _RESULT_FLOOR
