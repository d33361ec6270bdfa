"""Rules are taken up while the service runs: a changed file is compiled aside and the set is exchanged.

A file that is broken leaves the old rules in force; people are told once for each content that is broken, and when it
is mended.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from bot.config import read_rules
from bot.errors import ConfigError, StoreError
from bot.monitor import Monitor
from bot.pulse import Pulse
from bot.rules import Rule, RuleSet, parse_rules

log = structlog.get_logger()

# Seconds between two looks at the folder. A change counts once two looks saw the same: editors write in steps.
LOOK_SECONDS = 2.0
# More is not read in a chat.
_MOST_LINES = 5
_MOST_NAMES = 10

Stamps = Mapping[str, tuple[int, int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    """A set of rules, and what the tests inside the files that are new have against it."""

    rules: RuleSet
    failing: tuple[str, ...]


class RulesWatch:
    """The loop that keeps the monitor's rules what the folder says."""

    def __init__(
        self,
        folder: Path,
        monitor: Monitor,
        pulse: Pulse,
        *,
        texts: Mapping[str, str],
        say: Callable[[str], Awaitable[None]],
        tell: Callable[[str], Awaitable[None]],
        taken: Callable[[RuleSet], None] = lambda rules: None,
    ) -> None:
        """`texts`: of the rule files of the monitor's rules. `say` takes what is good to know, `tell` what must be known;
        `taken` is called with each new set.
        """
        self._folder = folder
        self._monitor = monitor
        self._pulse = pulse
        self._texts = dict(texts)
        self._say = say
        self._tell = tell
        self._taken = taken
        self._seen: Stamps | None = None
        # Stamps of the content that was last taken up or refused.
        self._settled: Stamps | None = None
        # What of the folder is refused now: its texts, where they can be read, and why.
        self._refused: tuple[Mapping[str, str] | None, str] | None = None

    async def run(self) -> None:
        """Look at the folder until everything stops."""
        # Slept through whoever nudges: two looks in a row would see no editor at work.
        while not await self._pulse.sleep(LOOK_SECONDS):
            await self._pulse.persist(self.look, on=StoreError)

    async def look(self, *, at_once: bool = False) -> None:
        """Take up what has changed in the folder, when it has rested since the last look or `at_once`. Raises StoreError."""
        stamps = await asyncio.to_thread(_stamps, self._folder)
        rested = at_once or stamps == self._seen
        self._seen = stamps
        if not rested or stamps == self._settled:
            return
        texts = None
        try:
            texts = await asyncio.to_thread(read_rules, self._folder)
            if self._is_new(texts):
                # In a thread: what comes in meanwhile is held against the old rules.
                await self._take_up(texts, await asyncio.to_thread(_compile, texts, self._monitor.rules))
        except ConfigError as error:
            await self._refuse(texts, error)
        self._settled = stamps

    def _is_new(self, texts: Mapping[str, str]) -> bool:
        return texts != self._texts if self._refused is None else texts != self._refused[0]

    async def _take_up(self, texts: Mapping[str, str], compiled: _Compiled) -> None:
        before, self._monitor.rules = self._monitor.rules, compiled.rules
        self._taken(compiled.rules)
        self._texts = dict(texts)
        changed = list(_changes(before.rules, compiled.rules.rules))
        log.info("rules taken up", rules=len(compiled.rules.rules), changes=len(changed))
        if self._refused is not None:
            self._refused = None
            await self._tell(_news("The watch rules are mended", compiled, changed))
        elif changed:
            await self._say(_news("The watch rules have changed", compiled, changed))

    async def _refuse(self, texts: Mapping[str, str] | None, error: ConfigError) -> None:
        if self._refused == (texts, str(error)):
            return
        log.error("the rules cannot be taken up", error=str(error))
        await self._tell(
            "\n".join(
                ["⚠ The watch rules cannot be read; those of before stay in force.", *_some(str(error).splitlines())]
            )
        )
        self._refused = (texts, str(error))


def _stamps(folder: Path) -> Stamps:
    """What tells that a rule file has changed; nothing of what cannot be asked for: reading it says why."""
    found: dict[str, tuple[int, int, int]] = {}
    for path in folder.rglob("*.yaml"):
        try:
            stat = path.stat()
        except OSError:
            continue
        found[str(path)] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
    return found


def _compile(texts: Mapping[str, str], before: RuleSet) -> _Compiled:
    rules = parse_rules(texts, before)
    failing = (test for test in rules.run_tests(known=before) if not test.passed)
    return _Compiled(rules=rules, failing=tuple(map(str, failing)))


def _changes(before: tuple[Rule, ...], after: tuple[Rule, ...]) -> Iterator[str]:
    """Rule by rule what is other than before: ids, each with a word."""
    old, new = ({rule.id: rule.revision for rule in rules} for rules in (before, after))
    yield from (f"{rule_id} (new)" for rule_id in new if rule_id not in old)
    yield from (f"{rule_id} (rev {new[rule_id]})" for rule_id in new if old.get(rule_id, new[rule_id]) != new[rule_id])
    yield from (f"{rule_id} (gone)" for rule_id in old if rule_id not in new)


def _news(what: str, compiled: _Compiled, changed: list[str]) -> str:
    more = f" and {len(changed) - _MOST_NAMES} more" if len(changed) > _MOST_NAMES else ""
    which = f": {', '.join(changed[:_MOST_NAMES])}{more}" if changed else ""
    lines = [f"{what}; {len(compiled.rules.rules)} are in force{which}."]
    if compiled.failing:
        lines.append(f"⚠ {len(compiled.failing)} of the tests inside the rules fail:")
        lines += _some(compiled.failing)
    return "\n".join(lines)


def _some(lines: Sequence[str]) -> list[str]:
    more = [f"… and {len(lines) - _MOST_LINES} more"] if len(lines) > _MOST_LINES else []
    return [*lines[:_MOST_LINES], *more]
