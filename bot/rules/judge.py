"""Hits become matches: which rules hold in a post, and the spans that prove it.

A hostile post can repeat one word that stands in every rule. So hits are filtered, cut and made spans once for each
way of looking at them, not once for each rule.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from bot.model import Match, Source, Span, Spoken
from bot.rules.finds import Finds
from bot.rules.rule import Field, Rule, Scope
from bot.rules.tree import Found, Hits, Proof, Term, evaluate

# More would not be read; every form is kept before a second place of the same form.
MAX_SPANS = 100
# Of one term's hits as many are asked whether they lie inside another hit; no honest post has so many.
_MAX_PLACES = 2 * MAX_SPANS

# A hit, and the text of its term.
_Hit = tuple[Found, str]


class Judge:
    """The hits in one post, by the texts of their terms."""

    def __init__(self, fields: Sequence[Field], hits: Finds) -> None:
        self._fields = fields
        self._hits = hits
        # Hits that count, by what a scope asks of them; kept alive here, so that an id names one list.
        self._counted: dict[tuple[object, ...], Hits] = {}
        self._spans: dict[tuple[object, ...], tuple[Span, ...]] = {}
        self._proofs: list[Proof] = []
        self._thin: dict[int, Hits] = {}

    def match(self, rule: Rule) -> Match | None:
        """The rule's match, its scope of channels, categories and kinds aside."""
        scope, hits = rule.scope, self._hits
        everything = scope.fields is None and scope.reasons is None and not scope.min_word_probability

        def lookup(term: Term) -> Hits:
            return hits[term.text]

        def admitted(term: Term) -> Hits:
            return self._count(term.text, scope) if hits[term.text] else ()

        proof = evaluate(rule.tree, lookup if everything else admitted)
        if proof is None:
            return None
        return Match(
            rule_id=rule.id,
            title=rule.title,
            severity=rule.severity,
            revision=rule.revision,
            spans=self._shown(proof),
        )

    def _count(self, text: str, scope: Scope) -> Hits:
        key = (text, scope.fields, scope.reasons, scope.min_word_probability)
        if key not in self._counted:
            hits = self._hits[text]
            self._counted[key] = [hit for hit in hits if _counts(hit, scope, self._fields[hit.field])]
        return self._counted[key]

    def _shown(self, proof: Proof) -> tuple[Span, ...]:
        key = tuple((term.text, id(hits)) for term, hits in proof)
        if key not in self._spans:
            self._proofs.append(proof)
            shown = _chosen([(hit, term.text) for term, hits in proof for hit in self._thinned(hits)])
            self._spans[key] = tuple(_span(hit, text, self._fields[hit.field]) for hit, text in shown)
        return self._spans[key]

    def _thinned(self, hits: Hits) -> Hits:
        """Of very many hits the first ones, and the first place of each form."""
        if len(hits) <= _MAX_PLACES:
            return hits
        if id(hits) not in self._thin:
            ordered = sorted(hits, key=_in_order)
            firsts = {found.form: found for found in reversed(ordered[_MAX_PLACES:])}
            self._thin[id(hits)] = [*ordered[:_MAX_PLACES], *firsts.values()]
        return self._thin[id(hits)]


def _counts(found: Found, scope: Scope, field: Field) -> bool:
    if not scope.reads(field.source) or (scope.reasons is not None and found.reason not in scope.reasons):
        return False
    if not scope.min_word_probability or field.source is not Source.TRANSCRIPT:
        return True
    spoken = _spoken(found, field)
    return spoken is None or spoken.probability >= scope.min_word_probability


def _chosen(hits: list[_Hit]) -> list[_Hit]:
    """In reading order, without those inside another; of too many, each form's first place before any second one."""
    chosen: list[_Hit] = []
    field, reached = -1, 0
    for hit in sorted(hits, key=_by_place):
        found = hit[0]
        if found.field != field or found.end > reached:
            field, reached = found.field, found.end
            chosen.append(hit)
    if len(chosen) <= MAX_SPANS:
        return chosen
    firsts: dict[str, _Hit] = {}
    for hit in chosen:
        firsts.setdefault(hit[0].form, hit)
    kept = set(list(dict.fromkeys(map(id, [*firsts.values(), *chosen])))[:MAX_SPANS])
    return [hit for hit in chosen if id(hit) in kept]


def _in_order(found: Found) -> tuple[int, int, int]:
    return found.field, found.start, -found.end


def _by_place(hit: _Hit) -> tuple[int, int, int]:
    return _in_order(hit[0])


def _span(found: Found, term: str, field: Field) -> Span:
    return Span(
        source=field.source,
        start=found.start,
        end=found.end,
        term=term,
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
