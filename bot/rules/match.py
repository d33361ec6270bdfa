"""Rules against a subject: pure, compiled once."""

from collections import Counter
from collections.abc import Iterable
from itertools import chain

from bot.model import Match, Source
from bot.rules.file import RuleFile
from bot.rules.index import Index
from bot.rules.judge import Judge
from bot.rules.rule import Field, Rule, RuleTest, Subject, TestResult
from bot.rules.slots import Compiled
from bot.rules.tree import Term, terms
from bot.rules.trigger import On


class RuleSet:
    """All watch rules, compiled. Immutable: a changed rule makes a new set."""

    def __init__(self, files: Iterable[RuleFile] = (), before: "RuleSet | None" = None) -> None:
        """`before`: a set whose rules, where id and revision are the same, need not be taken up again."""
        self.files = tuple(files)
        self.rules: tuple[Rule, ...] = tuple(chain.from_iterable(file.rules for file in self.files))
        # Whether a rule asks from where a post was forwarded.
        self.asks_origin = any(
            scope.asks_origin for scope in {id(rule.scope): rule.scope for rule in self.rules}.values()
        )
        self._triggers = {rule.trigger.on for rule in self.rules}
        self._number = {rule.id: number for number, rule in enumerate(self.rules)}
        # By how many rules a term is used; and by its text, which of them it can make true, by their ids.
        self._uses: Counter[Term] = before._uses.copy() if before else Counter()
        self._touches: dict[str, tuple[str, ...]] = before._touches.copy() if before else {}
        # A rule that has only moved, or whose tests alone are other, is the same.
        less = [rule for rule in before.rules if not _alike(rule, self._rule(rule.id))] if before else []
        more = [rule for rule in self.rules if not (before and _alike(rule, before._rule(rule.id)))]
        for rule in less:
            self._drop(rule)
        for rule in more:
            self._take_up(rule)
        known = before._uses if before else {}
        moved = dict.fromkeys(term for rule in (*less, *more) for term in terms(rule.tree))
        gone = {term for term in moved if term in known and term not in self._uses}
        new = [term for term in moved if term not in known and term in self._uses]
        self._index: Index = (before._index if before else Index()).changed(gone, new)

    def _rule(self, rule_id: str) -> Rule | None:
        number = self._number.get(rule_id)
        return None if number is None else self.rules[number]

    def _take_up(self, rule: Rule) -> None:
        self._uses.update(set(terms(rule.tree)))
        for text in dict.fromkeys(term.text for term in terms(rule.tree, wanted_only=True)):
            self._touches[text] = (*self._touches.get(text, ()), rule.id)

    def _drop(self, rule: Rule) -> None:
        for term in set(terms(rule.tree)):
            self._uses[term] -= 1
            left = tuple(rule_id for rule_id in self._touches.pop(term.text, ()) if rule_id != rule.id)
            if left:
                self._touches[term.text] = left
            if not self._uses[term]:
                del self._uses[term]

    @property
    def inflected(self) -> frozenset[str]:
        """The terms, as written, that have forms."""
        return frozenset(term.text for term in self._uses if isinstance(term, Compiled))

    def match(self, subject: Subject, on: On = On.POSTED) -> tuple[Match, ...]:
        """The rules of this trigger that the subject meets, in the order of the files. Never raises, whatever the text."""
        if on not in self._triggers:
            return ()
        finds = self._index.find(subject.fields)
        touched = sorted({self._number[rule_id] for text in finds.texts() for rule_id in self._touches.get(text, ())})
        judge = Judge(subject.fields, finds)
        rules = [rule for rule in map(self.rules.__getitem__, touched) if rule.trigger.on is on]
        # Thousands of rules have one scope.
        scopes = {id(rule.scope): rule.scope for rule in rules}
        admitted = {number for number, scope in scopes.items() if scope.admits(subject)}
        found = (judge.match(rule) for rule in rules if id(rule.scope) in admitted)
        return tuple(match for match in found if match is not None)

    def on(self, on: On) -> tuple[Rule, ...]:
        """The rules of this trigger."""
        return tuple(rule for rule in self.rules if rule.trigger.on is on)

    def terms_in(self, subject: Subject) -> frozenset[str]:
        """The terms, as written, that stand anywhere in the subject, whatever the rules make of them."""
        finds = self._index.find(subject.fields)
        return frozenset(text for text in finds.texts() if finds[text])

    def run_tests(self, *, known: "RuleSet | None" = None) -> tuple[TestResult, ...]:
        """Run the tests inside the rule files: the words alone, in any channel, category and kind.

        Those of rules that are the same in `known`, tests included, are left out.
        """
        fresh = (rule for rule in self.rules if not (known and _tested_alike(rule, known._rule(rule.id))))
        return tuple(self._run(rule, test) for rule in fresh for test in rule.tests)

    def try_rule(self, rule_id: str, text: str) -> Match | None:
        """Hold `text` alone against one rule, in any channel, category and kind; KeyError when there is no such rule."""
        rule = self.rules[self._number[rule_id]]
        source = next((source for source in Source if rule.scope.reads(source)), Source.TEXT)
        fields = (Field(source=source, text=text),)
        return Judge(fields, self._index.find(fields)).match(rule)

    def _run(self, rule: Rule, test: RuleTest) -> TestResult:
        match = self.try_rule(rule.id, test.text)
        found = tuple(dict.fromkeys(span.form for span in match.spans)) if match else ()
        passed = (match is not None) == test.expected
        line = rule.line + test.below
        return TestResult(rule_id=rule.id, file=rule.file, line=line, test=test, passed=passed, found=found)


def _alike(rule: Rule, other: Rule | None) -> bool:
    """Whether two rules of one id do the same."""
    return other is not None and rule.revision == other.revision


def _tested_alike(rule: Rule, other: Rule | None) -> bool:
    """Whether the tests of the one have nothing to say that those of the other have not said."""
    return rule is other or (other is not None and _alike(rule, other) and rule.tests == other.tests)
