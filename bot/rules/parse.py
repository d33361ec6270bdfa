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

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import PurePath

from bot.errors import RuleError
from bot.rules import scope, shape
from bot.rules.file import Made, RuleFile, Source
from bot.rules.head import Head, read_head, whole
from bot.rules.lists import Shelf
from bot.rules.match import RuleSet
from bot.rules.one import Maker, identifier
from bot.rules.pieces import Pieces, read_pieces
from bot.rules.place import Place
from bot.rules.rule import Rule
from bot.rules.scope import Options
from bot.rules.tree import Tree
from bot.rules.yaml_lines import Value

_DEFAULTS = ("severity", "fields", "where", "accept", "refuse")


def parse_rules(files: Mapping[str, str], before: RuleSet | None = None) -> RuleSet:
    """Compile all rule files, given as {file name: YAML text}.

    `before`: what of it is still the same is taken over, not read and compiled again; the set is the same as without it.
    Raises `RuleError`; its text has one line for each file or rule that is wrong: `file:line: rule id: ...`.
    """
    problems: list[RuleError] = []
    unread: list[RuleError] = []
    known = {file.name: file for file in before.files} if before else {}
    sources = {name: file.source for name, file in known.items() if file.source}
    heads = list(_heads(files, sources, unread))
    shared = _shared(heads, sources.values(), problems)
    parsed = [_parsed(head, shared, known.get(head.place.file), problems) for head in heads]
    problems += unread
    problems += _same_ids([rule for file in parsed for rule in file.rules])
    if heads and not problems and all(head.shared for head in heads):
        problems.append(heads[0].place.error("there are lists, but no rules; a file with `rules:` must use them."))
    if problems:
        raise RuleError("\n".join(dict.fromkeys(map(str, problems))))
    return RuleSet(parsed, before)


def _heads(files: Mapping[str, str], known: Mapping[str, Source], problems: list[RuleError]) -> Iterator[Head]:
    for name, text in files.items():
        source = known.get(name)
        try:
            yield read_head(Place(name, 1), text, source.head if source else None, source.made if source else ())
        except RuleError as error:
            problems.append(error)


def _shared(heads: Iterable[Head], known: Iterable[Source], problems: list[RuleError]) -> Shelf:
    """The lists that every file may use; the same shelf as before when their files are the same."""
    lists = [head for head in heads if head.shared]
    sources = {head.place.file: head.text for head in lists}
    for source in known:
        if source.shared.sources == sources:
            return source.shared
    shelf = Shelf(sources=sources)
    for head in lists:
        if head.lists:
            problems += shelf.add(head.lists, head.place)
    problems += shelf.check()
    return shelf


def _parsed(head: Head, shared: Shelf, known: RuleFile | None, problems: list[RuleError]) -> RuleFile:
    source = known.source if known else None
    if known and source and source.head is head and source.shared is shared:
        return known
    return _FileParser(head, shared, source, problems).parse()


def _same_ids(rules: Collection[Rule]) -> Iterator[RuleError]:
    if len({rule.id for rule in rules}) == len(rules):
        return
    seen: dict[str, Rule] = {}
    for rule in rules:
        if (first := seen.setdefault(rule.id, rule)) is not rule:
            place = Place(rule.file, rule.line, rule.id)
            yield place.error(f"the id is already used in {first.file}:{first.line}; alerts go by it, so give another.")


class _FileParser:
    """One file. A broken rule goes to `problems` and the others are still read, so that all is told at once."""

    def __init__(self, head: Head, shared: Shelf, known: Source | None, problems: list[RuleError]) -> None:
        """`known`: the file as it was; rules of it that stand on the same as then are taken over."""
        self._head = head
        self._shared = shared
        self._known = known
        self._place = head.place
        self._problems = problems
        self._watchlist = PurePath(head.place.file).stem
        self._lists = Shelf(shared)
        self._defaults = Options()
        self._made: dict[str, Made] = {}
        # Whether a list stands for the same as it did, by name and by what it stood for.
        self._same: dict[tuple[str, int], bool] = {}

    def parse(self) -> RuleFile:
        """Never raises: problems are noted."""
        rules: list[Rule] = []
        if not self._head.shared:
            try:
                self._read_frame()
                rules = list(self._in_pieces(pieces) if (pieces := self._head.pieces) else self._rules(self._head))
            except RuleError as error:
                self._problems.append(error)
        return RuleFile(
            name=self._place.file,
            watchlist=self._watchlist,
            rules=tuple(rules),
            source=Source(
                head=self._head.settled(),
                watchlist=self._watchlist,
                shared=self._shared,
                lists=self._lists,
                defaults=self._defaults,
                made=self._made,
            ),
        )

    def _read_frame(self) -> None:
        """Read everything but the rules."""
        entries = self._head.entries
        if "watchlist" in entries:
            self._watchlist = identifier(entries["watchlist"], "watchlist", self._place)
        if "defaults" in entries:
            table = shape.table(entries["defaults"], "defaults", _DEFAULTS, self._place)
            self._defaults = scope.options(table, Options(), self._place)
        known = self._known
        if known and known.shared is self._shared and known.head.lists is self._head.lists:
            self._lists = known.lists
        elif self._head.lists:
            self._problems += self._lists.add(self._head.lists, self._place)
            self._problems += self._lists.check()

    def _rules(self, head: Head) -> Iterator[Rule]:
        """The rules of a file that was read as a whole. Raises `RuleError`."""
        maker = self._maker()
        for value in shape.listing(head.entries["rules"], "rules", self._place):
            if rule := self._rule(maker, value, {}):
                yield rule

    def _in_pieces(self, pieces: Pieces) -> list[Rule]:
        """The rules of a file that was read in pieces. Raises `RuleError`."""
        kept = self._kept(pieces)
        values = dict(self._head.values)
        # Not new, but on other ground: other lists or defaults.
        again = [number for number, one in enumerate(kept) if one is None and number not in values]
        more = read_pieces(self._place.file, pieces, again)
        if more is None:
            return list(self._rules(whole(self._place, self._head.text)))
        values |= more
        maker = self._maker()
        for number in sorted(values):
            used: dict[str, Tree] = {}
            if rule := self._rule(maker, values[number], used):
                kept[number] = Made(rule, rule.line - pieces.lines[number], used)
        self._made = {text: one for text, one in zip(pieces.texts, kept, strict=True) if one}
        return [one.rule for one in kept if one]

    def _maker(self) -> Maker:
        return Maker(self._place, self._watchlist, self._defaults, self._lists)

    def _rule(self, maker: Maker, value: Value, used: dict[str, Tree]) -> Rule | None:
        try:
            return maker.make(value, used)
        except RuleError as error:
            self._problems.append(error)
            return None

    def _kept(self, pieces: Pieces) -> list[Made | None]:
        """The rules that were made from the same texts on the same ground, where they stand now; None for others."""
        known = self._known
        if known is None or (known.defaults, known.watchlist) != (self._defaults, self._watchlist):
            return [None] * len(pieces.texts)
        kept = list(map(known.made.get, pieces.texts))
        if known.lists is not self._lists:
            kept = [one if one and self._all_stand(one.lists) else None for one in kept]
        return [
            one if one is None or one.rule.line == line + one.below else one.moved(line)
            for one, line in zip(kept, pieces.lines, strict=True)
        ]

    def _all_stand(self, lists: Mapping[str, Tree]) -> bool:
        return all(self._stands(name, tree) for name, tree in lists.items())

    def _stands(self, name: str, before: Tree) -> bool:
        """Whether a list stands for the same as before."""
        if (name, id(before)) not in self._same:
            try:
                now = self._lists.tree(name, self._place)
            except RuleError:
                # Told where it is used, when the rule is read.
                now = None
            self._same[name, id(before)] = now == before
        return self._same[name, id(before)]
