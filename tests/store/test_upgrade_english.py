"""A database of the release before, in which nothing was put into English, becomes one of this release."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command

from bot.model import DeliveryState, Receipt, Translation
from bot.store.engine import Database, parse_url
from bot.store.migrate import config
from tests.store.making import LAWMAKER, NOON, message
from tests.store.test_upgrade import _json, moment
from tests.stores import opened


async def release_before(url: str) -> None:
    """An alert that was sent, one that is due, a notice."""
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).touch()
    database = Database(parse_url(url))

    def make(connection: sa.Connection) -> None:
        settings = config()
        settings.attributes["connection"] = connection
        command.upgrade(settings, "0003")
        at = moment(connection.dialect.name, NOON)
        for statement in (
            "INSERT INTO about VALUES ('earshot', '0.1.0')",
            "INSERT INTO channels (channel_id, title, category, priority, mode, watched, watch_from, top_id, pts, state) "
            "VALUES (:c, 'A title', 'other', 1, 'join', :yes, 1, 5, 9, 'active')",
            "INSERT INTO messages (channel_id, message_id, current, service) VALUES (:c, 5, 1, :no)",
            "INSERT INTO versions (channel_id, message_id, number, change, stored_at, how, message) "
            "VALUES (:c, 5, 1, 'original', :at, 'push', :message)",
            "INSERT INTO alerts (alert_id, rule_id, channel_id, message_id, version, spoken, match, created_at) "
            "VALUES (1, 'r', :c, 5, 1, :no, :match, :at)",
            "INSERT INTO outbox (sink, random_id, alert_id, notice, state, attempts, created_at, state_since, reference) "
            "VALUES ('chat', 1, 1, NULL, 'sent', 0, :at, :at, '77'), ('mail', 2, 1, NULL, 'due', 0, :at, :at, NULL), "
            "('chat', 3, NULL, 'listening', 'due', 0, :at, :at, NULL)",
        ):
            given: dict[str, Any] = {
                "c": LAWMAKER,
                "at": at,
                "yes": True,
                "no": False,
                "message": _json(message(5, "Попов снят")),
                "match": '{"rule_id":"r","title":"R","severity":"high","revision":"1","spans":[]}',
            }
            text = sa.text(statement)
            connection.execute(text, {name: given[name] for name in text.compile().params})

    async with database.write() as conn:
        await conn.run_sync(make)
    await database.close()


async def test_alerts_go_on_and_can_be_put_into_english(url: str, tmp_path: Path) -> None:
    """What was due is due, what was sent is edited when its English comes, and the figures begin at nothing."""
    await release_before(url)
    later = NOON + timedelta(hours=1)
    async with opened(url, tmp_path, clock=lambda: later) as store:
        assert (await store.archive.status(later)).translations == {}
        (notice,) = await store.outbox.due("chat", later)
        (mail,) = await store.outbox.due("mail", later)
        assert notice.notice == "listening"
        assert mail.alert is not None
        assert (mail.alert.english, mail.adds_english) == (None, False)
        (found,) = await store.translations.unseen(later)
        await store.translations.want({(found.message.key, 1): "ru"}, upto=found.alert_id, at=later)
        wanted = await store.translations.due(["ru"], later)
        assert wanted is not None
        english = Translation(text="Popov is dismissed", language="ru", model="m", parameters={})
        told = await store.translations.record(
            wanted.translation_id, english, notice=lambda number, _: f"#{number}", at=later
        )
        assert told == 2
        await store.outbox.record_sent(notice.delivery_id, Receipt(reference="78"), later)
        (mail,) = await store.outbox.due("mail", later)
        await store.outbox.record_sent(mail.delivery_id, Receipt(reference="x"), later, english_upto=mail.upto)
        (edit,) = await store.outbox.due("chat", later)
        assert (edit.edits, edit.adds_english, edit.notice) == ("77", True, "#1")
        assert edit.alert is not None
        assert edit.alert.english == english
        assert await store.outbox.due("mail", later) == ()
        assert (await store.archive.status(later)).outbox == {
            ("chat", DeliveryState.DUE): 1,
            ("chat", DeliveryState.SENT): 2,
            ("mail", DeliveryState.SENT): 2,
        }
