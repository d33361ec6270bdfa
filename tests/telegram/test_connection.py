"""Connections that break, stall, crawl and lie about the time; libraries that are too old; accounts that are lost."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import functions, types

from bot.errors import AccountDead, LoginNeeded, TelegramError, Unreachable
from bot.sandbox import Sandbox
from bot.sandbox.chats import Chat
from bot.sandbox.proxy import Proxy
from bot.sandbox.world import User
from bot.telegram.account import Account, Server
from bot.telegram.client import STORM
from bot.telegram.wire import Link
from tests.telegram.linked import linked

# Together too long for the quick loop.
pytestmark = pytest.mark.slow

KEEPALIVE = 0.3
ME = functions.users.GetUsersRequest([types.InputUserSelf()])


class Line:
    """A sandbox behind a network that can fail, a channel, and who hears it."""

    def __init__(self, sandbox: Sandbox, proxy: Proxy, folder: Path) -> None:
        self.sandbox = sandbox
        self.proxy = proxy
        self.folder = folder
        self.user: User = sandbox.world.add_user("Watcher", phone="+9990001111")
        self.chat: Chat = sandbox.world.add_channel("Channel", handle="channel")
        self.chat.invite(self.user)
        self.texts: list[str] = []
        self.told = 0

    def account(self, **options: Any) -> AbstractAsyncContextManager[Account]:
        """The user's account behind the proxy, with short keepalives."""
        options = {"keepalive": KEEPALIVE, "port": self.proxy.port} | options
        return linked(self.sandbox, self.user, self.folder, **options)

    def stranger(self, **options: Any) -> AbstractAsyncContextManager[Account]:
        """An account that has no key yet; making one takes a second on a busy machine."""
        key = self.sandbox.public_key
        server = Server(host="127.0.0.1", port=self.proxy.port, dc=self.sandbox.dc, public_key=key)
        path = self.folder / "new" / "new.session"
        return Account.open(path, 1, "0" * 32, server=server, keepalive=1.0, **options)

    def listen(self, account: Account) -> None:
        """Note what is pushed, and how often listeners are told that pushes may be lost."""
        account.listen(self._hear, self._tell)

    async def hears(self, text: str) -> None:
        """Post until one of the posts is pushed."""

        def heard() -> bool:
            self.chat.post(text)
            return text in self.texts

        await until(heard, pause=0.1)

    def _hear(self, update: Any) -> None:
        if isinstance(update, types.UpdateNewChannelMessage):
            self.texts.append(update.message.message)

    def _tell(self) -> None:
        self.told += 1


async def until(happened: Callable[[], Any], *, pause: float = 0.02) -> None:
    """Wait for it, for as long as a slow machine may need."""
    async with asyncio.timeout(30):
        while not happened():  # noqa: ASYNC110 - what is waited for may be anything
            await asyncio.sleep(pause)


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    """A running sandbox behind a proxy."""
    async with Sandbox() as sandbox, Proxy(sandbox) as proxy:
        yield Line(sandbox, proxy, tmp_path / "sessions")


# --- unknown objects --------------------------------------------------------------------------------------------------


async def test_an_unknown_object_beside_an_answer(line: Line) -> None:
    """The answer in the same packet arrives; the unknown object is counted, and listeners are told to look."""
    async with line.account() as account:
        line.listen(account)
        line.sandbox.faults.unknown_constructor()
        assert (await account.call(ME, timeout=10))[0].id == line.user.id
        assert (account.unknown_constructors, line.told) == (1, 1)


async def test_an_unknown_object_among_pushes(line: Line) -> None:
    """Three pushes and an unknown object in one packet: all three are heard."""
    async with line.account() as account:
        line.listen(account)
        line.sandbox.faults.unknown_constructor()
        for text in ("one", "two", "three"):
            line.chat.post(text)
        await until(lambda: line.texts == ["one", "two", "three"])
        assert account.unknown_constructors == 1


async def test_pushes_that_cannot_be_read(line: Line) -> None:
    """Listeners are told of the first at once, and not of each of many."""
    async with line.account() as account:
        line.listen(account)
        line.sandbox.faults.spoil_push(line.chat, 20)
        for _ in range(20):
            line.chat.post("of a kind that nobody knows")
        await until(lambda: account.unknown_constructors == 20)
        assert line.told == 1


async def test_an_answer_that_cannot_be_read(line: Line) -> None:
    """It is told to the caller as a refusal, and counted; nothing else suffers."""
    async with line.account() as account:
        line.chat.post("one")
        line.sandbox.world.channels[line.chat.id].entry(1).tl.action = None
        line.chat.entry(1).tl.entities = [_Unknown()]
        with pytest.raises(TelegramError, match="getHistory"):
            await account.call(_history(line))
        assert account.unknown_constructors == 1
        await account.call(ME)


class _Unknown(types.MessageEntityBold):
    def __init__(self) -> None:
        super().__init__(0, 1)

    def _bytes(self) -> bytes:
        return b"\xde\xc0\xad\x0b" + super()._bytes()[4:]


def _history(line: Line, limit: int = 100) -> Any:
    access_hash = line.sandbox.world.access_hash(line.user.id, line.chat.key)
    peer = types.InputPeerChannel(line.chat.id, access_hash)
    return functions.messages.GetHistoryRequest(peer, 0, None, 0, limit, 0, 0, 0)


# --- clocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [-310, -35, -25, 25, 35, 310])
async def test_a_wrong_clock_with_a_key(line: Line, ahead: float) -> None:
    """However far our clock is off Telegram's, requests are answered and pushes heard, and the offset is known."""
    line.sandbox.faults.clock(ahead)
    async with line.account() as account:
        line.listen(account)
        assert (await account.call(ME, timeout=10))[0].id == line.user.id
        await line.hears("pushed")
        assert account.clock_offset is not None
        assert abs(account.clock_offset + ahead) < 5


@pytest.mark.parametrize("ahead", [-310, 310])
async def test_a_wrong_clock_without_a_key(line: Line, ahead: float) -> None:
    """A key is made, and Telegram's answers are understood, also then."""
    line.sandbox.faults.clock(ahead)
    async with line.stranger() as account:
        assert isinstance(account.refusal, LoginNeeded)
        assert account.clock_offset is not None
        assert abs(account.clock_offset + ahead) < 5


@pytest.mark.parametrize("ahead", [-310, -35, 35, 310])
async def test_a_clock_that_jumps(line: Line, ahead: float) -> None:
    """When the server's time is another from one moment to the next, we find out and go on."""
    async with line.account() as account:
        line.listen(account)
        line.sandbox.faults.clock(ahead)
        await line.hears("after the jump")

        def found() -> bool:
            return account.clock_offset is not None and abs(account.clock_offset + ahead) < 5

        await until(found)
        assert (await account.call(ME, timeout=10))[0].id == line.user.id


# --- dead, slow and broken connections --------------------------------------------------------------------------------


async def test_a_dead_peer_is_found(line: Line) -> None:
    """A connection that swallows everything is replaced, what was asked on it is answered, and listeners are told."""
    async with line.account() as account:
        line.listen(account)
        line.proxy.half_open()
        asked = asyncio.create_task(account.call(ME))
        line.chat.post("lost")
        await until(lambda: line.proxy.accepted > 1)
        line.proxy.open()
        assert (await asked)[0].id == line.user.id
        await until(lambda: line.told > 0)
        await line.hears("heard again")


async def test_deaf_from_the_start(line: Line) -> None:
    """A connection that is mute from the first byte is replaced also before we have said who we are, or have a key."""
    line.proxy.half_open()
    for opened in (line.account(), line.stranger()):
        before = line.proxy.accepted
        opening = asyncio.create_task(opened.__aenter__())
        await until(lambda before=before: line.proxy.accepted > before + 1)
        line.proxy.open()
        account = await opening
        await asyncio.wait([asyncio.ensure_future(account.greet())])
        assert account.online
        line.proxy.half_open()
        await opened.__aexit__(None, None, None)


async def test_nobody_answers_for_long(line: Line) -> None:
    """Opening ends after its patience when the other side is mute."""
    line.proxy.half_open()
    with pytest.raises(Unreachable):
        async with line.account(patience=1.0):
            pass


async def test_a_lost_introduction(line: Line) -> None:
    """The answer to the first request is lost: it is asked again over a new connection."""
    line.sandbox.faults.lose_reply("help.getConfig")
    async with line.account() as account:
        assert (await account.call(ME))[0].id == line.user.id
        assert line.proxy.accepted == 2


async def test_a_slow_connection_is_not_dead(line: Line) -> None:
    """While a long answer crawls in, a pong behind it is waited for."""
    for number in range(100):
        line.chat.post(f"{number} " + "".join(chr(0x400 + (number * 31 + k * 7919) % 256) for k in range(200)))
    async with line.account() as account:
        line.proxy.slow(30_000)
        page = await account.call(_history(line))
        assert len(page.messages) == 100
        assert line.proxy.accepted == 1


async def test_a_storm_is_calmed(line: Line) -> None:
    """When every connection is reset at once, we do not try without pause."""
    async with line.account() as account:
        line.proxy.cut()
        line.proxy.reset_after(50)
        with pytest.raises(Unreachable):
            await account.call(ME, timeout=8)
        assert line.proxy.accepted <= STORM + 2


async def test_refused_for_a_while(line: Line) -> None:
    """Closed ports, then open ones: requests are answered again and pushes heard."""
    async with line.account() as account:
        line.listen(account)
        await line.proxy.refuse()
        line.proxy.cut()
        with pytest.raises(Unreachable):
            await account.call(ME, timeout=0.5)
        await line.proxy.refuse(False)
        await line.hears("back")


async def test_a_file_server_that_goes_deaf(line: Line) -> None:
    """Also the connection to another data centre is found dead and replaced."""
    number = line.chat.post(voice=b"OggS" + bytes(5000), duration=1, dc=4)
    document = line.chat.file_of(number).tl
    place = types.InputDocumentFileLocation(document.id, document.access_hash, document.file_reference, "")
    request = functions.upload.GetFileRequest(place, offset=0, limit=1024 * 512)
    async with line.account() as account:
        assert len((await account.call(request, dc=4)).bytes) == 5004
        line.proxy.half_open()
        with pytest.raises(Unreachable):
            await account.call(request, dc=4, timeout=0.3)
        line.proxy.open()
        assert len((await account.call(request, dc=4)).bytes) == 5004


# --- a new connection on request, and by itself -----------------------------------------------------------------------


async def test_reconnect(line: Line) -> None:
    """There is a new connection when it returns, listeners are told, pushes come; what was in the air is worth another try."""
    async with line.account() as account:
        line.listen(account)
        line.sandbox.faults.delay("help.getNearestDc", 60)
        asked = asyncio.create_task(account.call(functions.help.GetNearestDcRequest()))
        await asyncio.sleep(0.1)
        await account.reconnect()
        assert (line.proxy.accepted, line.told) == (2, 1)
        with pytest.raises(Unreachable):
            await asked
        await line.hears("after it")


async def test_reconnect_from_a_dead_connection(line: Line) -> None:
    """It does not wait for a peer that is gone, and says so when none answers; later there is a connection all the same."""
    async with line.account(keepalive=60.0) as account:
        line.proxy.half_open()
        with pytest.raises(Unreachable):
            await account.reconnect(timeout=0.5)
        line.proxy.cut()
        await account.call(ME, timeout=10)


class Breaking(Link):
    """A connection that breaks with the first packet that is sent."""

    def _send(self, data: bytes) -> None:
        raise ConnectionResetError


async def test_a_connection_that_breaks_while_sending(line: Line) -> None:
    """Whoever waits for what comes in is told at once, not at the next packet that cannot be sent."""
    link = Breaking("127.0.0.1", line.proxy.port, 2, loggers=defaultdict(logging.getLogger))
    await link.connect(timeout=5)
    waiting = asyncio.create_task(link.recv())
    await asyncio.sleep(0)
    await link.send(b"packet")
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(waiting, 10)


async def test_reconnect_twice_at_once(line: Line) -> None:
    """Two who want it get the same one."""
    async with line.account() as account:
        await asyncio.gather(account.reconnect(), account.reconnect())
        assert line.proxy.accepted == 2


async def test_an_ended_connection_is_replaced(line: Line) -> None:
    """One that Telethon gave up for good comes back though nobody asks for anything."""
    async with line.account() as account:
        line.listen(account)
        await account._line._client.sender._disconnect(error=ConnectionError())
        await until(lambda: line.told > 0)
        await line.hears("by itself")


async def test_a_server_that_forgets(line: Line) -> None:
    """A server that has lost our session says so at the next packet, and listeners are told."""
    async with line.account() as account:
        line.listen(account)
        line.sandbox.forget_sessions()
        await until(lambda: line.told > 0)
        await line.hears("in a new session")
        assert line.proxy.accepted == 1


# --- accounts that are lost -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("blow", "words"),
    [("revoke", "ended from another device"), ("duplicate", "two places"), ("ban", "banned"), ("freeze", "frozen")],
)
async def test_a_lost_account_is_noticed(line: Line, blow: str, words: str) -> None:
    """Though nobody asks for anything, the refusal is known soon, and listeners are told."""
    async with line.account() as account:
        line.listen(account)
        getattr(line.sandbox, blow)(line.user, **({"hard": True} if blow == "freeze" else {}))
        await until(lambda: account.refusal is not None)
        assert isinstance(account.refusal, AccountDead)
        assert words in str(account.refusal)
        assert line.told == 1
        with pytest.raises(AccountDead, match=words):
            await account.call(ME)


async def test_a_key_that_is_gone_is_noticed(line: Line) -> None:
    """The server no longer knows our key: a login is needed, and every caller is told so."""
    async with line.account() as account:
        line.listen(account)
        line.sandbox.forget_keys(line.user)
        await until(lambda: account.refusal is not None)
        assert isinstance(account.refusal, LoginNeeded)
        assert line.told == 1
        with pytest.raises(LoginNeeded):
            await account.call(ME)


async def test_an_account_that_is_good_again(line: Line) -> None:
    """A ban that was taken back is noticed too."""
    async with line.account() as account:
        line.sandbox.ban(line.user)
        await until(lambda: account.refusal is not None)
        line.sandbox.unban(line.user)
        await until(lambda: account.refusal is None)
