"""Making an authorization key with a client (https://core.telegram.org/mtproto/auth_key), server side.

The client's first message to the RSA key is SHA1(data) + data + padding, the older of the two documented forms: it is
the one that Telethon 1.45 sends.
"""

import os
from collections.abc import Callable
from hashlib import sha1
from typing import Any

from telethon.crypto import AES, AuthKey
from telethon.crypto.rsa import get_byte_array
from telethon.extensions import BinaryReader
from telethon.helpers import generate_key_data_from_nonce
from telethon.tl import types
from telethon.tl.functions import ReqDHParamsRequest, ReqPqMultiRequest, ReqPqRequest, SetClientDHParamsRequest

from bot.sandbox.cipher import BadPacket
from bot.sandbox.keys import GENERATOR, PRIME, ServerKey

# Small primes do: factoring them protects Telegram from floods, not the key. Telethon reads the product as a signed
# number, so the top bit of its first byte must be clear.
_P, _Q = 134_217_689, 67_108_859
# g_a and g_b must keep this far from 0 and from the prime.
_MARGIN = 1 << (2048 - 64)


def _nonce(size: int = 16) -> int:
    return int.from_bytes(os.urandom(size), "little", signed=True)


class Handshake:
    """One key exchange; requests must come in order. `key` is set once it is through."""

    def __init__(self, server_key: ServerKey, clock: Callable[[], float], secret: int | None = None) -> None:
        self.key: AuthKey | None = None
        self._server_key = server_key
        self._clock = clock
        self._secret = secret or int.from_bytes(os.urandom(64), "big")
        self._server_nonce = _nonce()
        self._nonce: int | None = None
        self._new_nonce: int | None = None

    def answer(self, request: Any) -> Any:
        """The server's answer to one step; BadPacket for a step out of order or a wrong value."""
        match request:
            case ReqPqMultiRequest() | ReqPqRequest():
                return self._start(request)
            case ReqDHParamsRequest() if request.nonce == self._nonce and request.server_nonce == self._server_nonce:
                return self._offer(request)
            case SetClientDHParamsRequest() if (
                self._new_nonce is not None
                and request.nonce == self._nonce
                and request.server_nonce == self._server_nonce
            ):
                return self._finish(request, self._new_nonce)
        raise BadPacket(f"{type(request).__name__} does not belong here in a key exchange")

    def _start(self, request: Any) -> types.ResPQ:
        self._nonce, self._new_nonce = request.nonce, None
        return types.ResPQ(request.nonce, self._server_nonce, get_byte_array(_P * _Q), [self._server_key.fingerprint])

    def _offer(self, request: ReqDHParamsRequest) -> types.ServerDHParamsOk:
        if request.public_key_fingerprint != self._server_key.fingerprint:
            raise BadPacket("a key exchange for another server key")
        inner = _verified(self._server_key.decrypt(request.encrypted_data), types.PQInnerData)
        if (inner.nonce, inner.server_nonce) != (self._nonce, self._server_nonce):
            raise BadPacket("other nonces inside than outside")
        if {int.from_bytes(inner.p, "big"), int.from_bytes(inner.q, "big")} != {_P, _Q}:
            raise BadPacket("pq was not factored")
        self._new_nonce = inner.new_nonce
        offer = types.ServerDHInnerData(
            nonce=inner.nonce,
            server_nonce=inner.server_nonce,
            g=GENERATOR,
            dh_prime=get_byte_array(PRIME),
            g_a=get_byte_array(pow(GENERATOR, self._secret, PRIME)),
            server_time=int(self._clock()),
        )
        plain = bytes(offer)
        plain = sha1(plain).digest() + plain  # noqa: S324 - what the protocol says
        plain += os.urandom(-len(plain) % 16)
        return types.ServerDHParamsOk(
            inner.nonce, inner.server_nonce, AES.encrypt_ige(plain, *self._aes(inner.new_nonce))
        )

    def _finish(self, request: SetClientDHParamsRequest, new_nonce: int) -> types.DhGenOk:
        if len(request.encrypted_data) % 16:
            raise BadPacket("encrypted data of a broken block")
        plain = bytes(AES.decrypt_ige(request.encrypted_data, *self._aes(new_nonce)))
        inner = _verified(plain, types.ClientDHInnerData)
        if (inner.nonce, inner.server_nonce) != (self._nonce, self._server_nonce):
            raise BadPacket("other nonces inside than outside")
        g_b = int.from_bytes(inner.g_b, "big")
        if not _MARGIN <= g_b <= PRIME - _MARGIN:
            raise BadPacket("g_b is out of range")
        # Telethon drops leading zero bytes of the shared number (one key in 256 has some), so its key is shorter.
        self.key = AuthKey(get_byte_array(pow(g_b, self._secret, PRIME)))
        proof = self.key.calc_new_nonce_hash(new_nonce, 1)
        return types.DhGenOk(request.nonce, request.server_nonce, proof)

    def _aes(self, new_nonce: int) -> tuple[bytes, bytes]:
        return generate_key_data_from_nonce(self._server_nonce, new_nonce)


def _verified(plain: bytes, kind: type) -> Any:
    """The object in SHA1(object) + object + padding."""
    reader = BinaryReader(plain[20:])
    inner = reader.tgread_object()
    if not isinstance(inner, kind):
        raise BadPacket(f"{type(inner).__name__} inside a key exchange")
    if sha1(plain[20 : 20 + reader.tell_position()]).digest() != plain[:20]:  # noqa: S324
        raise BadPacket("wrong SHA1 inside a key exchange")
    return inner
