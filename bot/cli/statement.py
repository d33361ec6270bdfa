"""The coverage statement: what became of every id, how it was learned, and what is open."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich.markup import escape

from bot.cli.edge import out, print_table, table
from bot.health.jsonable import to_json
from bot.health.words import ago
from bot.model import Coverage, Gap, How, post_link

STATES = ("stored", "service", "deleted", "restricted")
TOTAL = "total"


def open_ids(gaps: Iterable[Gap]) -> int:
    """How many ids the gaps are."""
    return sum(gap.last - gap.first + 1 for gap in gaps)


def print_statement(found: Sequence[Coverage], now: datetime) -> None:
    """A table of states, one of ways, and a line for each open gap."""
    ids = table("channel", ">from", ">to", ">ids", *(f">{state}" for state in STATES), ">gap")
    ways = table("learned by", *(f">{how.value}" for how in How))
    states, hows, missing = Counter[str](), Counter[str](), 0
    for one in found:
        name, by_state, by_how, gap = escape(one.channel.name), _states(one), _hows(one), open_ids(one.gaps)
        count = one.last - one.first + 1
        ends = _numbers(one.first, one.last) if count > 0 else ["–", "–"]
        ids.add_row(name, *ends, *_numbers(max(count, 0)), *_row(by_state, STATES), _gap(gap))
        ways.add_row(name, *_row(by_how, How))
        states, hows, missing = states + by_state, hows + by_how, missing + gap
    if len(found) > 1:
        ids.add_row(TOTAL, "", "", *_numbers(states.total() + missing), *_row(states, STATES), _gap(missing))
        ways.add_row(TOTAL, *_row(hows, How))
    print_table(ids)
    out.print()
    print_table(ways)
    if missing:
        out.print()
    for one in found:
        for gap_ in one.gaps:
            out.print(_gap_line(one, gap_, now))


def statement_json(found: Sequence[Coverage]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "complete": bool(found) and not any(one.gaps for one in found),
        "channels": [
            {
                "channel": to_json(one.channel),
                "first": one.first,
                "last": one.last,
                "ids": {state: _by_how(one, state) for state in STATES},
                "gap": open_ids(one.gaps),
                "gaps": [{**to_json(gap), "link": post_link(one.channel, gap.first)} for gap in one.gaps],
            }
            for one in found
        ],
    }


def _by_how(one: Coverage, state: str) -> dict[str, int]:
    return {how.value: one.ids.get((state, how), 0) for how in How}


def _states(one: Coverage) -> Counter[str]:
    counts = Counter[str]()
    for (state, _), count in one.ids.items():
        counts[state] += count
    return counts


def _hows(one: Coverage) -> Counter[str]:
    counts = Counter[str]()
    for (_, how), count in one.ids.items():
        counts[how.value] += count
    return counts


def _row(counts: Counter[str], columns: Iterable[str]) -> list[str]:
    return _numbers(*(counts[column] for column in columns))


def _numbers(*numbers: int) -> list[str]:
    return [f"{number:,}" for number in numbers]


def _gap(count: int) -> str:
    return f"[red]{count:,}[/]" if count else "0"


def _gap_line(one: Coverage, gap: Gap, now: datetime) -> str:
    ids = f"post {gap.first}" if gap.first == gap.last else f"posts {gap.first} to {gap.last} ({open_ids([gap]):,} ids)"
    since = (
        f"open since {gap.since:%Y-%m-%d %H:%M} UTC ({ago((now - gap.since).total_seconds())})" if gap.since else "open"
    )
    link = post_link(one.channel, gap.first)
    return f"[red]gap[/] {escape(one.channel.name)} {ids}, {since}: {escape(gap.reason)}; {link}"
