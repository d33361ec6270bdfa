"""What is read from the wire and what is passed over, packet by packet."""

import gzip
import logging
import os
import struct
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telethon.crypto import AuthKey
from telethon.errors import InvalidBufferError, SecurityError
from telethon.tl import TLObject, types
from telethon.tl.core import GzipPacked, MessageContainer, RpcResult

from bot.sandbox.cipher import Envelope, seal
from bot.telegram.clockwork import ServerClock
from bot.telegram.mtproto import State, Unreadable, read

PONG = bytes(types.Pong(1, 2))
UNKNOWN = b"\xde\xc0\xad\x0b" + b"\0" * 12
KEY = AuthKey(bytes(range(256)))


def container(*bodies: bytes) -> bytes:
    """A container of these messages, numbered from 1."""
    inner = b"".join(struct.pack("<qii", n, 0, len(body)) + body for n, body in enumerate(bodies, 1))
    return struct.pack("<Ii", MessageContainer.CONSTRUCTOR_ID, len(bodies)) + inner


def packed(body: bytes) -> bytes:
    """The same, compressed."""
    return struct.pack("<I", GzipPacked.CONSTRUCTOR_ID) + TLObject.serialize_bytes(gzip.compress(body))


def names(read_object: TLObject) -> list[str]:
    """The kinds of the messages in a container."""
    assert isinstance(read_object, MessageContainer)
    return [type(message.obj).__name__ for message in read_object.messages]


def test_known_messages_beside_unknown_ones_are_read() -> None:
    """In a container each message is read by itself, compressed or not, wherever the unknown ones stand."""
    answer = struct.pack("<Iq", RpcResult.CONSTRUCTOR_ID, 7) + PONG
    broken = bytes(types.Updates([], [], [], None, 0))[:-8]
    found = read(container(UNKNOWN, PONG, packed(UNKNOWN), packed(PONG), answer, broken, PONG))
    assert names(found) == ["Unreadable", "Pong", "Unreadable", "Pong", "RpcResult", "Unreadable", "Pong"]
    assert [message.msg_id for message in found.messages] == list(range(1, 8))
    assert found.messages[4].obj.body == PONG
    assert found.messages[0].obj.constructor == 0x0BADC0DE


def test_an_unknown_object_alone() -> None:
    """A packet of nothing else is one unreadable message, not an error."""
    assert isinstance(read(UNKNOWN), Unreadable)
    assert isinstance(read(packed(UNKNOWN)), Unreadable)
    inside = bytes(types.UpdateShort(types.UpdateConfig(), None)).replace(bytes(types.UpdateConfig()), UNKNOWN[:4])
    assert isinstance(read(inside), Unreadable)


@given(st.binary(max_size=200), st.sampled_from([b"", PONG, container(PONG, PONG), packed(PONG)]), st.integers(0, 300))
def test_no_bytes_break_the_reader(noise: bytes, good: bytes, cut: int) -> None:
    """Whatever comes, an object comes out."""
    for body in (noise, good + noise, good[:cut] + noise):
        assert isinstance(read(body), TLObject)


class Peer:
    """A server that writes packets for one state, on clocks in our hand."""

    def __init__(self) -> None:
        self.steady = 50.0
        self.server = 1_700_000_000.0
        self.local_ahead = 0.0
        self.strays = 0
        clock = ServerClock(steady=lambda: self.steady, wall=lambda: self.server + self.local_ahead)
        loggers = defaultdict(lambda: logging.getLogger("test"))
        self.state = State(KEY, loggers, clock=clock, on_stray=self._stray)
        self.state.encrypt_message_data(struct.pack("<qii", 4, 1, 4) + b"\0" * 4)

    def pass_by(self, seconds: float) -> None:
        """Time goes on."""
        self.steady += seconds
        self.server += seconds

    def packet(self, body: bytes = PONG, *, age: float = 0.0, session: int | None = None, odd: int = 1) -> bytes:
        """A packet made so many seconds ago."""
        msg_id = int((self.server - age) * (1 << 32)) & ~3 | odd
        return seal(KEY, Envelope(0, self.state.id if session is None else session, msg_id, 0, body))

    def takes(self, packet: bytes) -> bool:
        """Whether the state takes it in."""
        return self.state.decrypt_message_data(packet) is not None

    def _stray(self) -> None:
        self.strays += 1


@pytest.mark.parametrize("ahead", [-1e6, -310, -35, -25, 25, 35, 310, 1e6])
def test_our_own_clock_has_no_say(ahead: float) -> None:
    """However wrong it is, and set while we run, messages of now are taken in and ours are numbered by the server's time."""
    peer = Peer()
    peer.local_ahead = ahead
    for _ in range(3):
        assert peer.takes(peer.packet())
        assert abs((peer.state._get_new_msg_id() >> 32) - peer.server) <= max(ahead, 1) + 1
        peer.pass_by(1000)
    peer.local_ahead = -ahead
    assert peer.takes(peer.packet())
    assert peer.strays == 0


def test_numbers_only_grow() -> None:
    """A first message from a clock that was ahead is followed by higher numbers still."""
    peer = Peer()
    peer.local_ahead = 25
    first = peer.state._get_new_msg_id()
    peer.takes(peer.packet())
    later = [peer.state._get_new_msg_id() for _ in range(3)]
    assert first < later[0] < later[1] < later[2]
    assert (later[2] >> 32) - peer.server <= 26


def test_messages_of_another_time_are_passed_over() -> None:
    """More than 300 s old or 30 s new: not taken in, and a new connection is wanted."""
    peer = Peer()
    assert peer.takes(peer.packet())
    taken = {age: peer.takes(peer.packet(age=age)) for age in (-31, -29, 299, 301)}
    assert taken == {-31: False, -29: True, 299: True, 301: False}
    assert peer.strays == 2


def test_nothing_is_taken_twice() -> None:
    """A packet that is sent again is passed over, also after hundreds of others."""
    peer = Peer()
    packets = []
    for _ in range(600):
        peer.pass_by(0.01)
        packets.append(peer.packet())
        assert peer.takes(packets[-1])
    assert not any(peer.takes(packet) for packet in packets)
    assert peer.strays == 0


def test_what_is_forged_or_of_another_session_raises() -> None:
    """Another key, a changed byte, another session, an even number, no padding: a SecurityError each."""
    peer = Peer()
    good = peer.packet()
    with pytest.raises(InvalidBufferError):
        peer.takes(struct.pack("<i", -404))
    changed = bytearray(good)
    changed[40] ^= 1
    other_key = seal(AuthKey(os.urandom(256)), Envelope(0, peer.state.id, 5, 0, PONG))
    for packet in (bytes(changed), other_key, peer.packet(session=1), peer.packet(odd=0), peer.packet(body=b"")):
        with pytest.raises(SecurityError):
            peer.takes(packet)
    assert peer.takes(good)


def test_a_new_session_forgets() -> None:
    """After a reset nothing of the former session is taken in, and the time is measured anew."""
    peer = Peer()
    old = peer.packet()
    assert peer.takes(old)
    peer.state.reset()
    peer.server += 5000
    peer.state.encrypt_message_data(struct.pack("<qii", 8, 1, 4) + b"\0" * 4)
    with pytest.raises(SecurityError):
        peer.takes(old)
    assert peer.takes(peer.packet())
    assert peer.takes(peer.packet(age=-1))
    assert peer.strays == 0
