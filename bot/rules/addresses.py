"""Addresses and mentions: no words, so they count only for terms that ask for them, `url:` and `mention:`.

    url:rybar.ru           the site, its subdomains, and every page
    url:t.me/rybar         this page and what is below it
    url:t.me/ryb*          addresses that begin so        url:/rybar\\w+/     addresses with this in them
    mention:rybar          @rybar, and t.me/rybar         mention:ryb*  mention:/ryb/

Looked for in what a post shows and in what its links hide. Letter case, `https://` and `www.` are left aside.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bot.model import Entity
from bot.rules.normalise import ADDRESS
from bot.rules.patterns import Pattern, compile_pattern
from bot.rules.place import Place
from bot.rules.slots import Reason


class Sort(StrEnum):
    """What a locator looks at."""

    URL = "url"
    MENTION = "mention"


@dataclass(frozen=True, slots=True)
class Locator:
    """A `url:` or `mention:` term; two are one when their texts are."""

    text: str
    sort: Sort = field(compare=False)
    # The address or name, bare; where it begins so, or has a pattern in it.
    body: str = field(compare=False, repr=False)
    prefix: bool = field(compare=False, repr=False, default=False)
    pattern: Pattern | None = field(compare=False, repr=False, default=None)

    def __str__(self) -> str:
        return self.text

    def meets(self, value: str) -> Reason | None:
        """Why a bare address or name is meant; None when it is not."""
        if self.pattern is not None:
            return Reason.REGEX if next(self.pattern.find(value), None) else None
        if self.prefix:
            return Reason.PREFIX if value.startswith(self.body) else None
        if self.sort is Sort.MENTION:
            return Reason.EXACT if value == self.body else None
        host, slash, page = self.body.partition("/")
        its_host, _, its_page = value.partition("/")
        same_site = f".{its_host}".endswith(f".{host}")
        below = not slash or re.match(rf"{re.escape(page)}(?![^/?#])", its_page) is not None
        return Reason.EXACT if same_site and below else None


@dataclass(frozen=True, slots=True)
class Address:
    """An address or a name that stands in a text, or behind it, at `text[start:end]`."""

    sort: Sort
    value: str
    start: int
    end: int


_BARE = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(?:www\.)?(.*?)/*", re.DOTALL)
_TRAILING = ".,;:!?)…*'"
_OF_TELEGRAM = re.compile(r"(?:t\.me|telegram\.me|telegram\.dog)/(?:s/)?([a-z][a-z0-9_]{3,31})(?![^/?#])")
_RESOLVE = re.compile(r"resolve\?domain=([a-z][a-z0-9_]{3,31})(?![^&])")
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_NO_NAMES = frozenset({"joinchat", "addstickers", "share", "proxy", "addlist", "login", "iv"})


def bare(address: str) -> str:
    """An address in lower case without its scheme, `www.` and closing slashes."""
    found = _BARE.fullmatch(address.strip().casefold())
    return found[1] if found else ""


def locator(sort: Sort, body: str, text: str, place: Place) -> Locator:
    """A term. Raises `RuleError`."""
    body = body.strip()
    if len(body) > 1 and body.startswith("/") and body.endswith("/"):
        return Locator(text, sort, body, pattern=compile_pattern(text, body[1:-1].replace("\\/", "/"), place))
    prefix = body.endswith("*")
    value = bare(body.removesuffix("*")) if sort is Sort.URL else body.removesuffix("*").removeprefix("@").casefold()
    if sort is Sort.URL and not (prefix and len(value) > 2) and not _HOST.fullmatch(value.partition("/")[0]):
        raise place.error(f"{text}: expected a site or a page, as url:rybar.ru, url:t.me/rybar or url:/regex/.")
    if sort is Sort.MENTION and not _NAME.fullmatch(value):
        raise place.error(f"{text}: expected a handle without @, as mention:rybar, mention:ryb* or mention:/regex/.")
    return Locator(text, sort, value, prefix)


def addresses(text: str, entities: Iterable[Entity] = ()) -> Iterator[Address]:
    """All addresses and mentions of a text, those behind its links included; one place may be both."""
    if "@" in text or "/" in text or "." in text:
        for found in ADDRESS.finditer(text):
            shown = found.group().rstrip(_TRAILING)
            if shown.startswith("@"):
                yield Address(Sort.MENTION, shown[1:].casefold(), found.start(), found.start() + len(shown))
            else:
                yield from _of_url(shown, found.start(), found.start() + len(shown))
    for entity in entities:
        start, end = entity.start, entity.start + entity.length
        if not 0 <= start < end <= len(text):
            continue
        if entity.kind == "text_link" and entity.url:
            yield from _of_url(entity.url, start, end)
        elif entity.kind == "url" and ADDRESS.match(text, start) is None:
            yield from _of_url(text[start:end], start, end)


def _of_url(url: str, start: int, end: int) -> Iterator[Address]:
    value = bare(url)
    yield Address(Sort.URL, value, start, end)
    named = _OF_TELEGRAM.match(value) or _RESOLVE.match(value)
    if named and named[1] not in _NO_NAMES:
        yield Address(Sort.MENTION, named[1], start, end)


class Locators:
    """All locators of all rules."""

    def __init__(self, terms: Iterable[Locator]) -> None:
        self._named: defaultdict[str, list[Locator]] = defaultdict(list)
        self._others: list[Locator] = []
        for term in terms:
            exact = term.pattern is None and not term.prefix
            (self._named[term.body.partition("/")[0]] if exact else self._others).append(term)

    def __bool__(self) -> bool:
        return bool(self._named or self._others)

    def find(self, text: str, entities: Sequence[Entity]) -> Iterator[tuple[Address, Locator, Reason]]:
        """What is met in a text, in no order."""
        for address in addresses(text, entities):
            for term in self._candidates(address):
                if term.sort is address.sort and (reason := term.meets(address.value)):
                    yield address, term, reason

    def _candidates(self, address: Address) -> Iterator[Locator]:
        host = address.value.partition("/")[0]
        labels = host.split(".")[-8:]
        for i in range(len(labels)):
            yield from self._named.get(".".join(labels[i:]), ())
        yield from self._others
