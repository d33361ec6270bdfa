"""Making an authorization key, step by step and without a network."""

import time
from hashlib import sha1
from typing import Any

import pytest
from telethon.crypto import AES, AuthKey
from telethon.crypto import rsa as client_rsa
from telethon.crypto.rsa import get_byte_array
from telethon.extensions import BinaryReader
from telethon.helpers import generate_key_data_from_nonce
from telethon.network.authenticator import do_authentication
from telethon.tl import functions, types

from bot.sandbox.cipher import BadPacket
from bot.sandbox.handshake import Handshake
from bot.sandbox.keys import GENERATOR, PRIME, ServerKey

SERVER_KEY = ServerKey.open(None)


class Plain:
    """Stands where Telethon's unencrypted sender stands, and carries every message through its serialised form."""

    def __init__(self, handshake: Handshake) -> None:
        self.handshake = handshake

    async def send(self, request: Any) -> Any:
        """Ask the handshake."""
        answer = self.handshake.answer(BinaryReader(bytes(request)).tgread_object())
        return BinaryReader(bytes(answer)).tgread_object()


@pytest.fixture(autouse=True)
def _known_key() -> None:
    client_rsa.add_key(SERVER_KEY.public_key.read_bytes(), old=False)


async def test_telethon_and_server_end_with_the_same_key() -> None:
    """A key exchange with Telethon's own client code gives both sides one key and the server's time."""
    handshake = Handshake(SERVER_KEY, lambda: time.time() + 100)
    key, offset = await do_authentication(Plain(handshake))
    assert handshake.key == key
    assert 98 <= offset <= 102


@pytest.mark.slow
async def test_forty_key_exchanges_succeed() -> None:
    """None of 40 exchanges fails; the one key in 256 that has leading zero bytes has a test of its own."""
    lengths = set()
    for _ in range(40):
        handshake = Handshake(SERVER_KEY, time.time)
        key, _ = await do_authentication(Plain(handshake))
        assert handshake.key == key
        lengths.add(len(key.key))
    assert 256 in lengths


async def test_a_key_with_leading_zeros_is_as_telethon_makes_it() -> None:
    """Where the shared number has a leading zero byte, the server's key drops it, as Telethon does."""
    secret = 5**300
    g_a = pow(GENERATOR, secret, PRIME)
    shared, exponent = g_a, 1
    while shared.bit_length() > 2040 or pow(GENERATOR, exponent, PRIME).bit_length() < 2000:
        shared, exponent = shared * g_a % PRIME, exponent + 1
    handshake = Handshake(SERVER_KEY, time.time, secret)
    await _exchange(handshake, exponent)
    assert handshake.key == AuthKey(get_byte_array(shared))
    assert len(handshake.key.key) < 256


async def _exchange(handshake: Handshake, exponent: int) -> None:
    res_pq, aes = await _to_offer(handshake)
    inner = bytes(
        types.ClientDHInnerData(1, res_pq.server_nonce, 0, get_byte_array(pow(GENERATOR, exponent, PRIME))),
    )
    body = AES.encrypt_ige(_hashed(inner), *aes)
    handshake.answer(functions.SetClientDHParamsRequest(1, res_pq.server_nonce, body))


async def _to_offer(handshake: Handshake, **wrong: Any) -> tuple[Any, tuple[bytes, bytes]]:
    res_pq = handshake.answer(functions.ReqPqMultiRequest(1))
    numbers = {"p": get_byte_array(134_217_689), "q": get_byte_array(67_108_859), "nonce": 1} | wrong
    inner = types.PQInnerData(pq=res_pq.pq, server_nonce=res_pq.server_nonce, new_nonce=77, **numbers)
    body = client_rsa.encrypt(SERVER_KEY.fingerprint, bytes(inner))
    handshake.answer(
        functions.ReqDHParamsRequest(1, res_pq.server_nonce, inner.p, inner.q, SERVER_KEY.fingerprint, body)
    )
    return res_pq, generate_key_data_from_nonce(res_pq.server_nonce, 77)


def _hashed(data: bytes) -> bytes:
    return sha1(data).digest() + data + b"\0" * (-(20 + len(data)) % 16)  # noqa: S324 - what the protocol says


async def test_steps_out_of_order_are_refused() -> None:
    """The last step cannot come first."""
    handshake = Handshake(SERVER_KEY, time.time)
    with pytest.raises(BadPacket, match="does not belong"):
        handshake.answer(functions.SetClientDHParamsRequest(1, 2, b""))


async def test_unfactored_pq_is_refused() -> None:
    """A client must do the proof of work."""
    with pytest.raises(BadPacket, match="factored"):
        await _to_offer(Handshake(SERVER_KEY, time.time), p=b"\3")


async def test_a_foreign_inner_nonce_is_refused() -> None:
    """The nonce inside the encrypted part must be that of the exchange."""
    with pytest.raises(BadPacket, match="nonces"):
        await _to_offer(Handshake(SERVER_KEY, time.time), nonce=2)


@pytest.mark.parametrize("exponent", [1, 100])
async def test_a_weak_g_b_is_refused(exponent: int) -> None:
    """g_b must lie well within the group."""
    with pytest.raises(BadPacket, match="g_b"):
        await _exchange(Handshake(SERVER_KEY, time.time), exponent)


async def test_a_broken_hash_is_refused() -> None:
    """A client message whose SHA1 does not fit is refused."""
    handshake = Handshake(SERVER_KEY, time.time)
    res_pq, aes = await _to_offer(handshake)
    inner = bytes(types.ClientDHInnerData(1, res_pq.server_nonce, 0, b"\1" * 256))
    body = AES.encrypt_ige(b"\0" * 20 + inner + b"\0" * (-(20 + len(inner)) % 16), *aes)
    with pytest.raises(BadPacket, match="SHA1"):
        handshake.answer(functions.SetClientDHParamsRequest(1, res_pq.server_nonce, body))


@pytest.mark.slow
def test_a_state_folder_keeps_its_key_pair(tmp_path: Any) -> None:
    """The key pair is made once per folder, and only its public half is for clients."""
    first = ServerKey.open(tmp_path / "state")
    again = ServerKey.open(tmp_path / "state")
    assert first.fingerprint == again.fingerprint != SERVER_KEY.fingerprint
    assert "PRIVATE" not in first.public_key.read_text()
    assert (tmp_path / "state" / "server_key.pem").stat().st_mode & 0o077 == 0
