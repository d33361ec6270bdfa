"""A rule file is read in pieces only where that gives what reading it as a whole gives."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.errors import RuleError
from bot.rules.pieces import cut, read_frame, read_pieces
from bot.rules.yaml_lines import Listing, Table, Value, load

FILE = """\
watchlist: front   # of the south
terms:
  strike: [удар, "прилёт"]
rules:   # of the front

  # the first one
  - id: a
    match: ракета
    # of it
  - {id: b, match: дрон,
     title: two lines}

  - id: c
    match: |
      ракета
      OR - дрон
    tests:
      match:
        - ракета
  - id: d
    title: 'quoted

      - over lines'
    match: дрон
defaults: {severity: high}
"""
# Lines that begin rules, or only look so, or end them, or change what the others mean.
LINES = [
    "rules:",
    "rules: # of it",
    "rules: #of it",
    "rules: [a]",
    "  - id: a",
    "  - {id: b, match: c}",
    "  - {id: b,",
    "  match: c}",
    "    match: d",
    "    match: 'e",
    '    match: "e',
    "  - f'",
    '  - f"',
    "    match: |",
    "    match: |+",
    "    match: >-",
    "      - g",
    "    - g",
    " - g",
    "- id: h",
    "  match: i",
    "- - j",
    "  -",
    "-",
    "  -k",
    "  -\tl",
    "\t- l",
    "    \tl",
    "  - &m n",
    "  - *m",
    "  - !!str o",
    "  - !o",
    "    ? p",
    "    : q",
    "# r",
    "      # r",
    "    match: r #s",
    "",
    "    ",
    "---",
    "...",
    "%TAG !! tag:x,2002:",
    "terms:",
    "  t: [u]",
    "terms: 'v",
    "watchlist: w",
    "plain",
    "  plain",
    "    plain",
    "\u2028  - x",
    "\x85- x",
    "\ufeff  - x",
]


def _in_pieces(text: str, *, one_by_one: bool) -> tuple[Table, list[Value]] | None:
    parts = cut(text)
    frame = read_frame("t.yaml", parts) if parts else None
    if parts is None or frame is None:
        return None
    numbers = range(len(parts.pieces.texts))
    found: dict[int, Value] = {}
    for run in [[number] for number in numbers] if one_by_one else [numbers]:
        values = read_pieces("t.yaml", parts.pieces, run)
        if values is None:
            return None
        found |= values
    return frame, [found[number] for number in numbers]


def _check(text: str, *, one_by_one: bool) -> bool:
    """Whether the text can be read in pieces; if so, what is read must be what the whole says."""
    read = _in_pieces(text, one_by_one=one_by_one)
    if read is None:
        return False
    frame, rules = read
    root = load("t.yaml", text)
    assert isinstance(root, Table)
    listing = root.entries["rules"]
    assert isinstance(listing, Listing)
    assert list(listing.items) == rules
    assert {**root.entries, "rules": None} == {**frame.entries, "rules": None}
    assert root.lines == frame.lines
    return True


@pytest.mark.parametrize("one_by_one", [True, False])
@pytest.mark.parametrize("indent", [0, 1, 2, 4])
def test_a_file_of_rules_is_read_in_pieces(indent: int, *, one_by_one: bool) -> None:
    """Comments, blank lines, flow style and texts over several lines are no hindrance, nor is what comes behind."""
    head, _, body = FILE.partition("rules:")
    rules, _, tail = body.partition("defaults:")
    moved = rules.replace("\n  ", "\n" + " " * indent)
    text = f"{head}rules:{moved}defaults:{tail}"
    parts = cut(text)
    assert parts is not None
    assert len(parts.pieces.texts) == 4
    assert _check(text, one_by_one=one_by_one)
    assert _check(text.partition("defaults")[0], one_by_one=one_by_one)


@given(st.lists(st.sampled_from(LINES), max_size=9), st.lists(st.sampled_from(LINES), max_size=9), st.booleans())
@example(["terms: 'v", "rules:", "  - f'"], ["rules:", "  - f"], True)
@example(["%TAG !! tag:x,2002:", "---", "rules:", "  - !!str o"], [], True)
@example(["rules:", "  - {id: b,", "  - f'"], [], False)
@example(["rules:", '    match: "e', '  - f"', "  - id: a"], [], True)
def test_what_is_read_in_pieces_is_what_the_whole_says(before: list[str], behind: list[str], one_by_one: bool) -> None:
    """Whatever the lines are: where the pieces can be read they say the same, in the same lines, and the whole can be."""
    _check("\n".join([*before, *behind]), one_by_one=one_by_one)
    _check("\n".join([*before, "rules:", "  - id: a", *behind, ""]), one_by_one=one_by_one)


@given(
    st.lists(st.sampled_from(FILE.splitlines() + LINES), min_size=1, max_size=3),
    st.integers(0, len(FILE.splitlines())),
    st.integers(0, 3),
    st.booleans(),
)
@example(["    match: |+", ""], 7, 2, True)
def test_so_it_is_in_a_file_that_was_edited(new: list[str], at: int, gone: int, one_by_one: bool) -> None:
    """Lines put into a file of rules, or taken out of it; the file ends there, or goes on."""
    lines = FILE.splitlines()
    lines[at : at + gone] = new
    _check("\n".join(lines) + "\n", one_by_one=one_by_one)
    short = "\n".join(lines[: at + len(new)])
    _check(short, one_by_one=one_by_one)
    _check(f"{short}\n", one_by_one=one_by_one)


@pytest.mark.parametrize(
    "text",
    [
        "rules: [{id: a, match: b}]\n",
        "rules:\n",
        "rules:\n  - id: 'a\n  - b'\n",
        "rules:\n  - &a b\n",
        "terms: {x: 'y\nrules:\n  - z'}\n",
        "rules:\n  - id: a\n ---\n",
        "rules:\n  - id: a\n ~\n",
        "rules:\n  - id: a\r  - id: b\n",
        "rules:\n  - id: 'a\u2028    b'\n  - id: c\n",
        "# tags\n%TAG !! tag:x,2002:\n---\nrules:\n  - !!str a\n",
        "watchlist: '\nrules:\n  - a\nb'\nrules:\n",
        "rules:\n  - id: a\n---\nrules: []\n",
    ],
)
def test_what_lines_do_not_tell_is_left_to_the_whole(text: str) -> None:
    """Flow style, open quotes, anchors, other line ends, directives and several documents are not guessed at."""
    assert not _check(text, one_by_one=False)
    assert not _check(text, one_by_one=True)


def test_a_piece_is_no_file_of_its_own() -> None:
    """What is wrong in a piece is told by the whole, in its words."""
    text = "rules:\n  - {id: a, match: b}\n  - {id: b, id: c}\n"
    assert not _check(text, one_by_one=True)
    with pytest.raises(RuleError, match=r"t\.yaml:3: the key `id` is already given in line 3"):
        load("t.yaml", text)
