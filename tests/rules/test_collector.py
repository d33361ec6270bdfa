"""Rules and Python's garbage collector: it need not look at them, and they go without it."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from bot.app.rules import spare_collector
from bot.rules import RuleSet, parse_rules
from tests.rules.helpers import subject


@pytest.fixture
def thawed() -> Iterator[None]:
    """What a test has frozen is the collector's again."""
    yield
    gc.unfreeze()
    gc.enable()


class Knot:
    """An object that holds itself."""

    def __init__(self) -> None:
        self.knot = self


def rules_of(number: int, before: RuleSet | None = None) -> RuleSet:
    """Two rules, of which one is another with each number."""
    text = f"rules: [{{id: a, match: 'person:Шойгу NOT ракетчик{number}'}}, {{id: b, match: '\"взрыв склада\"'}}]"
    return parse_rules({"a.yaml": text}, before)


@pytest.mark.usefixtures("thawed")
def test_rules_that_are_exchanged_go_at_once_though_the_collector_was_told_to_spare_them() -> None:
    """Over many reloads each set, and what it found by, is gone when the next one is in force: no cycle holds them."""
    rules, watched = rules_of(0), list[weakref.ref[object]]()
    spare_collector()
    gc.disable()
    for number in range(1, 20):
        assert rules.match(subject("Взрыв склада, где был Шойгу"))
        watched += [weakref.ref(rules), weakref.ref(rules._index), weakref.ref(rules._index._anchors)]
        rules = rules_of(number, rules)
        assert [one() for one in watched] == [None] * len(watched)
    spared = gc.get_freeze_count()
    del rules
    assert gc.get_freeze_count() < spared


@pytest.mark.usefixtures("thawed")
def test_what_is_in_a_cycle_already_is_collected_first() -> None:
    """Garbage must not be spared for ever; what lives is."""
    gc.disable()
    knot = Knot()
    gone = weakref.ref(knot)
    del knot
    assert gone() is not None
    spare_collector()
    assert gone() is None
    assert gc.get_freeze_count() > 0
