"""The main job: what is posted on a watched channel becomes an alert in the analysts' chat."""

import asyncio
import json
from typing import Any

import pytest
from rich.console import Console

from bot.model import Heard, How, Key, MessageId, utc_now
from bot.sandbox.demo import play
from bot.sandbox.stage import CODE, EXAMPLE_RULES, GENERAL, PHONE, Stage, free_port
from bot.store import Store
from bot.telegram import raw_message
from tests.e2e.conftest import OpenStage

LAWMAKER = {"handle": "lawmaker", "title": "Lawmaker", "category": "lawmaker", "language": "ru"}
BLOGGER = {"handle": "blogger", "title": "Blogger", "category": "milblogger"}


def chat_of(stage: Stage, handle: str) -> Any:
    """The channel with that handle."""
    return stage.sandbox.world.handles[handle]


def alerts(stage: Stage, link: str) -> list[str]:
    """The texts in the analyst chat that bear `link`."""
    return [message.text for message in stage.desk.messages if link in message.text.split()]


async def listening(stage: Stage) -> None:
    """Start the daemon and wait for its notice."""
    count = len(stage.desk.messages)
    await stage.start()
    await stage.until(lambda: any("listening" in m.text for m in stage.desk.messages[count:]), what="listening")


@pytest.mark.slow
async def test_text_and_voice_become_alerts_with_proof(open_stage: OpenStage, database: str | None) -> None:
    """A text and a voice note are alerted with the right words; the same on SQLite and on PostgreSQL, by one URL."""
    settings = {"database": database}
    async with open_stage([LAWMAKER, BLOGGER], settings=settings, rules=EXAMPLE_RULES) as stage:
        await listening(stage)
        strike = chat_of(stage, "blogger").post("Удар ракетами Storm Shadow по штабу под Бердянском")
        voice = chat_of(stage, "lawmaker").post(voice=GENERAL)
        await stage.until(lambda: bool(alerts(stage, f"https://t.me/blogger/{strike}")), what="the text's alert")
        await stage.until(lambda: len(alerts(stage, f"https://t.me/lawmaker/{voice}")) >= 4, what="the voice's alerts")
        (removed,) = [text for text in alerts(stage, f"https://t.me/lawmaker/{voice}") if "commander-removed" in text]
        assert "Меня сняли с должности" in removed
        assert "0:04-0:05" in removed
        assert "lag" in removed or "heard" in removed
        found = await stage.earshot("search", "контрбатарейная", "--json")
        assert [(hit["channel"], hit["message_id"], hit["source"]) for hit in json.loads(found.out)] == [
            ("@lawmaker", voice, "transcript")
        ]
        assert await stage.stop() == 0
        assert "stopping" in stage.desk.messages[-1].text


@pytest.mark.slow
@pytest.mark.drill
async def test_a_daemon_that_was_down_misses_nothing(open_stage: OpenStage) -> None:
    """Posts, an edit and a deletion made while the daemon was down are all recorded, and alerted, at the next start."""
    async with open_stage([BLOGGER]) as stage:
        channel = chat_of(stage, "blogger")
        await listening(stage)
        first = [channel.post(f"Обычная запись {number}") for number in range(3)]
        status = await stage.earshot("status", "--json")
        assert status.code == 0, "health is off, but somebody holds the session"
        assert await stage.stop() == 0
        channel.edit(first[0], "Удар ракетами Storm Shadow под Бердянском")
        channel.delete(first[1])
        later = [channel.post(f"Запись {number}, пока никто не слушал") for number in range(150)]
        await listening(stage)
        await stage.until(lambda: bool(alerts(stage, f"https://t.me/blogger/{first[0]}")), what="the edit's alert")
        await stage.quiet(stage.desk, seconds=1.5)
        assert await stage.stop() == 0
        store = await Store.open(f"sqlite:///{stage.folder}/data/earshot.db", stage.folder / "data" / "media")
        try:
            counts = [len(await store.archive.versions(_key(channel, one))) for one in (*first, *later)]
            assert counts == [2, 2, 1, *[1] * 150]
            (edited, deleted) = [(await store.archive.versions(_key(channel, one)))[-1].change for one in first[:2]]
            assert (edited, deleted) == ("edit", "deleted")
            assert await store.channels.gaps(channel.channel_id) == ()
        finally:
            await store.close()


@pytest.mark.slow
@pytest.mark.drill
async def test_what_an_earlier_version_could_not_read_is_read_at_the_next_start(open_stage: OpenStage) -> None:
    """A raw message that was set aside is tried again when the daemon starts, and alerts if it can be read now."""
    async with open_stage([BLOGGER]) as stage:
        await listening(stage)
        assert await stage.stop() == 0
        channel = chat_of(stage, "blogger")
        posted = channel.post("Удар ракетами Storm Shadow под Бердянском")
        raw = raw_message(channel.message(posted).tl)
        store = await Store.open(f"sqlite:///{stage.folder}/data/earshot.db", stage.folder / "data" / "media")
        try:
            heard = Heard(channel_id=channel.channel_id, how=How.PUSH, at=utc_now(), messages=(raw,))
            await store.intake.record(heard)
            (row,) = await store.intake.unread()
            await store.intake.quarantine(row.raw_id, "unknown to an earlier version")
        finally:
            await store.close()
        await listening(stage)
        await stage.until(lambda: bool(alerts(stage, f"https://t.me/blogger/{posted}")), what="the late alert")
        assert await stage.stop() == 0


def _key(channel: Any, message_id: int) -> Key:
    return Key(channel_id=channel.channel_id, message_id=MessageId(message_id))


@pytest.mark.slow
async def test_login_as_a_user_types_it(open_stage: OpenStage) -> None:
    """Without a session the daemon names the command; a wrong code logs nobody in; phone and bot log in, and check agrees."""
    async with open_stage([LAWMAKER]) as stage:
        for name in ("main", "bot"):
            (stage.folder / "data" / "sessions" / f"{name}.session").unlink()
        missing = await stage.earshot("run")
        assert (missing.code, missing.err.count("\n")) == (4, 1)
        assert "earshot login" in missing.err
        wrong = await stage.earshot("login", "--phone", PHONE, stdin="00000\n")
        assert wrong.code == 4, wrong.err
        assert "Traceback" not in wrong.err
        assert (await stage.earshot("login", "--phone", PHONE, stdin=f"{CODE}\n")).code == 0
        assert (await stage.earshot("login", "--bot")).code == 0
        assert (await stage.earshot("check")).code == 0


@pytest.mark.slow
async def test_asked_while_the_daemon_runs(open_stage: OpenStage) -> None:
    """Status and channels answer in words and in JSON, a search finds nothing; a second run is refused and names the first."""
    async with open_stage([LAWMAKER], settings={"health": {"port": free_port()}}) as stage:
        await listening(stage)
        second, figures, status, channels, search = await asyncio.gather(
            stage.earshot("run"),
            stage.earshot("status", "--json"),
            stage.earshot("status"),
            stage.earshot("channels"),
            stage.earshot("search", "ничего"),
        )
        assert second.code == 6
        assert str(stage.pid) in second.err
        assert figures.code == 0
        assert json.loads(figures.out)["daemon"]["ok"] is True
        assert "@lawmaker" in status.out
        assert "@lawmaker" in channels.out
        assert search.code == 1


@pytest.mark.slow
async def test_rules_are_listed_and_tried(open_stage: OpenStage) -> None:
    """The rules are listed in JSON; a text is held against one of them, and the exit code says whether it matches."""
    async with open_stage([LAWMAKER], rules=EXAMPLE_RULES) as stage:
        listed, tried, other = await asyncio.gather(
            stage.earshot("rules", "list", "--json"),
            stage.earshot("rules", "test", "commander-removed", "Меня сняли с должности."),
            stage.earshot("rules", "test", "commander-removed", "Доброе утро"),
        )
        assert "commander-removed" in {rule["id"] for rule in json.loads(listed.out)}
        assert (tried.code, other.code) == (0, 1)


@pytest.mark.slow
async def test_backfill_reads_the_past_also_through_a_running_daemon(open_stage: OpenStage) -> None:
    """History is read by the command itself, or by the daemon that holds the session; both end with every post stored."""
    async with open_stage([LAWMAKER, BLOGGER]) as stage:
        for handle in ("lawmaker", "blogger"):
            for number in range(120):
                chat_of(stage, handle).post(f"Старая запись {number}")
        await listening(stage)
        running = await stage.earshot("backfill", "@blogger", "--since", "2020-01-01", "--json")
        assert json.loads(running.out)["messages"] == 120, running.err
        assert await stage.stop() == 0
        alone = await stage.earshot("backfill", "lawmaker", "--since", "2020-01-01")
        assert alone.code == 0, alone.err
        assert "messages read: 120" in alone.out
        await listening(stage)
        assert await stage.stop() == 0
        status = json.loads((await stage.earshot("status", "--json")).out)
        assert [(row["messages"], row["gaps"]) for row in status["store"]["channels"]] == [(120, 0), (120, 0)]
        unknown = await stage.earshot("backfill", "@nobody_here", "--since", "2020-01-01")
        assert unknown.code == 3


@pytest.mark.slow
async def test_the_demo_plays_and_draws_its_picture(tmp_path: Any) -> None:
    """The demo ends with 0, shows an alert from speech and one from text with the right words, and draws the chat."""
    with (tmp_path / "out").open("w") as file:
        console = Console(file=file, width=120)
        assert await play(console, folder=tmp_path / "demo", serve=False, picture=tmp_path / "chat.svg") == 0
    shown = (tmp_path / "out").read_text()
    assert "Меня сняли с должности" in shown
    assert "Storm Shadow" in shown
    assert "synthetic" in shown
    assert "<svg" in (tmp_path / "chat.svg").read_text()
