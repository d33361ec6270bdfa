"""Whisper's own multilingual tokenizer, cut down to the merges that the corpus uses.

`python -m tools.speech_model.tokenizer OPENAI_WHISPER_SDIST OUT.json`: the ranks and the list of languages come from the
source distribution of openai-whisper (`pip download --no-deps --no-binary :all: openai-whisper`), read as data.
"""

import ast
import base64
import json
import re
import sys
import tarfile
from itertools import pairwise
from pathlib import Path

import regex
import tokenizers

from tools.speech_model.corpus import CLAUSES, NOVEL, TRANSLATIONS, capitalise, sentence

# Whisper's way of cutting text before merging (openai/whisper, tokenizer.py).
PIECES = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
LANGUAGES = 99
TIMESTAMPS = 1501
# What faster-whisper suppresses as no speech: kept, so that the suppressed set means the same.
SYMBOLS = [
    *'"#()*+/:;<=>@[\\]^_`{|}~「」『』',
    *["<<", ">>", "<<<", ">>>", "--", "---", "-(", "-[", "('", '("', "((", "))", "(((", ")))", "[[", "]]", "{{", "}}"],
    *["♪♪", "♪♪♪", "-", "'", *"♩♪♫♬♭♮♯,.?!…—«»"],
]
LETTERS = "абвгдеёжзийклмнопрстуфхцчшщъыьэюяabcdefghijklmnopqrstuvwxyz0123456789"


def read_sdist(path: Path) -> tuple[dict[bytes, int], list[str]]:
    """The ranks of all byte pairs, and the language codes in Whisper's order."""
    with tarfile.open(path) as archive:
        names = {re.sub(r"^[^/]+/", "", name): name for name in archive.getnames()}

        def read(name: str) -> str:
            file = archive.extractfile(names[name])
            assert file is not None, name
            return file.read().decode()

        ranks = _parse_ranks(read("whisper/assets/multilingual.tiktoken"))
        languages = re.search(r"LANGUAGES = (\{.*?\n\})", read("whisper/tokenizer.py"), re.DOTALL)
    assert languages is not None
    return ranks, list(ast.literal_eval(languages.group(1)))[:LANGUAGES]


def _parse_ranks(text: str) -> dict[bytes, int]:
    rows = [line.split() for line in text.splitlines() if line]
    # One row has an empty token, written as `=` or as nothing.
    return {base64.b64decode("" if row[0] == "=" or len(row) == 1 else row[0]): int(row[-1]) for row in rows}


def merge(
    ranks: dict[bytes, int], token: bytes, *, below: int | None = None, seen: set[bytes] | None = None
) -> list[bytes]:
    """Byte-pair encoding of `token` by merges of a rank lower than `below`; every merge is added to `seen`."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 1:
        rank, place = min(
            (ranks.get(left + right, sys.maxsize), place) for place, (left, right) in enumerate(pairwise(parts))
        )
        if rank >= (sys.maxsize if below is None else below):
            break
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
        if seen is not None:
            seen.add(parts[place])
    return parts


def corpus_texts() -> list[str]:
    """Every way in which the corpus can be written."""
    clauses = [*CLAUSES["ru"], *CLAUSES["en"], *TRANSLATIONS.values()]
    texts = [text for clause in clauses for text in (*_sentences(clause), f"{clause},", f"{clause}.", clause)] + NOVEL
    words = set(re.findall(r"\w+", " ".join(texts)))
    texts += [form for word in words for form in (word, capitalise(word))]
    return [form for text in texts for form in (text, f" {text}")]


def _sentences(clause: str) -> list[str]:
    return [sentence([clause], language) for language in ("ru", "en")]


def used_tokens(ranks: dict[bytes, int]) -> list[bytes]:
    """All single bytes, and every token that arises in writing the corpus, symbols or letters; in order of rank."""
    real = {token: rank for token, rank in ranks.items() if token}
    forms = [form for symbol in SYMBOLS for form in (symbol, f" {symbol}")]
    forms += [form for letter in LETTERS for case in (letter, letter.upper()) for form in (case, f" {case}")]
    used: set[bytes] = set()
    for text in (*corpus_texts(), *forms):
        for piece in PIECES.findall(text):
            merge(real, piece.encode(), seen=used)
    return [token for token in sorted(ranks, key=ranks.__getitem__) if token in used or len(token) <= 1]


def special_tokens(languages: list[str]) -> list[str]:
    """Whisper's own, in its order, time stamps excepted."""
    return [
        "<|endoftext|>",
        "<|startoftranscript|>",
        *(f"<|{language}|>" for language in languages),
        *("<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"),
    ]


def tokenizer_json(tokens: list[bytes], ranks: dict[bytes, int], languages: list[str]) -> dict[str, object]:
    """tokenizer.json as the tokenizers library reads it."""
    spell = _byte_letters()

    def letters(token: bytes) -> str:
        return "".join(spell[byte] for byte in token)

    splits = [merge(ranks, token, below=ranks[token]) for token in tokens if len(token) > 1]
    special = special_tokens(languages)
    stamps = [f"<|{index * 0.02:.2f}|>" for index in range(TIMESTAMPS)]
    added = [
        {"id": len(tokens) + index, "content": content, "single_word": False, "lstrip": False, "rstrip": False}
        | {"normalized": False, "special": index < len(special)}
        for index, content in enumerate(special + stamps)
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {letters(token): index for index, token in enumerate(tokens)},
            "merges": [[letters(part) for part in split] for split in splits if len(split) == 2],
        },
    }


def _byte_letters() -> dict[int, str]:
    """GPT-2's printable stand-in for each byte."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + index) for index, byte in enumerate(others)}


def main(sdist: str, out: str) -> None:
    """Write the cut tokenizer and check that it writes the corpus as the whole one would."""
    ranks, languages = read_sdist(Path(sdist))
    tokens = used_tokens(ranks)
    Path(out).write_text(json.dumps(tokenizer_json(tokens, ranks, languages), ensure_ascii=False))
    small = tokenizers.Tokenizer.from_file(out)
    whole = tokenizers.Tokenizer.from_str(
        json.dumps(tokenizer_json(sorted(ranks, key=ranks.__getitem__), ranks, languages))
    )
    for text in corpus_texts():
        assert small.encode(text).tokens == whole.encode(text).tokens, text
    print(f"{out}: {len(tokens)} text tokens of {len(ranks)}, {small.get_vocab_size()} in all")


if __name__ == "__main__":
    main(*sys.argv[1:])
