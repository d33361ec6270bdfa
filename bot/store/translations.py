"""What is written in alerted posts on its way to English: wanted, done, or failed with a reason.

Alerts are looked through once, in the order of their numbers: writers come one after the other (see engine.py), so none
appears below a number that was passed.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.canary import CANARY
from bot.model import AlbumItem, AlertId, Key, Match, Translation
from bot.store.alert_rows import due_row
from bot.store.channels import load_channels
from bot.store.engine import Database, insert_new, verb
from bot.store.english import load_deliveries, load_english
from bot.store.named import load_named, other_items
from bot.store.nouns import Alerted, TranslationState, Untranslated
from bot.store.schema import about, alerts, channels, outbox, translations, versions

# What an alert was raised on so long ago is not translated any more: neither when translating is turned on, nor after so
# long a pause.
_NEWS = timedelta(days=2)
_PASSED = "alerts looked through for translation"


class Translations:
    """A row for each text that is to be in English; those who show alerts find it there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @verb
    async def unseen(self, now: datetime, limit: int = 200) -> tuple[Alerted, ...]:
        """States of posts that have raised alerts since `want` was told last, by the alerts' numbers; not the canary's.

        Of an album also those of other items in whose texts words were found. The first time, and after days, those of the
        last two days. `limit`: how many alerts are looked at.
        """
        a, v, c = alerts.c, versions.c, channels.c
        joined = alerts.join(
            versions, (v.channel_id == a.channel_id) & (v.message_id == a.message_id) & (v.number == a.version)
        ).join(channels, c.channel_id == a.channel_id)
        async with self._database.read() as conn:
            fresh = (a.alert_id > await _passed(conn), a.created_at > now - _NEWS, a.rule_id != CANARY)
            query = sa.select(alerts, v.message, c.language).select_from(joined)
            query = query.where(*fresh, v.message.is_not(None)).order_by(a.alert_id).limit(limit)
            rows = (await conn.execute(query)).mappings().all()
            named = await load_named(conn, rows)
        return tuple(one for row in rows for one in _alerted(row, named.get(row["alert_id"], ())))

    @verb
    async def want(self, texts: Mapping[tuple[Key, int], str], *, upto: int, at: datetime) -> int:
        """Ask for translations of these (message, version) from these languages; how many are new.

        `upto`: the number of the last alert that was looked at for this.
        """
        rows = [
            {
                "channel_id": key.channel_id,
                "message_id": key.message_id,
                "version": version,
                "language": language,
                "state": TranslationState.WANTED,
                "state_since": at,
                "created_at": at,
                "attempts": 0,
            }
            for (key, version), language in texts.items()
        ]
        async with self._database.write() as conn:
            passed = max(upto, await _passed(conn))
            await conn.execute(about.delete().where(about.c.name == _PASSED))
            await conn.execute(about.insert().values(name=_PASSED, value=str(passed)))
            return len(await insert_new(conn, translations, rows, translations.c.translation_id))

    @verb
    async def due(self, languages: Collection[str], now: datetime) -> Untranslated | None:
        """The newest of those from these languages whose next try has come; None when none waits for now."""
        t, v = translations.c, versions.c
        joined = translations.join(
            versions, (v.channel_id == t.channel_id) & (v.message_id == t.message_id) & (v.number == t.version)
        )
        is_now = t.next_try.is_(None) | (t.next_try <= now)
        query = (
            sa.select(t.translation_id, t.channel_id, t.language, t.attempts, v.message)
            .select_from(joined)
            .where(_is_wanted(), t.language.in_(sorted(languages)), is_now)
            .order_by(t.translation_id.desc())
            .limit(1)
        )
        async with self._database.read() as conn:
            row = (await conn.execute(query)).first()
            if row is None:
                return None
            known = await load_channels(conn, channels.c.channel_id == row.channel_id)
        return Untranslated(
            translation_id=row.translation_id,
            language=row.language,
            message=row.message,
            channel=known[row.channel_id],
            attempts=row.attempts,
        )

    @verb
    async def record(
        self,
        translation_id: int,
        translation: Translation,
        *,
        notice: Callable[[AlertId, Match], str],
        at: datetime,
    ) -> int:
        """It is translated; how many deliveries of its alerts are to be put right, 0 when it was recorded already.

        `notice`: what a sink is told that cannot edit an alert which it was given.
        """
        async with self._database.write() as conn:
            done = {"state": TranslationState.DONE, "state_since": at, "next_try": None, "reason": None}
            made = {"translation": translation, "model": translation.model}
            if not (await conn.execute(_one(translation_id).values(**done, **made))).rowcount:
                return 0
            rows = [
                {
                    **due_row(row.sink, at, notice=notice(AlertId(row.alert_id), row.match)),
                    "corrects": row.alert_id,
                    "english": True,
                }
                for row in await load_deliveries(conn, translation_id)
            ]
            if rows:
                await conn.execute(outbox.insert(), rows)
            return len(rows)

    @verb
    async def english(self, states: Collection[tuple[Key, int]]) -> dict[tuple[Key, int], Translation]:
        """What stands in these (message, version) in English, of those that have been translated."""
        async with self._database.read() as conn:
            return await load_english(conn, states)

    @verb
    async def record_retry(self, translation_id: int, *, reason: str, next_try: datetime) -> None:
        """It did not succeed this time."""
        values = {"attempts": translations.c.attempts + 1, "next_try": next_try, "reason": reason}
        async with self._database.write() as conn:
            await conn.execute(_one(translation_id).values(**values))

    @verb
    async def record_failed(self, translation_id: int, *, reason: str, at: datetime) -> None:
        """It was given up: its alerts stay as they are."""
        failed = {"state": TranslationState.FAILED, "state_since": at, "next_try": None, "reason": reason}
        async with self._database.write() as conn:
            await conn.execute(_one(translation_id).values(**failed))


async def load_queue(conn: AsyncConnection) -> dict[str, Any]:
    """What `Status` says of translations."""
    t = translations.c
    counts = sa.select(t.state, sa.func.count()).group_by(t.state)
    failed = sa.select(t.reason).where(t.state == TranslationState.FAILED).order_by(t.state_since.desc()).limit(1)
    return {
        "translations": {TranslationState(state): count for state, count in await conn.execute(counts)},
        "oldest_untranslated": await conn.scalar(sa.select(sa.func.min(t.created_at)).where(_is_wanted())),
        "untranslatable": await conn.scalar(failed),
    }


async def _passed(conn: AsyncConnection) -> int:
    return int(await conn.scalar(sa.select(about.c.value).where(about.c.name == _PASSED)) or 0)


def _is_wanted() -> sa.ColumnElement[bool]:
    """Spelled out, not bound: both planners then see that the index of those wanted serves."""
    return translations.c.state == sa.literal_column("'wanted'")


def _one(translation_id: int) -> sa.Update:
    return translations.update().where(translations.c.translation_id == translation_id, _is_wanted())


def _alerted(row: RowMapping, named: Sequence[AlbumItem]) -> Iterator[Alerted]:
    """The states that an alert is about, of the message that it names and of the items that it quotes."""
    known = {"alert_id": row["alert_id"], "language": row["language"]}
    yield Alerted(version=row["version"], message=row["message"], **known)
    written = other_items(row["match"], written=True)
    for item in named:
        if item.message.message_id in written:
            yield Alerted(version=item.version, message=item.message, **known)
