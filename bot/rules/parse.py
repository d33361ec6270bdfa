"""Rule files become rules. The syntax, by example; docs/rules.md has all of it:

    watchlist: southern-axis            # default: the file's name
    defaults: {severity: medium}        # severity, fields, where, accept, refuse
    terms:                              # lists of alternatives, used as $strike
      strike: [удар, прилёт, "Storm Shadow"]
    rules:
      - id: berdyansk-strike
        title: Strike near Berdyansk
        match: (place:Бердянск NEAR/12 $strike) NOT погода
        severity: high
        fields: [text, transcript]      # `text` includes captions; default: all
        where:
          channels: ['!@weather_zp']    # handles or ids; `!` leaves out
          categories: [milblogger]
          kinds: [text, voice]
          forwarded_from: ['@rybar']    # handles of watched channels, or ids
          min_word_probability: 0.6     # of transcripts
        refuse: [fuzzy]                 # or accept: reasons that count
        tests: {match: ["Удар по Бердянску"], no_match: ["В Бердянске дождь"]}
        on: deleted                     # or edited, deletion-burst: see trigger.py; default: posted
        within: 10m
      - id: two-of                      # instead of `match`
        select: {town: [place:Токмак, place:Работино], loss: [тяжёлые потери], ad: [реклама]}
        condition: town and loss and not ad     # also: 2 of them, 1 of (town, loss), all of them

A file with `terms:` alone is a list file: every file may use its lists.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath

from bot.errors import RuleError
from bot.rules import scope, shape, terms
from bot.rules.lists import Shelf, alternatives
from bot.rules.match import RuleSet
from bot.rules.place import Place
from bot.rules.query import SELECTION_NAME, Lists, Make, parse_condition, parse_query
from bot.rules.rule import Rule, RuleFile, RuleTest
from bot.rules.scope import Options
from bot.rules.tree import AtLeast, Tree, evaluate
from bot.rules.tree import terms as terms_of
from bot.rules.trigger import KEYS, On, read_trigger
from bot.rules.yaml_lines import Listing, Scalar, Table, Value, load

# So that no rule takes longer than a second to compile: the forms of a term take one to two milliseconds.
MAX_TERMS = 500
_FILE = ("watchlist", "defaults", "terms", "rules")
_DEFAULTS = ("severity", "fields", "where", "accept", "refuse")
_RULE = (
    "id",
    "title",
    "match",
    "select",
    "condition",
    "severity",
    "fields",
    "where",
    "accept",
    "refuse",
    "tests",
    *KEYS,
)
_TESTS = ("match", "no_match")
_RESERVED = frozenset(("and", "or", "not", "of", "them", "any", "all"))
# Of a rule that is about a channel.
_NO_WORDS: tuple[Tree, str] = (AtLeast(0, ()), "")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def parse_rules(files: Mapping[str, str], before: RuleSet | None = None) -> RuleSet:
    """Compile all rule files, given as {file name: YAML text}.

    `before`: what of it is still the same is taken over, not compiled again. Raises `RuleError`; its text has one line
    for each file or rule that is wrong: `file:line: rule id: ...`.
    """
    problems: list[RuleError] = []
    unread: list[RuleError] = []
    heads = list(_heads(files, unread))
    known = {file.name: file for file in before.files} if before else {}
    shared = _shared(heads, files, known.values(), problems)
    parsed = [_parsed(head, files[head.place.file], shared, known.get(head.place.file), problems) for head in heads]
    problems += unread
    problems += _same_ids(rule for file in parsed for rule in file.rules)
    if heads and not problems and all(head.shared for head in heads):
        problems.append(heads[0].place.error("there are lists, but no rules; a file with `rules:` must use them."))
    if problems:
        raise RuleError("\n".join(dict.fromkeys(map(str, problems))))
    return RuleSet(parsed, before)


def _shared(
    heads: Iterable["_Head"], files: Mapping[str, str], known: Iterable[RuleFile], problems: list[RuleError]
) -> Shelf:
    """The lists that every file may use; the same shelf as before when their files are the same."""
    lists = [head for head in heads if head.shared]
    sources = {head.place.file: files[head.place.file] for head in lists}
    for file in known:
        if file.lists is not None and file.lists.sources == sources:
            return file.lists
    shelf = Shelf(sources=sources)
    for head in lists:
        if head.lists:
            problems += shelf.add(head.lists, head.place)
    problems += shelf.check()
    return shelf


def _parsed(head: "_Head", text: str, shared: Shelf, known: RuleFile | None, problems: list[RuleError]) -> RuleFile:
    if known is not None and known.text == text and known.lists is shared:
        return known
    return _FileParser(head, text, shared, problems).parse()


def _same_ids(rules: Iterable[Rule]) -> Iterator[RuleError]:
    seen: dict[str, Rule] = {}
    for rule in rules:
        if (first := seen.setdefault(rule.id, rule)) is not rule:
            place = Place(rule.file, rule.line, rule.id)
            yield place.error(f"the id is already used in {first.file}:{first.line}; alerts go by it, so give another.")


@dataclass(frozen=True, slots=True)
class _Head:
    """A file read as YAML; its parts are still to be understood."""

    place: Place
    entries: Mapping[str, Value]
    lists: Table | None

    @property
    def shared(self) -> bool:
        """Whether it is a list file, whose lists every file may use."""
        return "rules" not in self.entries


def _heads(files: Mapping[str, str], problems: list[RuleError]) -> Iterator[_Head]:
    for name, text in files.items():
        try:
            yield _head(Place(name, 1), text)
        except RuleError as error:
            problems.append(error)


def _head(place: Place, text: str) -> _Head:
    entries = shape.table(load(place.file, text), "a rule file", _FILE, place).entries
    lists = shape.table(entries["terms"], "terms", None, place) if "terms" in entries else None
    if "rules" not in entries and set(entries) != {"terms"}:
        raise place.error(
            "the file has no `rules:`; it needs a list of rules, each with `id` and `match` "
            "(or `terms:` alone: then it is a list file, and every file may use its lists)."
        )
    return _Head(place, entries, lists)


class _FileParser:
    """One file. A broken rule goes to `problems` and the others are still read, so that all is told at once."""

    def __init__(self, head: _Head, text: str, shared: Shelf, problems: list[RuleError]) -> None:
        self._head = head
        self._text = text
        self._shared = shared
        self._place = head.place
        self._problems = problems
        self._watchlist = PurePath(head.place.file).stem
        self._lists = Shelf(shared)
        self._defaults = Options()

    def parse(self) -> RuleFile:
        rules: list[Rule] = []
        try:
            for value in () if self._head.shared else self._rules():
                try:
                    rules.append(self._rule(value))
                except RuleError as error:
                    self._problems.append(error)
        except RuleError as error:
            self._problems.append(error)
        return RuleFile(
            name=self._place.file,
            watchlist=self._watchlist,
            rules=tuple(rules),
            text=self._text,
            lists=self._shared,
        )

    def _rules(self) -> tuple[Value, ...]:
        """Read everything but the rules, which are returned as they are."""
        entries = self._head.entries
        if "watchlist" in entries:
            self._watchlist = _identifier(entries["watchlist"], "watchlist", self._place)
        if "defaults" in entries:
            table = shape.table(entries["defaults"], "defaults", _DEFAULTS, self._place)
            self._defaults = scope.options(table, Options(), self._place)
        if self._head.lists:
            self._problems += self._lists.add(self._head.lists, self._place)
            self._problems += self._lists.check()
        return shape.listing(entries["rules"], "rules", self._place)

    def _rule(self, value: Value) -> Rule:
        place = self._place.at(value.line)
        entries = shape.table(value, "a rule", None, place).entries
        if "id" not in entries:
            raise place.error(f"the rule has no `id`; give it one, as id: army-58. It has: {', '.join(entries)}.")
        rule_id = _identifier(entries["id"], "id", place)
        place = replace(place, rule=rule_id)
        table = shape.table(value, "the rule", _RULE, place)
        trigger = read_trigger(table, place)
        tree, text = _NO_WORDS if trigger.on is On.DELETION_BURST else self._bounded(table, place)
        if trigger.on is not On.DELETION_BURST and evaluate(tree, lambda _: []) is not None:
            raise place.error(
                "it would fire on a post that has none of its words; require a term that is not under NOT."
            )
        title = shape.line(entries["title"], "title", 200, place) if "title" in entries else rule_id
        options = scope.options(table, self._defaults, place)
        return Rule(
            id=rule_id,
            title=title,
            severity=options.severity,
            revision=_digest(
                rule_id,
                title,
                options.severity.value,
                scope.canonical(options.scope),
                str(tree),
                *trigger.canonical(),
            ),
            watchlist=self._watchlist,
            file=place.file,
            line=place.line,
            text=text,
            scope=options.scope,
            tests=_tests(entries["tests"], place) if "tests" in entries else (),
            tree=tree,
            trigger=trigger,
        )

    def _bounded(self, table: Table, place: Place) -> tuple[Tree, str]:
        """What the rule asks for; refused before forms are made, which is what takes long, when it has too many terms."""
        checked, _ = self._tree(table, place, self._lists.checked, terms.check)
        if (count := len(set(terms_of(checked)))) > MAX_TERMS:
            raise place.error(f"the rule has {count:,} terms, at most {MAX_TERMS}; make several rules of it.")
        return self._tree(table, place, self._lists.tree, terms.term)

    def _tree(self, table: Table, place: Place, lists: Lists, make: Make) -> tuple[Tree, str]:
        """What the rule asks for, and the same as written, on one line."""
        entries = table.entries
        if ("match" in entries) == ("select" in entries):
            has = "both" if "match" in entries else "neither"
            raise place.error(f"a rule has either `match`, or `select` with `condition`; this one has {has}.")
        if "select" in entries:
            return self._selected(table, place, lists, make)
        if "condition" in entries:
            raise place.at(table.lines["condition"]).error(
                "`condition` goes with `select`; here, write all in `match`."
            )
        query = shape.text(entries["match"], "match", place)
        return parse_query(query, lists, place.at(entries["match"].line), make), " ".join(query.split())

    def _selected(self, table: Table, place: Place, lists: Lists, make: Make) -> tuple[Tree, str]:
        select = shape.table(table.entries["select"], "select", None, place)
        if "condition" not in table.entries:
            raise place.at(table.lines["select"]).error("`select` needs a `condition`, as condition: any of them.")
        for name in select.entries:
            if not SELECTION_NAME.fullmatch(name) or name.lower() in _RESERVED:
                raise place.at(select.lines[name]).error(
                    f"`{name}` cannot name a selection; use letters, digits and _."
                )
        trees = {
            name: alternatives(value, f"select.{name}", place, lists, make) for name, value in select.entries.items()
        }
        condition = shape.text(table.entries["condition"], "condition", place)
        tree = parse_condition(condition, trees, place.at(table.entries["condition"].line))
        written = "; ".join(f"{name}: {_written(value)}" for name, value in select.entries.items())
        return tree, f"{' '.join(condition.split())} ({written})"


def _identifier(value: Value, what: str, place: Place) -> str:
    word = shape.text(value, what, place)
    if not _ID.fullmatch(word):
        raise place.at(value.line).error(f"{what} `{word}` must be lower-case a-z, digits and hyphens, as south-axis.")
    return word


def _tests(value: Value, place: Place) -> tuple[RuleTest, ...]:
    entries = shape.table(value, "tests", _TESTS, place).entries
    return tuple(
        RuleTest(text=shape.text(item, f"tests.{key}", place), expected=key == "match", line=item.line)
        for key in entries
        for item in shape.listing(entries[key], f"tests.{key}", place)
    )


def _written(value: Value) -> str:
    items = value.items if isinstance(value, Listing) else (value,)
    return ", ".join(item.text for item in items if isinstance(item, Scalar))


def _digest(*content: object) -> str:
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()[:12]
