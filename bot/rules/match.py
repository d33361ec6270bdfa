"""Rules against a subject: pure, compiled once."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable

from bot.model import Match, Source, Span, Spoken
from bot.rules.index import Index
from bot.rules.rule import Field, Rule, RuleFile, RuleTest, Scope, Subject, TestResult
from bot.rules.tree import Found, Term, evaluate, terms

# More would not be read; every form is kept before a second place of the same form.
MAX_SPANS = 100

Hits = dict[Term, list[Found]]


class RuleSet:
    """All watch rules, compiled. Immutable: a changed rule makes a new set."""

    def __init__(self, files: Iterable[RuleFile] = ()) -> None:
        self.files = tuple(files)
        self.rules: tuple[Rule, ...] = tuple(rule for file in self.files for rule in file.rules)
        self._index = Index(term for rule in self.rules for term in terms(rule.tree))
        # Which rules a term can make true, by their number.
        self._touches: dict[Term, list[int]] = defaultdict(list)
        for number, rule in enumerate(self.rules):
            for term in dict.fromkeys(terms(rule.tree, wanted_only=True)):
                self._touches[term].append(number)

    def match(self, subject: Subject) -> tuple[Match, ...]:
        """The rules that the subject meets, in the order of the files. Never raises, whatever the text."""
        hits = self._hits(subject.fields)
        touched = sorted({number for term in hits for number in self._touches.get(term, ())})
        rules = (self.rules[number] for number in touched)
        found = (_judge(rule, subject.fields, hits) for rule in rules if rule.scope.admits(subject))
        return tuple(match for match in found if match is not None)

    def run_tests(self) -> tuple[TestResult, ...]:
        """Run the tests inside the rule files: the words alone, in any channel, category and kind."""
        return tuple(self._run(rule, test) for rule in self.rules for test in rule.tests)

    def try_rule(self, rule_id: str, text: str) -> Match | None:
        """Hold `text` alone against one rule, in any channel, category and kind; KeyError when there is no such rule."""
        rule = {rule.id: rule for rule in self.rules}[rule_id]
        source = next((source for source in Source if rule.scope.reads(source)), Source.TEXT)
        fields = (Field(source=source, text=text),)
        return _judge(rule, fields, self._hits(fields))

    def _run(self, rule: Rule, test: RuleTest) -> TestResult:
        match = self.try_rule(rule.id, test.text)
        found = tuple(dict.fromkeys(span.form for span in match.spans)) if match else ()
        passed = (match is not None) == test.expected
        return TestResult(rule_id=rule.id, file=rule.file, test=test, passed=passed, found=found)

    def _hits(self, fields: tuple[Field, ...]) -> Hits:
        hits: Hits = defaultdict(list)
        for number, field in enumerate(fields):
            for found in self._index.find(field.text, number, speech=field.source is Source.TRANSCRIPT):
                hits[found.term].append(found)
        return hits


def _judge(rule: Rule, fields: tuple[Field, ...], hits: Hits) -> Match | None:
    """The rule's match, its scope of channels, categories and kinds aside."""

    def lookup(term: Term) -> list[Found]:
        return [found for found in hits.get(term, ()) if _counts(found, rule.scope, fields)]

    proof = evaluate(rule.tree, lookup)
    if proof is None:
        return None
    spans = tuple(_span(found, fields[found.field]) for found in _shown(proof))
    return Match(rule_id=rule.id, title=rule.title, severity=rule.severity, revision=rule.revision, spans=spans)


def _counts(found: Found, scope: Scope, fields: tuple[Field, ...]) -> bool:
    field = fields[found.field]
    if not scope.reads(field.source) or (scope.reasons is not None and found.reason not in scope.reasons):
        return False
    if not scope.min_word_probability or field.source is not Source.TRANSCRIPT:
        return True
    spoken = _spoken(found, field)
    return spoken is None or spoken.probability >= scope.min_word_probability


def _shown(proof: list[Found]) -> list[Found]:
    """In reading order, without those inside another; of too many, each form's first place before any second one."""
    shown: list[Found] = []
    for found in sorted(proof, key=lambda found: (found.field, found.start, -found.end)):
        if not shown or (shown[-1].field, shown[-1].end) < (found.field, found.end):
            shown.append(found)
    if len(shown) <= MAX_SPANS:
        return shown
    firsts: dict[str, Found] = {}
    for found in shown:
        firsts.setdefault(found.form, found)
    chosen = set(list(dict.fromkeys([*firsts.values(), *shown]))[:MAX_SPANS])
    return [found for found in shown if found in chosen]


def _span(found: Found, field: Field) -> Span:
    return Span(
        source=field.source,
        start=found.start,
        end=found.end,
        term=found.term.text,
        form=found.form,
        reason=found.reason.value,
        spoken=_spoken(found, field),
        item=field.item,
    )


def _spoken(found: Found, field: Field) -> Spoken | None:
    """When the words under a span were said; None outside transcripts."""
    first = max(bisect_right(field.words, found.start, key=lambda word: word[0]) - 1, 0)
    last = bisect_left(field.words, found.end, key=lambda word: word[0])
    words = field.words[first:last]
    if not words:
        return None
    return Spoken(
        start=words[0][1].start,
        end=words[-1][1].end,
        probability=min(word.probability for _, word, _ in words),
        doubtful=all(flagged for _, _, flagged in words),
    )
