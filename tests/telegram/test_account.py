"""One door: waits that outlive the process, time-outs, other data centres, and words for every failure."""

import asyncio
import contextlib
import os
import socket
from pathlib import Path

import pytest
from telethon.tl import functions, types

from bot.errors import (
    AccountDead,
    AlreadyDone,
    ChannelUnavailable,
    ConfigError,
    FloodWait,
    Locked,
    LoginNeeded,
    Refused,
    Unreachable,
)
from bot.sandbox import Sandbox
from bot.telegram import Account, Server
from bot.telegram.account import method_of
from tests.telegram.conftest import PATIENCE, Stage, eventually
from tests.telegram.linked import HandClock

# Together too long for the quick loop.
pytestmark = pytest.mark.slow

ME = functions.users.GetUsersRequest([types.InputUserSelf()])


def test_method_names() -> None:
    """Requests are named as Telegram's documentation names them."""
    assert method_of(ME) == "users.getUsers"
    assert method_of(functions.PingRequest(1)) == "ping"


async def test_who_we_are(stage: Stage) -> None:
    """A logged-in account knows who it is."""
    async with stage.account() as account:
        await account.require_login()
        me = await account.me()
        assert (me.user_id, me.name, me.bot) == (stage.user.id, "Watcher", False)
        await account.require_login()


async def test_wait_is_kept_over_a_restart(stage: Stage) -> None:
    """A flood wait is stored, and until it is over no packet leaves for that method, also from a new process."""
    clock = HandClock()
    async with stage.account(clock=clock) as account:
        stage.sandbox.faults.flood_wait("users.getUsers", 900)
        with pytest.raises(FloodWait) as refused:
            await account.call(ME)
        assert refused.value.until.timestamp() == clock.now.timestamp() + 900
        assert [wait.method for wait in account.waits] == ["users.getUsers"]
    async with stage.account(clock=clock) as account:
        before = stage.count("users.getUsers")
        with pytest.raises(FloodWait):
            await account.call(ME)
        assert stage.count("users.getUsers") == before
        await account.call(functions.updates.GetStateRequest())
        clock.forward(seconds=901)
        await account.call(ME)
        assert account.waits == ()


async def test_wait_is_not_kept_by_telethon(stage: Stage) -> None:
    """Once our clock says that a wait is over, the request leaves: Telethon's own memory of it has no say."""
    clock = HandClock()
    async with stage.account(clock=clock) as account:
        stage.sandbox.faults.flood_wait("users.getUsers", 30)
        with pytest.raises(FloodWait):
            await account.call(ME)
        clock.forward(seconds=31)
        await account.call(ME)


async def test_waits_are_per_account(stage: Stage) -> None:
    """The wait of one account does not hold up another."""
    async with stage.account() as account:
        stage.sandbox.faults.flood_wait("users.getUsers", 900)
        with pytest.raises(FloodWait):
            await account.call(ME)
    async with stage.account(name="second") as second:
        await second.call(ME)


async def test_no_answer(stage: Stage) -> None:
    """A lost answer ends in Unreachable after the time-out; the connection goes on."""
    async with stage.account() as account:
        stage.sandbox.faults.lose_reply("users.getUsers")
        with pytest.raises(Unreachable, match=r"users\.getUsers"):
            await account.call(ME, timeout=0.3)
        await account.call(ME)


async def test_server_trouble_is_told_at_once(stage: Stage) -> None:
    """An internal error of Telegram is told to the caller, who knows when to try again; nothing is repeated behind its back."""
    async with stage.account() as account:
        before = stage.count("users.getUsers")
        stage.sandbox.faults.error("users.getUsers", 500, "INTERNAL")
        with pytest.raises(Unreachable):
            await asyncio.wait_for(account.call(ME), 1)
        assert stage.count("users.getUsers") == before + 1


async def test_duplicate_is_a_signal(stage: Stage) -> None:
    """RANDOM_ID_DUPLICATE comes out at once as AlreadyDone."""
    async with stage.account() as account:
        stage.sandbox.faults.error("users.getUsers", 500, "RANDOM_ID_DUPLICATE")
        with pytest.raises(AlreadyDone):
            await asyncio.wait_for(account.call(ME), 1)


async def test_unknown_refusal_has_its_word(stage: Stage) -> None:
    """A refusal that nobody has heard of comes out as Refused with Telegram's word."""
    async with stage.account() as account:
        stage.sandbox.faults.error("users.getUsers", 400, "SOMETHING_NEW")
        with pytest.raises(Refused) as refused:
            await account.call(ME)
        assert refused.value.word == "SOMETHING_NEW"


async def test_channel_refusal(stage: Stage) -> None:
    """CHANNEL_PRIVATE comes out as ChannelUnavailable."""
    async with stage.account() as account:
        stage.sandbox.faults.error("users.getUsers", 400, "CHANNEL_PRIVATE")
        with pytest.raises(ChannelUnavailable) as refused:
            await account.call(ME)
        assert refused.value.state == "private"


async def test_request_in_the_air_survives_a_cut(stage: Stage) -> None:
    """A request whose connection is cut before the answer is answered over the next connection."""
    async with stage.account() as account:
        stage.sandbox.faults.delay("users.getUsers", 0.2)
        asked = asyncio.create_task(account.call(ME))
        await asyncio.sleep(0.1)
        stage.sandbox.faults.drop_connection()
        assert (await asked)[0].id == stage.user.id


async def test_nothing_is_queued_while_offline(stage: Stage) -> None:
    """Requests given up while the server was away are not sent when it is back."""
    async with stage.account() as account:
        await stage.sandbox.stop()
        for _ in range(5):
            with pytest.raises(Unreachable):
                await account.call(ME, timeout=0.1)
        before = stage.count("users.getUsers")
        await stage.sandbox.start()
        await account.call(functions.updates.GetStateRequest())
        assert stage.count("users.getUsers") == before


async def test_reconnect_is_told(stage: Stage) -> None:
    """Whoever listens is told of a new connection, and pushes come again."""
    async with stage.account() as account:
        chat = stage.channel("Tellme")
        chat.invite(stage.user)
        updates: list[object] = []
        reconnects: list[bool] = []
        leave = account.listen(updates.append, lambda: reconnects.append(True))
        stage.sandbox.faults.drop_connection()

        async def back() -> bool:
            return bool(reconnects) and any(call.method == "updates.getState" for call in stage.sandbox.calls[-3:])

        await eventually(back)
        chat.post("pushed")

        async def pushed() -> bool:
            return any(isinstance(update, types.UpdateNewChannelMessage) for update in updates)

        await eventually(pushed)
        leave()


async def test_files_at_another_data_centre(stage: Stage) -> None:
    """A request for another data centre goes there with an exported login; a migration is followed; both reuse it."""
    chat = stage.channel("Voices")
    number = chat.post(voice=b"OggS" + os.urandom(5000), duration=1, dc=4)
    document = chat.file_of(number).tl
    async with stage.account() as account:
        place = types.InputDocumentFileLocation(document.id, document.access_hash, document.file_reference, "")
        request = functions.upload.GetFileRequest(place, offset=0, limit=1024 * 512)
        for dc in (None, 4, 4):
            assert len((await account.call(request, dc=dc)).bytes) == 5004
        stage.sandbox.faults.drop_connection()
        assert len((await account.call(request, dc=4)).bytes) == 5004
    assert stage.count("auth.exportAuthorization") == 1


async def test_mute_data_centre_holds_up_nothing(stage: Stage) -> None:
    """A data centre that takes connections and says nothing delays no other call; giving up leaves no connection."""
    came, left = asyncio.Event(), asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await reader.read()
        left.set()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    stage.sandbox.world.dcs[4] = server.sockets[0].getsockname()[:2]
    place = types.InputDocumentFileLocation(1, 2, b"", "")
    async with stage.account() as account:
        download = asyncio.create_task(account.call(functions.upload.GetFileRequest(place, offset=0, limit=1024), dc=4))
        await asyncio.wait_for(came.wait(), PATIENCE)
        await asyncio.wait_for(account.me(), 20)
        assert not download.done()
        download.cancel()
        await asyncio.wait_for(left.wait(), PATIENCE)
    server.close()


async def test_new_connection_outlives_the_call_that_wanted_it(stage: Stage) -> None:
    """A connection ended for good is made anew by a call; when that call gives up half way, we are not left deaf."""
    chat = stage.channel("Kherson")
    pushed: list[object] = []
    async with stage.account() as account:
        await stage.pin(account, chat)
        account.listen(pushed.append)
        stage.sandbox.faults.delay("help.getConfig", 1.0)
        await account._line._client.sender._disconnect(error=ConnectionError())
        with pytest.raises(Unreachable):
            await account.call(ME, timeout=0.4)
        stage.sandbox.faults.delay("help.getConfig", 0)

        async def heard() -> bool:
            chat.post("is anybody there?")
            await asyncio.sleep(0.1)
            return any(isinstance(update, types.UpdateNewChannelMessage) for update in pushed)

        await eventually(heard)


async def test_not_logged_in(stage: Stage) -> None:
    """An empty session opens, knows that nobody is logged in, and says how to log in."""
    path = stage.folder / "empty.session"
    async with Account.open(path, 1, "0" * 32, store=stage.store, server=stage.server) as account:
        assert isinstance(account.refusal, LoginNeeded)
        with pytest.raises(LoginNeeded):
            await account.require_login()
        with pytest.raises(LoginNeeded, match="earshot login"):
            await account.require_login()
    assert path.stat().st_mode & 0o777 == 0o600


async def test_forgotten_key(stage: Stage) -> None:
    """A session whose key the server does not know opens, and says that a login is needed."""
    async with stage.account():
        pass
    async with Sandbox() as other:
        server = Server(host=other.host, port=other.port, dc=other.dc, public_key=other.public_key)
        path = stage.folder / "main.session"
        async with Account.open(path, 1, "0" * 32, store=stage.store, server=server) as account:
            with pytest.raises(LoginNeeded, match="earshot login"):
                await account.require_login()


@pytest.mark.parametrize(
    ("blow", "words"), [("revoke", "ended from another device"), ("duplicate", "two places"), ("ban", "banned")]
)
async def test_lost_account(stage: Stage, blow: str, words: str) -> None:
    """Revoked, used from elsewhere, banned: each has its sentence."""
    async with stage.account() as account:
        getattr(stage.sandbox, blow)(stage.user)
        with pytest.raises(AccountDead, match=words):
            await account.require_login()


async def test_frozen_account(stage: Stage) -> None:
    """A frozen account is dead, not in passing trouble."""
    async with stage.account() as account:
        stage.sandbox.faults.error("channels.joinChannel", 420, "FROZEN_METHOD_INVALID")
        with pytest.raises(AccountDead, match="frozen"):
            await account.call(functions.channels.JoinChannelRequest(types.InputChannel(1, 1)))


async def test_session_in_use(stage: Stage) -> None:
    """A second account on the same session is refused before the first packet."""
    async with stage.account():
        before = len(stage.sandbox.calls)
        with pytest.raises(Locked):
            async with Account.open(stage.folder / "main.session", 1, "0" * 32, server=stage.server):
                pass
        assert len(stage.sandbox.calls) == before


async def test_nobody_listens(stage: Stage, tmp_path: Path) -> None:
    """When nothing answers at the address, opening ends after `patience` with the address in the message."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    server = Server(host="127.0.0.1", port=port, dc=2, public_key=stage.sandbox.public_key)
    with pytest.raises(Unreachable, match=f"127.0.0.1:{port} cannot be reached: no connection"):
        async with Account.open(tmp_path / "s" / "main.session", 1, "0" * 32, server=server, patience=3):
            pass


async def test_public_key_unreadable(stage: Stage, tmp_path: Path) -> None:
    """A missing or foreign key file is named, and nothing is sent."""
    before = len(stage.sandbox.calls)
    text = tmp_path / "text.pem"
    text.write_text("not a key")
    for path, words in ((tmp_path / "none.pem", "cannot be read"), (text, "not an RSA public key")):
        server = Server(host=stage.sandbox.host, port=stage.sandbox.port, dc=2, public_key=path)
        with pytest.raises(ConfigError, match=words):
            async with Account.open(tmp_path / "s" / "main.session", 1, "0" * 32, server=server):
                pass
    assert len(stage.sandbox.calls) == before


async def test_lock_is_given_up(stage: Stage) -> None:
    """However an account's life ends, its session can be opened again."""
    with contextlib.suppress(ZeroDivisionError):
        async with stage.account():
            raise ZeroDivisionError
    async with stage.account() as account:
        await account.require_login()


async def test_closed_account_refuses(stage: Stage) -> None:
    """After closing, a call fails at once and connects nothing."""
    async with stage.account() as account:
        pass
    with pytest.raises(Unreachable):
        await asyncio.wait_for(account.call(ME), 1)
