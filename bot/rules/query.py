"""Query strings, conditions and lists of terms become trees.

query      взрыв OR "Storm Shadow" OR (Бердянск NEAR/8 $strike) NOT погода
condition  who and unit and not ad      2 of them      1 of (a, b)
"""

import re
from collections.abc import Callable, Mapping

from bot.rules import terms
from bot.rules.grammar import Grammar, Piece
from bot.rules.place import Place, suggest
from bot.rules.tree import AtLeast, Leaf, Term, Tree

MAX_QUERY = 20_000

# A `$list` resolved where it is used.
Lists = Callable[[str, Place], Tree]
# A term as written, compiled.
Make = Callable[[str, Place], Term]

_PIECE = re.compile(
    r"""\s*(?:
        (?P<bracket>[()])
      | (?P<typed>(?:person|place|unit):(?:"[^"]*"|[^\s()"]+))
      | (?P<located>(?:url|mention):(?:"[^"]*"|/(?:[^/\\]|\\.)*/|[^\s()"]+))
      | (?P<phrase>"[^"]*"(?:~\d{1,3})?)
      | (?P<regex>/(?:[^/\\]|\\.)*/)
      | (?P<list>\$[\w-]*)
      | (?P<word>[^\s()"]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_NEAR = re.compile(r"NEAR(?:/(\d{1,6}))?")
_PLAIN_WORDS = re.compile(r"[^\"()$/=:~]+")
_OPERATOR = re.compile(r"\b(?:AND|OR|NOT|NEAR)\b")
_CONDITION = re.compile(
    r"\s*(?:(?P<of>(?:\d+|any|all)\s+of\s+(?:them\b|\([^()]*\)))|(?P<bracket>[()])|(?P<name>[^\s()]+))"
)
SELECTION_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def parse_query(text: str, lists: Lists, place: Place, make: Make = terms.term) -> Tree:
    """The tree of a query string. Raises `RuleError`."""
    if len(text) > MAX_QUERY:
        raise place.error(f"a query has at most {MAX_QUERY} characters; move parts into `terms` and write $name.")
    return Grammar(_query_pieces(text, place), lambda piece: _operand(piece, lists, place, make), place).parse()


def parse_choice(text: str, lists: Lists, place: Place, make: Make = terms.term) -> Tree:
    """An item of a list: several plain words are a phrase, anything else is a query string."""
    return parse_query(as_choice(text), lists, place, make)


def as_choice(text: str) -> str:
    """An item of a list as a query string: several plain words are a phrase."""
    if _PLAIN_WORDS.fullmatch(text) and not _OPERATOR.search(text) and len(text.split()) > 1:
        return f'"{" ".join(text.split())}"'
    return text


def _query_pieces(text: str, place: Place) -> list[Piece]:
    pieces: list[Piece] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        found = _PIECE.match(text, position)
        if found is None:
            raise place.error(f"a double quote is not closed: `{text[position:].strip()[:40]}`.")
        pieces.append(_query_piece(found, place))
        position = found.end()
    return pieces


def _query_piece(found: re.Match[str], place: Place) -> Piece:
    text = found.group().strip()
    if text in ("(", ")"):
        return Piece("(" if text == "(" else ")", text)
    if found["word"] is None:
        return Piece("operand", text)
    if text in ("AND", "OR", "NOT"):
        return Piece("and" if text == "AND" else "or" if text == "OR" else "not", text)
    if near := _NEAR.fullmatch(text):
        if near[1] is None:
            raise place.error("NEAR needs the number of words that may stand between: NEAR/5.")
        return Piece("near", text, int(near[1]))
    if text.startswith("/"):
        raise place.error(f"the regular expression {text[:40]} is not closed; end it with `/` (inside it write \\/).")
    if text.startswith("~"):
        raise place.error(f"`{text}` stands alone; write it right behind a word (~1) or a phrase (~2).")
    return Piece("operand", text)


def _operand(piece: Piece, lists: Lists, place: Place, make: Make) -> Tree:
    return lists(piece.text[1:], place) if piece.text.startswith("$") else Leaf(make(piece.text, place))


def parse_condition(text: str, selections: Mapping[str, Tree], place: Place) -> Tree:
    """The tree of a condition over named selections. Raises `RuleError`, also for a selection that is never used."""
    pieces = [_condition_piece(found) for found in _CONDITION.finditer(text)]
    named = {piece.text for piece in pieces if piece.kind == "operand"}
    named |= {name for piece in pieces if "(" in piece.text for name in SELECTION_NAME.findall(piece.text)}
    counted = any(re.search(r"\bthem$", piece.text) for piece in pieces)
    if not counted and (unused := [name for name in selections if name not in named]):
        raise place.error(f"the selection `{unused[0]}` is not used in the condition; use it or remove it.")
    # `2 of them and not ad`: what the condition names by itself is not one of them.
    them = [name for name in selections if name not in named]

    def operand(piece: Piece) -> Tree:
        if " of " in f" {' '.join(piece.text.split())} ":
            return _counted(piece.text, them, selections, place)
        if piece.text not in selections:
            raise place.error(
                f"the condition names `{piece.text}`, which `select` does not have.{suggest(piece.text, selections)}"
            )
        return selections[piece.text]

    return Grammar(pieces, operand, place).parse()


def _condition_piece(found: re.Match[str]) -> Piece:
    text = found.group().strip()
    if text in ("(", ")"):
        return Piece("(" if text == "(" else ")", text)
    match text.lower():
        case "and":
            return Piece("and", text)
        case "or":
            return Piece("or", text)
        case "not":
            return Piece("not", text)
    return Piece("operand", text)


def _counted(text: str, them: list[str], selections: Mapping[str, Tree], place: Place) -> Tree:
    quantity, _, group = " ".join(text.split()).partition(" of ")
    names = them if group == "them" else [name.strip() for name in group.strip("()").split(",") if name.strip()]
    for name in names:
        if name not in selections:
            raise place.error(f"`{text}` names `{name}`, which `select` does not have.{suggest(name, selections)}")
    count = {"any": 1, "all": len(names)}.get(quantity) or int(quantity if quantity.isdigit() else 0)
    if not 1 <= count <= len(names):
        raise place.error(f"`{text}` cannot be counted: there are {len(names)} selections to choose from.")
    children = tuple(selections[name] for name in names)
    return children[0] if len(children) == 1 else AtLeast(count, children)
