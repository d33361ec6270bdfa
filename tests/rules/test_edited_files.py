"""Rules taken up edit by edit are the rules that a fresh start would read: the same rules, errors and matches."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import RuleError
from bot.rules import RuleSet, head, parse_rules
from tests.rules.helpers import subject

TEXTS = (
    "Командующий 58-й армией Иван Попов отправлен в отставку после удара.",
    "Прилёты по Бердянску, в Токмаке тихо. Тяжёлые потери, погода ясная.",
    "Ракета, дрон и мост. @rybar пишет: взрыв",
)
RULES = (
    "  - id: {0}\n    match: person:Попов\n    tests:\n      match: [Поповым]\n",
    "  - {{id: {0}, match: $strike, severity: high}}\n",
    "  - id: {0}\n\n    # beside it\n    match: $own AND NOT погода\n    tests: {{no_match: [мост]}}\n",
    "  - id: {0}\n    select: {{a: $both, b: мост}}\n    condition: 1 of (a, b)\n",
    "  - id: {0}\n    match: |\n      дрон\n      OR ракета\n    title: 'one\n      line'\n",
    "  - {{id: {0}, match: удар,\n      fields: [text]}}\n",
    "  - id: {0}\n    match: =ЮВО OR place:Бердянск\n    on: deleted\n    within: 10m\n",
    "  - {{id: {0}, match: нет $such}}\n",
    "  - {{id: {0}, match: ''}}\n",
    "  - id: {0}\n    match: 'open\n",
    "  - id: {0}\n    match: *alias\n",
    "  - {{id: {0}, match: мост, match: дрон}}\n",
    "  # alone\n\n",
)
WELL = 7
HEADS = ("", "# of the front\n", "watchlist: front\n", "defaults: {severity: low}\n", "defaults: {severity: lou}\n")
OWN = ("terms: {own: [взрыв, $strike]}\n", "terms:\n  own: [прилёт]\n", "terms: {own: [$none]}\n")
LISTS = (
    "terms: {strike: [удар, прилёт], both: [$strike, потери]}\n",
    "terms:\n  # the same\n  strike: [удар, прилёт]\n  both: [$strike, потери]\n",
    "terms: {strike: [удар, ракета], both: [$strike, потери]}\n",
    "terms: {strike: [удар, прилёт], both: [мост, потери]}\n",
    "terms: {strike: [удар OR]}\n",
    "terms: {own: [удар], strike: [удар], both: [удар]}\n",
)
TAILS = ("", "# the end\n", "watchlist: rear\n", "---\n", "\t\n")


@dataclass
class Text:
    """A rule file in the making."""

    head: str = ""
    own: str = OWN[0]
    rules: list[str] = field(default_factory=list)
    tail: str = ""

    def __str__(self) -> str:
        return f"{self.head}{self.own}rules:\n{''.join(self.rules)}{self.tail}"


@dataclass
class Folder:
    """Two rule files and a list file, edited by numbers that Hypothesis draws."""

    files: tuple[Text, Text]
    lists: str = LISTS[0]

    def put(self, file: int, at: int, what: int) -> None:
        """A rule more; most are right, and few have the id of another."""
        rules = self.files[file % 2].rules
        text = RULES[what % (len(RULES) if what % 4 == 0 else WELL)]
        rules.insert(at % (len(rules) + 1), text.format(f"r{at * 13 + what}"))

    def take(self, file: int, at: int, _: int) -> None:
        """A rule less."""
        rules = self.files[file % 2].rules
        if rules:
            rules.pop(at % len(rules))

    def change(self, file: int, at: int, what: int) -> None:
        """Another rule in its place: a broken one may be mended so."""
        self.take(file, at, what)
        self.put(file, at, what)

    def move(self, file: int, at: int, what: int) -> None:
        """A rule from one file to the other, or within one."""
        source, goal = self.files[file % 2].rules, self.files[what % 2].rules
        if source:
            goal.insert(what % (len(goal) + 1), source.pop(at % len(source)))

    def comment(self, file: int, at: int, what: int) -> None:
        """A line that means nothing, above, below or inside."""
        rules = self.files[file % 2].rules
        if rules:
            line = ("\n", "  # a word\n", "# a word\n")[what % 3]
            old = rules[at % len(rules)]
            rules[at % len(rules)] = line + old if what % 2 else old.replace("\n", f"\n{line}", 1)

    def frame(self, file: int, at: int, what: int) -> None:
        """What all rules of a file share."""
        one = self.files[file % 2]
        one.head = HEADS[at % len(HEADS)]
        one.own = OWN[what % len(OWN)]
        one.tail = TAILS[at * what % len(TAILS)]

    def mend(self, _: int, at: int, what: int) -> None:
        """Nothing is broken any more, as far as one can see; the lists may be others."""
        self.lists = LISTS[what % 4]
        for one in self.files:
            one.head, one.own, one.tail = HEADS[at % 4], OWN[at % 2], ""
            one.rules = [
                text
                for text in one.rules
                if not any(bad in text for bad in ("$such", "''", "open", "*", ", match: дрон}"))
            ]
            one.rules = one.rules or [RULES[0].format("z" + "z" * (one is self.files[1]))]

    def shared(self, _: int, __: int, what: int) -> None:
        """Other lists, or broken ones."""
        self.lists = LISTS[what % len(LISTS)]

    def texts(self) -> dict[str, str]:
        """As they are read."""
        return {"a.yaml": str(self.files[0]), "b.yaml": str(self.files[1]), "lists/l.yaml": self.lists}


Edit = Callable[[Folder, int, int, int], None]
EDITS: tuple[Edit, ...] = (
    Folder.put,
    Folder.put,
    Folder.change,
    Folder.take,
    Folder.move,
    Folder.comment,
    Folder.comment,
    Folder.frame,
    Folder.shared,
    Folder.mend,
    Folder.mend,
)
NUMBERS = st.integers(0, 30)


def _read(texts: dict[str, str], before: RuleSet | None = None) -> RuleSet | str:
    try:
        return parse_rules(texts, before)
    except RuleError as error:
        return str(error)


def _facts(rules: RuleSet) -> list[object]:
    found = [rules.match(subject(text), on) for text in TEXTS for on in {rule.trigger.on for rule in rules.rules}]
    return [rules.files, rules.rules, [str(rule.tree) for rule in rules.rules], found, rules.run_tests()]


@given(st.lists(st.tuples(st.sampled_from(EDITS), NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=12))
@settings(deadline=None)
def test_edit_by_edit_is_as_a_fresh_start(edits: list[tuple[Edit, int, int, int]]) -> None:
    """After each edit: the rules in their lines, revisions, tests, matches and errors of a fresh start, however that reads."""
    first = [RULES[number].format(f"f{number}") for number in range(4)]
    second = [RULES[number].format(f"g{number}") for number in range(3, 7)]
    folder = Folder((Text(rules=first), Text(rules=second)))
    current = parse_rules(folder.texts())
    for edit, file, at, what in edits:
        edit(folder, file, at, what)
        texts = folder.texts()
        read, fresh = _read(texts, current), _read(texts)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(head, "cut", lambda text: None)
            whole = _read(texts)
        if isinstance(read, str) or isinstance(fresh, str) or isinstance(whole, str):
            assert read == fresh == whole
            continue
        assert _facts(read) == _facts(fresh) == _facts(whole)
        tried = {(result.rule_id, result.test.text) for result in read.run_tests(known=current)}
        revisions = {rule.id: rule.revision for rule in current.rules}
        assert tried >= {
            (rule.id, test.text)
            for rule in read.rules
            for test in rule.tests
            if revisions.get(rule.id) != rule.revision
        }
        current = read
