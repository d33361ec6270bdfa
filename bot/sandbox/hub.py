"""Keys, sessions and calls of all data centres: what a connection hands its packets to, and what pushes go through."""

import asyncio
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from telethon.crypto import AuthKey
from telethon.tl import TLObject, types
from telethon.tl.functions import DestroyAuthKeyRequest, DestroySessionRequest

from bot.sandbox.cipher import Envelope
from bot.sandbox.exchange import Exchange, Outcome, Unwrapped, unwrap
from bot.sandbox.faults import Faults
from bot.sandbox.handshake import Handshake
from bot.sandbox.keys import ServerKey
from bot.sandbox.logins import Device, Logins
from bot.sandbox.session import Link, Salts, Session
from bot.sandbox.world import World

# The session whose call is being served: Telegram tells it what it changed in the answer, not by a push.
_SERVING: ContextVar[Session | None] = ContextVar("serving", default=None)

# Sessions without a connection that are kept, in case their clients come back.
_IDLE_SESSIONS = 1000


class Hub:
    """The memory of the server; outlives its connections."""

    def __init__(self, world: World, faults: Faults, clock: Callable[[], float]) -> None:
        self._real_clock = clock
        self.salts = Salts(self.clock)
        self.exchange = Exchange(world, faults)
        self.logins = Logins(world, on_confirmed=self._push_login_token)
        self.server_key: ServerKey | None = None
        self._world = world
        self._faults = faults
        # (authorization key, session id) -> session
        self._sessions: dict[tuple[int, int], Session] = {}
        # Calls being served.
        self._tasks: dict[tuple[int, int], asyncio.Task[bool]] = {}
        world.subscribe(self._push)

    def clock(self) -> float:
        """The server's time, in seconds since the epoch."""
        return self._real_clock() + self._world.switches.clock_ahead

    # --- for connections ----------------------------------------------------------------------------------------------

    def new_handshake(self) -> Handshake:
        """Begin a key exchange."""
        if self.server_key is None:
            raise RuntimeError("the server has not been started")
        return Handshake(self.server_key, self.clock)

    def add_key(self, key: AuthKey, dc: int) -> Device:
        """Keep a new authorization key."""
        return self.logins.add_device(key, dc)

    def key(self, key_id: int, dc: int) -> AuthKey | None:
        """A key by its id, if it is valid at that data centre."""
        device = self.logins.devices.get(key_id)
        return device.key if device is not None and device.dc == dc else None

    def receive(self, key: AuthKey, envelope: Envelope, link: Link) -> None:
        """Hand a packet to its session, which is new when it was not heard of before."""
        name = (key.key_id, envelope.session_id)
        session = self._sessions.get(name)
        if session is None:
            session = Session(
                envelope.session_id,
                key,
                salts=self.salts,
                clock=self.clock,
                serve=self._serve,
                take_unknown=self._faults.take_unknown,
            )
            self._sessions[name] = session
        session.receive(envelope, link)

    def unlink(self, link: Link) -> None:
        """A connection is gone; of the sessions that nobody has taken up again, the oldest are forgotten."""
        for session in self._sessions.values():
            session.unlink(link)
        idle = [name for name, session in self._sessions.items() if session.link is None]
        for name in idle[: max(len(idle) - _IDLE_SESSIONS, 0)]:
            del self._sessions[name]

    async def close(self) -> None:
        """Break off the calls that are being served, and what is still to be pushed."""
        self._faults.pushes.close()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def forget_keys(self, user_id: int) -> None:
        """Lose the keys of a user."""
        for device in list(self.logins.of_user(user_id)):
            self._forget(device.auth_key_id)

    def forget_sessions(self) -> None:
        """Lose all sessions; their clients are told when they are next heard."""
        self._sessions.clear()

    # --- calls --------------------------------------------------------------------------------------------------------

    def _serve(self, session: Session, msg_id: int, request: Any) -> None:
        call = unwrap(request)
        match call.request:
            case DestroySessionRequest():
                session.reply(self._destroy_session(session, call.request.session_id))
                return
            case DestroyAuthKeyRequest():
                session.reply(types.DestroyAuthKeyOk())
                asyncio.get_running_loop().call_soon(self._forget, session.key.key_id)
                return
        name = (session.key.key_id, msg_id)
        task = asyncio.create_task(self._perform(session, self.logins.devices[name[0]], msg_id, call))
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._tasks.pop(name, None))

    async def _perform(self, session: Session, device: Device, msg_id: int, call: Unwrapped) -> bool:
        _SERVING.set(session)
        session.wants_updates |= not call.without_updates
        if not await self._all_went_well(session, call.after):
            outcome = Outcome(bytes(types.RpcError(400, "MSG_WAIT_FAILED")), ok=False)
        else:
            outcome = await self.exchange.perform(device, call)
        session.answer(msg_id, outcome.body, lost=outcome.lost)
        self._faults.after()
        return outcome.ok

    async def _all_went_well(self, session: Session, msg_ids: list[int]) -> bool:
        """Wait for the calls that invokeAfterMsg names; those no longer running are taken as done."""
        tasks = [task for msg_id in msg_ids if (task := self._tasks.get((session.key.key_id, msg_id)))]
        return all(await asyncio.gather(*tasks))

    def _destroy_session(self, session: Session, session_id: int) -> TLObject:
        if self._sessions.pop((session.key.key_id, session_id), None):
            return types.DestroySessionOk(session_id)
        return types.DestroySessionNone(session_id)

    def _forget(self, key_id: int) -> None:
        self.logins.devices.pop(key_id, None)
        self._sessions = {name: session for name, session in self._sessions.items() if name[0] != key_id}

    # --- pushes -------------------------------------------------------------------------------------------------------

    def _push(self, user_id: int, updates: Any) -> None:
        """Tell the sessions in which the user listens; those of file downloads do not."""
        if user_id in self.logins.banned:
            return
        listening = list(self._listening(self._devices(user_id)))

        def send(what: Any) -> None:
            for session in listening:
                if session.listens:
                    session.push(what)

        if listening:
            self._faults.pushes.route(user_id, updates, send)

    def _devices(self, user_id: int) -> set[int]:
        return {device.auth_key_id for device in self.logins.of_user(user_id) if not device.imported}

    def _push_login_token(self, device: Device) -> None:
        for session in self._listening({device.auth_key_id}):
            session.push(types.UpdateShort(types.UpdateLoginToken(), self._world.now()))

    def _listening(self, key_ids: set[int]) -> Iterator[Session]:
        serving = _SERVING.get()
        for (key_id, _), session in self._sessions.items():
            if key_id in key_ids and session.listens and session is not serving:
                yield session
