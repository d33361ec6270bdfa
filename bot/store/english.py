"""Which alerts show a text in English, and what of that the sinks have."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.canary import CANARY
from bot.model import Key, Translation
from bot.store.albums import load_albums, load_members
from bot.store.keys import Wanted
from bot.store.named import load_named, other_items
from bot.store.schema import alerts, outbox, translations


async def load_english(
    conn: AsyncConnection, states: Collection[tuple[Key, int]]
) -> dict[tuple[Key, int], Translation]:
    """What stands in these (message, version) in English, of those that have been translated."""
    if not states:
        return {}
    query = sa.select(translations).select_from(Wanted(conn, [key for key, _ in states]).within(translations))
    rows = await conn.execute(query.where(translations.c.translation.is_not(None)))
    found = {(Key(channel_id=row.channel_id, message_id=row.message_id), row.version): row.translation for row in rows}
    return {state: found[state] for state in states if state in found}


async def load_deliveries(conn: AsyncConnection, translation_id: int) -> Sequence[Any]:
    """(alert_id, match, sink) of the outbox rows of the alerts that show a text: on its post, or quoting it."""
    query = translations.select().where(translations.c.translation_id == translation_id)
    text = (await conn.execute(query)).one()
    key = Key(channel_id=text.channel_id, message_id=text.message_id)
    a = alerts.c
    own = sa.select(a.alert_id).where(
        a.channel_id == key.channel_id,
        a.message_id == key.message_id,
        a.version == text.version,
        a.rule_id != CANARY,
    )
    shown = {*(await conn.scalars(own)), *(await _load_quoting(conn, key, text.version))}
    found = sa.select(a.alert_id, a.match, outbox.c.sink).join_from(alerts, outbox, outbox.c.alert_id == a.alert_id)
    return (await conn.execute(found.where(a.alert_id.in_(shown)).order_by(a.alert_id, outbox.c.sink))).all()


async def _load_quoting(conn: AsyncConnection, key: Key, version: int) -> list[int]:
    """The alerts on other items of a message's album that quote this state of its text."""
    albums = await load_albums(conn, [key])
    if not albums:
        return []
    members = await load_members(conn, albums.values())
    found = await conn.execute(sa.select(alerts).select_from(Wanted(conn, members).within(alerts)))
    rows = [row for row in found.mappings() if key.message_id in other_items(row["match"], written=True)]
    named = await load_named(conn, rows)
    return [
        alert_id
        for alert_id, items in named.items()
        if any((item.message.key, item.version) == (key, version) for item in items)
    ]


async def close_english(conn: AsyncConnection, delivery_id: int, reference: str, at: datetime, *, upto: int) -> None:
    """The sink has an alert with the post in English: mark its row, and have nothing brought that it has.

    `upto`: the newest row when the alert was loaded; what came after it is not in what was sent.
    """
    o = outbox.c
    await conn.execute(outbox.update().where(o.delivery_id == delivery_id).values(english=True))
    this = outbox.alias("this")
    alert_id = (
        sa.select(sa.func.coalesce(this.c.alert_id, this.c.corrects))
        .where(this.c.delivery_id == delivery_id)
        .scalar_subquery()
    )
    sink = sa.select(this.c.sink).where(this.c.delivery_id == delivery_id).scalar_subquery()
    late = outbox.update().where(
        o.corrects == alert_id,
        o.sink == sink,
        o.english,
        o.state == sa.literal_column("'due'"),
        o.delivery_id <= upto,
    )
    await conn.execute(late.values(state="sent", state_since=at, reference=reference, next_try=None))
