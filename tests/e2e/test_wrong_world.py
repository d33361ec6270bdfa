"""A configuration that only Telegram can refuse: one clear line and the right exit code, or a word in the chat."""

import json
import os

import pytest

from bot.sandbox.stage import Stage
from tests.e2e.conftest import OpenStage

BLOGGER = {"handle": "blogger", "title": "Blogger", "category": "milblogger"}


async def refused(stage: Stage, *arguments: str) -> tuple[int, str]:
    """Exit code of a command that ends by itself, and its one line; what comes before it is the daemon's log."""
    ran = await stage.earshot(*(arguments or ("run",)))
    assert "Traceback" not in ran.err
    *log, last = ran.err.splitlines()
    assert last.startswith("earshot: "), ran.err
    assert not any(line.startswith("earshot: ") for line in log)
    return ran.code, last


def told(text: str) -> str:
    """A notice of a channel that is not followed, as it reads: its names are made unclickable by invisible characters."""
    return "".join(char for char in text if char.isprintable()) if "Not followed" in text else ""


@pytest.mark.slow
@pytest.mark.drill
async def test_many_channels_that_cannot_be_followed(open_stage: OpenStage) -> None:
    """They do not fill the chat, where alerts would wait behind them: a few are named, the others counted."""
    async with open_stage([BLOGGER]) as stage:
        stage.configure([{"handle": "blogger"}, *({"handle": f"nobody_{number}"} for number in range(7))])
        await stage.start()
        lines: list[str] = []

        def all_told() -> bool:
            lines[:] = filter(None, (told(message.text) for message in stage.desk.messages))
            return "3 more channels" in str(lines)

        await stage.until(all_told, what="the notices")
        assert len(lines) == 5


@pytest.mark.slow
@pytest.mark.drill
async def test_a_wrong_token(open_stage: OpenStage) -> None:
    """A token that Telegram does not know ends the start with 4 and leads to @BotFather; the token is not shown."""
    async with open_stage([BLOGGER]) as stage:
        (stage.folder / "data/sessions/bot.session").unlink()
        (stage.folder / "secrets/bot_token").write_text("7000000001:another-token")
        code, said = await refused(stage)
        assert code == 4
        assert "the bot token is wrong; copy it again from @BotFather" in said
        assert "another-token" not in said


@pytest.mark.slow
async def test_a_session_that_telegram_does_not_know(open_stage: OpenStage) -> None:
    """A session whose key Telegram does not know ends the start with 4 and leads to `earshot login`."""
    async with open_stage([BLOGGER]) as stage:
        file = stage.folder / "data/sessions/main.session"
        file.write_text(json.dumps({**json.loads(file.read_text()), "auth_key": os.urandom(256).hex()}))
        code, said = await refused(stage)
        assert code == 4
        assert "earshot login" in said


@pytest.mark.slow
@pytest.mark.drill
async def test_a_chat_where_the_bot_may_not_write(open_stage: OpenStage) -> None:
    """A chat that the bot is not in ends the start with 8 and says what to do, before anything is listened to."""
    async with open_stage([BLOGGER]) as stage:
        stage.desk.kick(stage.bot)
        code, said = await refused(stage)
        assert code == 8
        assert f"alerts cannot go to {stage.desk.channel_id}" in said
        assert "member" in said or "add it" in said


@pytest.mark.slow
@pytest.mark.drill
async def test_an_unknown_chat(open_stage: OpenStage) -> None:
    """A chat that nobody has ever made ends the start with 8 and names it."""
    async with open_stage([BLOGGER], settings={"alerts": {"chat": "nobody_has_this"}}) as stage:
        code, said = await refused(stage)
        assert code == 8
        assert "alerts cannot go to nobody_has_this" in said


@pytest.mark.slow
@pytest.mark.drill
async def test_an_unknown_channel_among_others(open_stage: OpenStage) -> None:
    """The daemon listens to the channels that there are, says in the chat which there is not, and keeps running."""
    async with open_stage([BLOGGER]) as stage:
        stage.configure([{"handle": "blogger"}, {"handle": "nobody_has_this"}])
        await stage.start()
        await stage.until(
            lambda: any("nobody_has_this" in told(m.text) for m in stage.desk.messages), what="the notice"
        )
        assert any("listening to 1 channel" in m.text for m in stage.desk.messages)
        post = stage.sandbox.world.handles["blogger"].post("Удар ракетами Storm Shadow по штабу под Бердянском")
        await stage.until(lambda: any(f"blogger/{post}" in m.text for m in stage.desk.messages), what="the alert")
        assert await stage.stop() == 0


@pytest.mark.slow
async def test_only_unknown_channels(open_stage: OpenStage) -> None:
    """With nothing to listen to yet, the chat says so, with the reason, and the daemon stays up to try again."""
    async with open_stage([BLOGGER]) as stage:
        stage.configure([{"handle": "nobody_has_this"}])
        await stage.start()
        await stage.until(
            lambda: any("nobody_has_this" in told(m.text) for m in stage.desk.messages), what="the notice"
        )
        assert any("listening to 0 channel" in m.text for m in stage.desk.messages)
        assert stage.running
        assert await stage.stop() == 0
