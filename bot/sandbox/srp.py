"""The server's half of Telegram's two-step password check (https://core.telegram.org/api/srp)."""

import hmac
import os
from hashlib import sha256
from typing import Any

from telethon.password import big_num_for_hash, compute_hash
from telethon.tl import types

from bot.sandbox.keys import GENERATOR, PRIME

_P = PRIME.to_bytes(256, "big")
_G = GENERATOR.to_bytes(256, "big")


def _hash(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


class PasswordCheck:
    """One question and its one possible answer; made anew for every try."""

    def __init__(self, password: str) -> None:
        self.srp_id = int.from_bytes(os.urandom(7), "big")
        self.algorithm = algorithm()
        verifier = pow(GENERATOR, int.from_bytes(compute_hash(self.algorithm, password), "big"), PRIME)
        self._verifier = verifier
        self._secret = int.from_bytes(os.urandom(256), "big")
        multiplier = int.from_bytes(_hash(_P, _G), "big")
        self._public = (multiplier * verifier + pow(GENERATOR, self._secret, PRIME)) % PRIME

    @property
    def srp_b(self) -> bytes:
        """The server's public number, 256 bytes."""
        return big_num_for_hash(self._public)

    def passes(self, a: bytes, m1: bytes) -> bool:
        """Whether the client, with public number `a` and proof `m1`, knows the password."""
        number = int.from_bytes(a, "big")
        if not 1 < number < PRIME - 1:
            return False
        client = big_num_for_hash(number)
        scramble = int.from_bytes(_hash(client, self.srp_b), "big")
        shared = pow(number * pow(self._verifier, scramble, PRIME), self._secret, PRIME)
        mixed = bytes(x ^ y for x, y in zip(_hash(_P), _hash(_G), strict=True))
        salts = _hash(self.algorithm.salt1), _hash(self.algorithm.salt2)
        proof = _hash(mixed, *salts, client, self.srp_b, _hash(big_num_for_hash(shared)))
        return hmac.compare_digest(proof, m1)


def algorithm() -> Any:
    """The password algorithm with fresh salts."""
    kind = types.PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow
    return kind(salt1=os.urandom(8), salt2=os.urandom(16), g=GENERATOR, p=_P)
