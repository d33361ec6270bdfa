"""The gazetteer: lists of places, units, people, weapons and events that ship with the example rules."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

from bot.rules import RuleSet, parse_rules
from bot.rules.slots import Compiled
from bot.rules.slots import Path as CompiledPath
from bot.rules.tree import terms
from bot.rules.yaml_lines import Listing, Scalar, Table, load
from tests.rules.gazetteer_cases import cases
from tests.rules.helpers import subject

FOLDER = Path(__file__).parents[2] / "config" / "rules" / "lists"
FILES = {path.name: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.yaml"))}
# Entries that are called alike, and why that is meant.
ALIKE = {
    frozenset({"peskov", "pisky"}): "Песков is a surname, and what the village Пески is in the genitive",
}


def _lists(*files: str) -> dict[str, Listing]:
    """The lists of these files, of all when none is named."""
    found = {}
    for name in files or FILES:
        root = load(name, FILES[name])
        assert isinstance(root, Table)
        table = root.entries["terms"]
        assert isinstance(table, Table)
        found.update({key: value for key, value in table.entries.items() if isinstance(value, Listing)})
    return found


def _is_group(value: Listing) -> bool:
    return any(isinstance(item, Scalar) and item.text.startswith("$") for item in value.items)


LISTS = _lists()
ENTRIES = {name: value for name, value in LISTS.items() if not _is_group(value)}


@pytest.fixture(scope="module")
def every() -> RuleSet:
    """A rule for each list."""
    rules = "\n".join(f"  - {{id: {name.replace('_', '-')}, match: ${name}}}" for name in LISTS)
    return parse_rules(FILES | {"every.yaml": f"rules:\n{rules}"})


def test_it_is_large_enough() -> None:
    """At least 300 entries, and groups of them."""
    assert len(ENTRIES) >= 300
    assert len(LISTS) > len(ENTRIES)
    assert len(cases()) >= 150


@pytest.mark.slow
def test_every_list_compiles(every: RuleSet) -> None:
    """Each list of each file becomes terms."""
    assert len(every.rules) == len(LISTS)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "sentence"), cases())
def test_a_sentence_hits_its_entry(every: RuleSet, name: str, sentence: str) -> None:
    """Inflected, abbreviated, spelt in either language: the entry is found."""
    assert name.replace("_", "-") in {match.rule_id for match in every.match(subject(sentence))}


@pytest.mark.slow
def test_no_two_names_are_called_alike(every: RuleSet) -> None:
    """No words hit two places, units, people or weapons, but where that is meant; events may share words."""
    events = _lists("events.yaml")
    paths = [(name, path) for name in ENTRIES if name not in events for path in _paths(every, name)]
    beginnings: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for number, (_, path) in enumerate(paths):
        for form in path.slots[0].forms:
            beginnings[form, len(path.slots)].append(number)
    pairs = {pair for numbers in beginnings.values() for pair in combinations(numbers, 2)}
    alike = {frozenset((paths[i][0], paths[j][0])) for i, j in pairs if _meet(paths[i][1], paths[j][1])}
    assert {names for names in alike if len(names) > 1} == set(ALIKE)


def _paths(rules: RuleSet, name: str) -> Iterator[CompiledPath]:
    (rule,) = (rule for rule in rules.rules if rule.id == name.replace("_", "-"))
    for term in terms(rule.tree):
        yield from term.paths if isinstance(term, Compiled) else ()


def _meet(left: CompiledPath, right: CompiledPath) -> bool:
    """Whether one run of words walks both."""
    pairs = zip(left.slots, right.slots, strict=True)
    return all(not one.forms.keys().isdisjoint(other.forms) for one, other in pairs)
