"""The nouns of this room."""

from dataclasses import dataclass

from bot.model import ChannelId, Entity, Kind, MessageId, Severity, Source
from bot.rules.slots import Reason
from bot.rules.tree import Tree, terms
from bot.rules.trigger import POSTED, Trigger
from bot.transcript import Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A text to be matched.

    For a transcript, `words` has (offset of the word in `text`, the word, whether its segment is flagged), in order;
    the words joined are `text`. `item` is the message that it is a field of, where a post has several.
    """

    source: Source
    text: str
    words: tuple[tuple[int, Word, bool], ...] = ()
    # Its formatting, for the addresses that links hide.
    entities: tuple[Entity, ...] = ()
    item: MessageId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is held against the rules: the fields of one state of a post, and what a rule's scope asks about."""

    channel_id: ChannelId
    handle: str | None
    category: str
    kind: Kind
    fields: tuple[Field, ...]
    # Where it was forwarded from: marked ids as text, and handles of channels that are known, case-folded.
    origins: frozenset[str] = frozenset()
    # Of an album: the kinds of its other items.
    others: frozenset[Kind] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Channels or categories that a rule is for: all when `only` is empty, `never` left out. Case-folded."""

    only: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()

    def admit(self, names: frozenset[str]) -> bool:
        """Whether something that goes by these names is meant."""
        return not names & self.never and (not self.only or bool(names & self.only))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where a rule looks."""

    # Handles without @, and marked ids, as text.
    channels: Names = Names()
    categories: Names = Names()
    # Of the channel that a post was forwarded from; by default a post need not be forwarded.
    forwarded_from: Names = Names()
    # None: every kind, every field.
    kinds: frozenset[Kind] | None = None
    fields: frozenset[Source] | None = None
    # Words of a transcript that Whisper was less sure of do not count.
    min_word_probability: float = 0.0
    # Why a piece of text may count as a term; None: for any reason.
    reasons: frozenset[Reason] | None = None

    def admits(self, subject: Subject) -> bool:
        """Whether the rule is for this post at all."""
        handle = {subject.handle.casefold()} if subject.handle else set()
        return (
            self.channels.admit(frozenset({str(subject.channel_id), *handle}))
            and self.categories.admit(frozenset({subject.category.casefold()}))
            and self.forwarded_from.admit(subject.origins)
            and (self.kinds is None or not self.kinds.isdisjoint({subject.kind, *subject.others}))
        )

    @property
    def asks_origin(self) -> bool:
        """Whether it matters from where a post was forwarded."""
        return bool(self.forwarded_from.only or self.forwarded_from.never)

    def reads(self, source: Source) -> bool:
        """Whether the rule looks into this field."""
        return self.fields is None or source in self.fields


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTest:
    """A text beside the rule that it must, or must not, match."""

    text: str
    expected: bool
    # Lines below the one where the rule begins.
    below: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """What became of a test; `found` are the forms that matched."""

    # Not for pytest to collect.
    __test__ = False

    rule_id: str
    file: str
    line: int
    test: RuleTest
    passed: bool
    found: tuple[str, ...]

    def __str__(self) -> str:
        """A line for the user: where, which rule, what was expected and what happened."""
        expected = "a match" if self.test.expected else "no match"
        got = f"matched {', '.join(self.found)}" if self.found else "nothing matched"
        verdict = "passed" if self.passed else "FAILED"
        return f"{self.file}:{self.line}: rule {self.rule_id}: {verdict}: expected {expected}, {got}: {self.test.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A watch rule, parsed and checked."""

    id: str
    title: str
    severity: Severity
    # Short SHA-256 of what the rule does; comments, order of keys and tests do not change it.
    revision: str
    watchlist: str
    file: str
    line: int
    # The query, or selections and condition, on one line as written.
    text: str
    scope: Scope
    tests: tuple[RuleTest, ...]
    tree: Tree
    trigger: Trigger = POSTED

    @property
    def terms(self) -> tuple[str, ...]:
        """Its terms as written, each once."""
        return tuple(dict.fromkeys(term.text for term in terms(self.tree)))

    def at(self, line: int) -> "Rule":
        """The same rule in another line. When a line is put into a file of thousands, `replace` is what takes long."""
        other = object.__new__(Rule)
        for name in Rule.__slots__:
            object.__setattr__(other, name, getattr(self, name))
        object.__setattr__(other, "line", line)
        return other
