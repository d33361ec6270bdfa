"""A term of a query, whatever its kind."""

from bot.rules.addresses import Sort, locator
from bot.rules.patterns import compile_pattern
from bot.rules.place import Place
from bot.rules.slots import Compiled
from bot.rules.terms.kept import keep, known
from bot.rules.terms.named import EXAMPLES, names_of, person, place_name, unit
from bot.rules.terms.refusals import KINDS, refuse
from bot.rules.terms.written import count_slots, phrase, pieces_of, tokens, word
from bot.rules.tree import Term


def term(text: str, place: Place) -> Term:
    """A term as it stands in a query, whatever its kind. Raises `RuleError`."""
    if (found := known(text)) is None:
        found = _made(text, place)
        keep(text, found)
    return found


def _made(text: str, place: Place) -> Term:
    kind, body, slop = _kind(text)
    match kind:
        case "phrase":
            return phrase(body, place, slop=slop)
        case "regex":
            return compile_pattern(f"/{body}/", body, place)
        case "word":
            return word(body, place)
        case "url" | "mention":
            _filled(kind, body, place)
            return locator(Sort(kind), body, text, place)
    return _typed(kind, body, place)


def check(text: str, place: Place) -> Term:
    """Like `term`, but makes no forms: refuses what `term` refuses, in the same words. Raises `RuleError`."""
    kind, body, slop = _kind(text)
    match kind:
        case "phrase":
            pieces_of(body, text, slop, place)
        case "regex" | "url" | "mention":
            return _made(text, place)
        case "word":
            refuse(body, place)
            count_slots(body, text, place)
        case "unit":
            return _typed(kind, body, place)
        case "person":
            _filled(kind, body, place)
            names_of(body, text, place)
        case _:
            _filled(kind, body, place)
            for name in body.split():
                tokens(name, text, place)
    return Compiled(text, ())


def _kind(text: str) -> tuple[str, str, int]:
    """(kind, what it is about, slop) of a term as it stands in a query."""
    if text.startswith('"'):
        body, _, slop = text.rpartition('"')
        return "phrase", body[1:], int(slop.removeprefix("~") or 0)
    kind, colon, body = text.partition(":")
    if colon and kind in KINDS:
        return kind, body.strip('"'), 0
    if text.startswith("/") and text.endswith("/") and len(text) > 1:
        return "regex", text[1:-1].replace("\\/", "/"), 0
    return "word", text, 0


def _typed(kind: str, body: str, place: Place) -> Compiled:
    text = f'{kind}:"{body}"' if " " in body else f"{kind}:{body}"
    _filled(kind, body, place)
    make = {"person": person, "place": place_name, "unit": unit}[kind]
    return Compiled(text, make(body, text, place))


def _filled(kind: str, body: str, place: Place) -> None:
    if not body.strip():
        raise place.error(f"`{kind}:` needs a name, as {EXAMPLES[kind]}.")
