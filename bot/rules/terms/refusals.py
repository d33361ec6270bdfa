"""What is no word of a query, said with what to write instead."""

import re

from bot.rules.place import Place

KINDS = ("person", "place", "unit", "url", "mention")

_FIELD = re.compile(r"([A-Za-zА-Яа-яЁё_]+):")


def no_word(text: str, stem: str) -> str:
    """Why a term without letters and digits is refused."""
    if stem.startswith("@") or "://" in stem:
        return f"{text} is a mention or an address, which is no word; write url:example.org or mention:name."
    return f"{text or 'the term'} has no letter or digit; write a word, a phrase in quotes, or a /regex/ for signs."


def refuse(text: str, place: Place) -> None:
    """Raises `RuleError` for what looks like the syntax of another tool."""
    if field := _FIELD.match(text):
        kind = field.group(1)
        known = ", ".join(f"{name}:" for name in KINDS)
        instead = (
            "write url:" if kind.lower() in ("http", "https") else "to look for the words themselves put them in quotes"
        )
        raise place.error(f"`{kind}:` is no kind of term ({known} are); {instead}.")
    if text.startswith("#"):
        raise place.error(
            f"write {text[1:] or 'the word'} without `#`: a word also finds the hashtag. For the hashtag alone: /{text}\\b/."
        )
    if text.startswith(("+", "-")):
        raise place.error(f"`{text[0]}` before a word is not used here; write AND or NOT (in {text}).")
    if "*" in text.removesuffix("*"):
        raise place.error(f"in {text}, a `*` may stand only at the end of a word: прилет*.")
    if text in ("|", "||", "&", "&&"):
        raise place.error(f"`{text}` is not used here; write {'OR' if '|' in text else 'AND'}.")
    if "?" in text:
        raise place.error(f"`?` in {text} is not used here; end a word with `*`, or write a /regex/.")
    if any(quote in text for quote in "“”„«»"):
        raise place.error(f'{text} has curly quotes; a phrase stands in straight ones: "Storm Shadow".')
