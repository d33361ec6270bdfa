"""Alerts and their outbox rows: written with the match that raised them, never apart."""

import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.canary import CANARY
from bot.model import DeliveryState, Key, Match
from bot.store.albums import Album, load_albums, load_members
from bot.store.engine import insert_new
from bot.store.keys import Wanted
from bot.store.rechecks import schedule
from bot.store.schema import alerts, outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """A match of one version, for some sinks."""

    key: Key
    version: int
    match: Match
    sinks: tuple[str, ...]


async def load_forms(
    conn: AsyncConnection, keys: Sequence[Key], albums: Mapping[Key, Album]
) -> dict[Key, frozenset[tuple[str, str]]]:
    """The (rule_id, form) pairs that have alerted on each message, or on any item of its album."""
    members = await load_members(conn, set(albums.values())) if albums else {}
    columns = (alerts.c.channel_id, alerts.c.message_id, alerts.c.match)
    query = sa.select(*columns).select_from(Wanted(conn, [*keys, *members]).within(alerts))
    forms: dict[Key | Album, frozenset[tuple[str, str]]] = defaultdict(frozenset)
    for channel_id, message_id, match in await conn.execute(query):
        key = Key(channel_id=channel_id, message_id=message_id)
        forms[members.get(key, key)] |= match.forms
    return {key: forms[albums.get(key, key)] for key in keys}


async def load_spoken(conn: AsyncConnection, keys: Sequence[Key]) -> dict[tuple[Key, int], frozenset[str]]:
    """The rules that have alerted on the speech of each message and version."""
    a = alerts.c
    query = sa.select(a.channel_id, a.message_id, a.version, a.rule_id).select_from(Wanted(conn, keys).within(alerts))
    rules: dict[tuple[Key, int], frozenset[str]] = defaultdict(frozenset)
    for channel_id, message_id, version, rule_id in await conn.execute(query.where(a.spoken)):
        rules[Key(channel_id=channel_id, message_id=message_id), version] |= {rule_id}
    return dict(rules)


async def raise_alerts(conn: AsyncConnection, raised: Sequence[Raised], *, spoken: bool, at: datetime) -> int:
    """Insert one alert per (rule, message, version) and one outbox row per sink; return how many are new.

    The posts of new ones are scheduled to be looked at again; a canary has done its work when it was heard.
    """
    if not raised:
        return 0
    albums = await load_albums(conn, [one.key for one in raised])
    first = await _load_first(conn, [one.key for one in raised], albums)
    new = 0
    alerted: list[Key] = []
    for one in raised:
        rule = (albums.get(one.key, one.key), one.match.rule_id)
        row = {
            "rule_id": one.match.rule_id,
            "channel_id": one.key.channel_id,
            "message_id": one.key.message_id,
            "version": one.version,
            "spoken": spoken,
            "match": one.match,
            "created_at": at,
            "update_of": first.get(rule),
        }
        inserted = await insert_new(conn, alerts, [row], alerts.c.alert_id)
        for (alert_id,) in inserted:
            first.setdefault(rule, alert_id)
            if one.match.rule_id != CANARY:
                alerted.append(one.key)
            await insert_new(conn, outbox, [due_row(sink, at, alert_id=alert_id) for sink in one.sinks])
        new += len(inserted)
    if alerted:
        await schedule(conn, alerted)
    return new


def due_row(sink: str, at: datetime, *, alert_id: int | None = None, notice: str | None = None) -> dict[str, object]:
    """An outbox row that waits to be sent; its random_id is fixed here, before the first try."""
    return {
        "sink": sink,
        "random_id": secrets.randbelow(2**63 - 1) + 1,
        "alert_id": alert_id,
        "notice": notice,
        "state": DeliveryState.DUE,
        "attempts": 0,
        "created_at": at,
        "state_since": at,
    }


async def _load_first(
    conn: AsyncConnection, keys: Sequence[Key], albums: Mapping[Key, Album]
) -> dict[tuple[Key | Album, str], int]:
    """The first alert of each rule on each message, or on its album where it is an item of one."""
    members = await load_members(conn, set(albums.values())) if albums else {}
    c = alerts.c
    query = (
        sa.select(c.channel_id, c.message_id, c.rule_id, sa.func.min(c.alert_id))
        .select_from(Wanted(conn, [*keys, *members]).within(alerts))
        .group_by(c.channel_id, c.message_id, c.rule_id)
    )
    first: dict[tuple[Key | Album, str], int] = {}
    for channel_id, message_id, rule_id, alert_id in await conn.execute(query):
        key = Key(channel_id=channel_id, message_id=message_id)
        rule = (members.get(key, key), rule_id)
        first[rule] = min(first.get(rule, alert_id), alert_id)
    return first
