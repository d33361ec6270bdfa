"""Accounts: state, budgets, who carries which channel, and who may use them."""

import asyncio
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from bot.errors import Locked
from bot.model import AccountState, ChannelId, WatchingAccount
from bot.store import Store
from bot.store.engine import Database, parse_url
from bot.store.lease import Lease, _Keeper, hold
from tests.store.making import BLOGGER, LAWMAKER, NOON, channel
from tests.stores import fresh_sqlite, opened, postgres_url


async def test_state(store: Store) -> None:
    """The same state again keeps its since; what is not told of slots and Premium stays as it was."""
    assert await store.accounts.all() == ()
    await store.accounts.record_state("main", AccountState.ACTIVE, reason=None, at=NOON, slots=12, premium=True)
    later = NOON + timedelta(hours=1)
    await store.accounts.record_state("main", AccountState.ACTIVE, reason=None, at=later)
    await store.channels.carry({BLOGGER: None})
    expected = WatchingAccount(
        name="main", state=AccountState.ACTIVE, since=NOON, reason=None, channels=1, slots=12, premium=True
    )
    assert await store.accounts.all() == (expected,)
    for minutes in (60, 90):
        at = NOON + timedelta(minutes=minutes)
        await store.accounts.record_state("main", AccountState.FROZEN, reason="FROZEN_METHOD_INVALID", at=at, slots=0)
    (frozen,) = (await store.archive.status(NOON)).accounts
    assert (frozen.state, frozen.since, frozen.reason, frozen.slots) == ("frozen", later, "FROZEN_METHOD_INVALID", 0)
    await store.accounts.record_state("main", AccountState.ACTIVE, reason=None, at=later)
    (again,) = await store.accounts.all()
    assert (again.state, again.reason) == ("active", None)


async def test_carried(store: Store) -> None:
    """A new channel is its pinner's; another account can be given it, with hash and membership of its own."""
    assert [one.account for one in await store.channels.all()] == ["main", "main"]
    seen = channel(LAWMAKER, handle="Gurulev", priority=1, access_hash=99, joined=True)
    await store.channels.pin(seen, account="second")
    first = await store.channels.get(LAWMAKER)
    assert first
    assert (first.account, first.access_hash, first.joined) == ("main", 77, False)
    await store.channels.carry({LAWMAKER: "second", BLOGGER: None})
    await store.channels.carry({})
    moved, nobodys = await store.channels.all()
    assert (moved.account, moved.access_hash, moved.joined) == ("second", 99, True)
    assert (nobodys.account, nobodys.access_hash, nobodys.joined) == (None, 0, False)
    mine = await store.channels.all("main")
    assert [(one.access_hash, one.joined, one.account) for one in mine] == [(77, False, "second"), (77, False, None)]
    found = await store.channels.get(LAWMAKER, "main")
    assert found
    assert found.access_hash == 77


async def test_pinned_without_a_hash(store: Store) -> None:
    """Pinning with no access hash leaves hash and membership; recording a hash leaves membership."""
    await store.channels.pin(channel(LAWMAKER, joined=True), account="main")
    await store.channels.pin(channel(LAWMAKER, access_hash=0), account="main")
    await store.accounts.record_hash("main", LAWMAKER, 78)
    found = await store.channels.get(LAWMAKER)
    assert found
    assert (found.access_hash, found.joined) == (78, True)


async def test_carrier_named_at_pinning(store: Store) -> None:
    """Who looks a new channel up need not be who is to hear it."""
    new = channel(ChannelId(-100779), account="second")
    await store.channels.pin(new, account="main")
    assert (await store.accounts.hashes("main"))[new.channel_id] == 77
    found = await store.channels.get(new.channel_id)
    assert found
    assert (found.account, found.access_hash) == ("second", 0)


async def test_budget(store: Store) -> None:
    """Calls are counted by account and method, also two of one moment; after two days they are forgotten."""
    for hours in (0, 0, 1, 30):
        await store.accounts.spend("main", "contacts.resolveUsername", NOON + timedelta(hours=hours))
    await store.accounts.spend("main", "channels.joinChannel", NOON)
    await store.accounts.spend("second", "contacts.resolveUsername", NOON)
    spent = await store.accounts.spent("main", "contacts.resolveUsername", NOON)
    assert spent == tuple(NOON + timedelta(hours=hours) for hours in (0, 0, 1, 30))
    assert len(await store.accounts.spent("main", "contacts.resolveUsername", NOON + timedelta(hours=1))) == 2
    await store.accounts.spend("main", "contacts.resolveUsername", NOON + timedelta(hours=49, minutes=30))
    assert len(await store.accounts.spent("main", "contacts.resolveUsername", NOON)) == 2
    assert len(await store.accounts.spent("second", "contacts.resolveUsername", NOON)) == 1


async def test_no_lease_on_one_machine(tmp_path: Path) -> None:
    """SQLite serves one machine: there the lease is always had."""
    async with (
        opened(fresh_sqlite(tmp_path), tmp_path) as store,
        store.accounts.lease("main") as one,
        store.accounts.lease("main") as other,
    ):
        assert not one.lost.is_set()
        assert not other.lost.is_set()


@pytest.mark.slow
async def test_lease(tmp_path: Path) -> None:
    """Of two machines on one database, one has the account; the other is refused at once, and can have another one."""
    url = postgres_url()
    async with opened(url, tmp_path) as store, opened(url, tmp_path) as other:
        async with store.accounts.lease("main") as lease, other.accounts.lease("second"):
            with pytest.raises(Locked, match="The account main is in use by another Earshot"):
                await other.accounts.lease("main").__aenter__()
            assert not lease.lost.is_set()
        async with other.accounts.lease("main"), store.accounts.lease("second"):
            pass


@pytest.mark.slow
async def test_lease_taken_again(tmp_path: Path) -> None:
    """A lease whose connection is lost is taken again, while nobody else has it."""
    url = postgres_url()
    async with opened(url, tmp_path) as store, hold(store._database, "main", look_seconds=0.05) as lease:
        first = await _end_lease(url)
        for _ in range(200):
            if await _lease_backend(url) not in (None, first):
                break
            await asyncio.sleep(0.05)
        assert not lease.lost.is_set()
        with pytest.raises(Locked):
            await store.accounts.lease("main").__aenter__()


@pytest.mark.slow
async def test_lease_lost(tmp_path: Path) -> None:
    """When another machine was quicker after the connection broke, the holder learns that the account is no longer its."""
    url = postgres_url()
    async with opened(url, tmp_path) as store, hold(store._database, "main", look_seconds=0.5) as lease:
        await _end_lease(url)
        async with store.accounts.lease("main"):
            await asyncio.wait_for(lease.lost.wait(), 30)


@pytest.mark.slow
async def test_our_own_ghost(tmp_path: Path) -> None:
    """A connection that broke on our side alone still holds the lock at the server: it is ended, and the lock taken."""
    database = Database(parse_url(postgres_url()))
    keeper = _Keeper(database, Lease("main"))
    await keeper.take()
    ghost, keeper._conn = keeper._conn, None
    assert ghost
    while keeper._conn is None:
        await keeper._look()
    await ghost.invalidate()
    await ghost.close()
    await keeper.close()
    await database.close()


async def _lease_backend(url: str) -> int | None:
    """The server's process that holds a lease of this database."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        query = (
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'earshot lease' AND datname = current_database()"
        )
        row = await (await conn.execute(query)).fetchone()
        return None if row is None else int(row[0])


async def _end_lease(url: str) -> int | None:
    """Break the connection that holds a lease; give its former process."""
    backend = await _lease_backend(url)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        await conn.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
    return backend
