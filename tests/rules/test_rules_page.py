"""docs/rules.md keeps its word: every rule, term and query on it compiles and does what it says."""

import re
from pathlib import Path

import pytest

from bot.model import Kind, Severity, Source
from bot.rules import parse_rules
from bot.rules.slots import Reason
from tests.rules.helpers import found

# Together too long for the quick loop.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/rules.md").read_text("utf-8")
LISTS = {f"lists/{path.name}": path.read_text("utf-8") for path in (ROOT / "config/rules/lists").glob("*.yaml")}
FILES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def _rows(section: str) -> list[list[str]]:
    part = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows]


def _texts(cell: str) -> list[str]:
    return [re.sub(r" \(with .*?\)", "", text).strip() for text in cell.split(" · ")]


TERMS = [
    (row[0].strip("`"), text, expected)
    for row in _rows("Terms")
    for cell, expected in ((row[2], True), (row[3], False))
    for text in _texts(cell)
]


@pytest.mark.parametrize("text", FILES)
def test_each_file_compiles_and_passes_its_tests(text: str) -> None:
    """Each YAML block is a whole rule file, which may use the gazetteer."""
    rules = parse_rules(LISTS | {"page.yaml": text})
    results = rules.run_tests()
    assert results
    assert [str(result) for result in results if not result.passed] == []


@pytest.mark.parametrize(("term", "text", "expected"), TERMS)
def test_each_term_finds_what_its_row_says(term: str, text: str, expected: bool) -> None:
    """A term finds the texts of one column, and not those of the other."""
    assert bool(found(term, text)) == expected


@pytest.mark.parametrize("query", [row[0].strip("`") for row in _rows("Queries")])
def test_each_query_compiles(query: str) -> None:
    """The table of operators holds queries that are accepted."""
    assert parse_rules(LISTS | {"page.yaml": f"rules:\n  - {{id: a, match: '{query}'}}\n"}).rules


@pytest.mark.parametrize("words", [Source, Kind, Severity, Reason], ids=lambda words: words.__name__)
def test_every_word_of_a_key_is_on_the_page(words: type[Source | Kind | Severity | Reason]) -> None:
    """Fields, kinds, severities and reasons are all named, but for kinds that nobody asks for."""
    rare = {Kind.SERVICE, Kind.OTHER}
    assert [word.value for word in words if f"`{word.value}`" not in PAGE and word not in rare] == []


def test_lists_named_on_the_page_exist() -> None:
    """Each $name that the page mentions is in the gazetteer, or in the file that uses it."""
    named = set(re.findall(r"\$([a-z_0-9]+)", PAGE))
    given = "\n".join((*LISTS.values(), *FILES))
    assert [name for name in named if not re.search(rf"^  {name}:", given, re.MULTILINE)] == []
