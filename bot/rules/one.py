"""One rule as it stands in a file becomes a `Rule`. The keys are in `parse`, by example."""

import hashlib
import json
import re
from dataclasses import dataclass, replace

from bot.rules import scope, shape, terms
from bot.rules.lists import Shelf, alternatives
from bot.rules.place import Place
from bot.rules.query import SELECTION_NAME, Lists, Make, parse_condition, parse_query
from bot.rules.rule import Rule, RuleTest
from bot.rules.scope import Options
from bot.rules.tree import AtLeast, Tree, evaluate
from bot.rules.tree import terms as terms_of
from bot.rules.trigger import KEYS, On, read_trigger
from bot.rules.yaml_lines import Listing, Scalar, Table, Value

# So that no rule takes longer than a second to compile: the forms of a term take one to two milliseconds.
MAX_TERMS = 500
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


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the rules of one file: what they have in common."""

    place: Place
    watchlist: str
    defaults: Options
    lists: Shelf

    def make(self, value: Value, used: dict[str, Tree]) -> Rule:
        """The rule that is written in `value`; `used` takes the lists that it names. Raises `RuleError`."""
        place = self.place.at(value.line)
        entries = shape.table(value, "a rule", None, place).entries
        if "id" not in entries:
            raise place.error(f"the rule has no `id`; give it one, as id: army-58. It has: {', '.join(entries)}.")
        rule_id = identifier(entries["id"], "id", place)
        place = replace(place, rule=rule_id)
        table = shape.table(value, "the rule", _RULE, place)
        trigger = read_trigger(table, place)
        tree, text = _NO_WORDS if trigger.on is On.DELETION_BURST else self._bounded(table, place, used)
        if trigger.on is not On.DELETION_BURST and evaluate(tree, lambda _: []) is not None:
            raise place.error(
                "it would fire on a post that has none of its words; require a term that is not under NOT."
            )
        title = shape.line(entries["title"], "title", 200, place) if "title" in entries else rule_id
        options = scope.options(table, self.defaults, place)
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
            watchlist=self.watchlist,
            file=place.file,
            line=place.line,
            text=text,
            scope=options.scope,
            tests=_tests(entries["tests"], place) if "tests" in entries else (),
            tree=tree,
            trigger=trigger,
        )

    def _bounded(self, table: Table, place: Place, used: dict[str, Tree]) -> tuple[Tree, str]:
        """What the rule asks for; refused before forms are made, which is what takes long, when it has too many terms."""
        checked, _ = _tree(table, place, self.lists.checked, terms.check)
        if (count := len(set(terms_of(checked)))) > MAX_TERMS:
            raise place.error(f"the rule has {count:,} terms, at most {MAX_TERMS}; make several rules of it.")

        def noted(name: str, at: Place) -> Tree:
            used[name] = self.lists.tree(name, at)
            return used[name]

        return _tree(table, place, noted, terms.term)


def _tree(table: Table, place: Place, lists: Lists, make: Make) -> tuple[Tree, str]:
    """What the rule asks for, and the same as written, on one line."""
    entries = table.entries
    if ("match" in entries) == ("select" in entries):
        has = "both" if "match" in entries else "neither"
        raise place.error(f"a rule has either `match`, or `select` with `condition`; this one has {has}.")
    if "select" in entries:
        return _selected(table, place, lists, make)
    if "condition" in entries:
        raise place.at(table.lines["condition"]).error("`condition` goes with `select`; here, write all in `match`.")
    query = shape.text(entries["match"], "match", place)
    return parse_query(query, lists, place.at(entries["match"].line), make), " ".join(query.split())


def _selected(table: Table, place: Place, lists: Lists, make: Make) -> tuple[Tree, str]:
    select = shape.table(table.entries["select"], "select", None, place)
    if "condition" not in table.entries:
        raise place.at(table.lines["select"]).error("`select` needs a `condition`, as condition: any of them.")
    for name in select.entries:
        if not SELECTION_NAME.fullmatch(name) or name.lower() in _RESERVED:
            raise place.at(select.lines[name]).error(f"`{name}` cannot name a selection; use letters, digits and _.")
    trees = {name: alternatives(value, f"select.{name}", place, lists, make) for name, value in select.entries.items()}
    condition = shape.text(table.entries["condition"], "condition", place)
    tree = parse_condition(condition, trees, place.at(table.entries["condition"].line))
    written = "; ".join(f"{name}: {_written(value)}" for name, value in select.entries.items())
    return tree, f"{' '.join(condition.split())} ({written})"


def identifier(value: Value, what: str, place: Place) -> str:
    """An id. Raises `RuleError`."""
    word = shape.text(value, what, place)
    if not _ID.fullmatch(word):
        raise place.at(value.line).error(f"{what} `{word}` must be lower-case a-z, digits and hyphens, as south-axis.")
    return word


def _tests(value: Value, place: Place) -> tuple[RuleTest, ...]:
    """`place`: of the rule."""
    entries = shape.table(value, "tests", _TESTS, place).entries
    return tuple(
        RuleTest(text=shape.text(item, f"tests.{key}", place), expected=key == "match", below=item.line - place.line)
        for key in entries
        for item in shape.listing(entries[key], f"tests.{key}", place)
    )


def _written(value: Value) -> str:
    items = value.items if isinstance(value, Listing) else (value,)
    return ", ".join(item.text for item in items if isinstance(item, Scalar))


def _digest(*content: object) -> str:
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()[:12]
