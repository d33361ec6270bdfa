"""MTProto 2.0 encryption of one packet (https://core.telegram.org/mtproto/description)."""

import os
import struct
from dataclasses import dataclass
from hashlib import sha256

from telethon.crypto import AES, AuthKey
from telethon.network.mtprotostate import MTProtoState

_HEAD = struct.Struct("<qqqii")


class BadPacket(Exception):
    """A packet that breaks the protocol; Telegram closes the connection on it."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What an encrypted packet holds: one message, which may be a container."""

    salt: int
    session_id: int
    msg_id: int
    seqno: int
    body: bytes


def seal(key: AuthKey, envelope: Envelope, *, from_client: bool = False) -> bytes:
    """The packet for an envelope."""
    head = _HEAD.pack(envelope.salt, envelope.session_id, envelope.msg_id, envelope.seqno, len(envelope.body))
    plain = head + envelope.body
    plain += os.urandom(-(len(plain) + 12) % 16 + 12)
    msg_key = _message_key(key, plain, from_client)
    aes_key, aes_iv = MTProtoState._calc_key(key.key, msg_key, from_client)
    return struct.pack("<Q", key.key_id) + msg_key + bytes(AES.encrypt_ige(plain, aes_key, aes_iv))


def unseal(key: AuthKey, packet: bytes, *, from_client: bool = True) -> Envelope:
    """The envelope in a packet for `key`; BadPacket when its key, length or padding is wrong."""
    if len(packet) < 24 + 48 or (len(packet) - 24) % 16:
        raise BadPacket(f"an encrypted packet of {len(packet)} bytes")
    msg_key = packet[8:24]
    aes_key, aes_iv = MTProtoState._calc_key(key.key, msg_key, from_client)
    plain = bytes(AES.decrypt_ige(packet[24:], aes_key, aes_iv))
    if _message_key(key, plain, from_client) != msg_key:
        raise BadPacket("msg_key does not belong to the message")
    salt, session_id, msg_id, seqno, length = _HEAD.unpack_from(plain)
    padding = len(plain) - _HEAD.size - length
    if length < 4 or length % 4 or not 12 <= padding <= 1024:
        raise BadPacket(f"a message of {length} bytes with {padding} bytes of padding")
    return Envelope(salt, session_id, msg_id, seqno, plain[_HEAD.size : _HEAD.size + length])


def _message_key(key: AuthKey, plain: bytes, from_client: bool) -> bytes:
    start = 88 if from_client else 96
    return sha256(key.key[start : start + 32] + plain).digest()[8:24]
