"""Which Telegram to talk to, the way one points a client at its test servers."""

from dataclasses import dataclass
from pathlib import Path

import rsa
from pyasn1.error import PyAsn1Error  # type: ignore[import-untyped]
from telethon.crypto.rsa import add_key

from bot.errors import ConfigError
from bot.telegram.session import SessionFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where to connect, and by which public key (PEM) to know the server, instead of Telegram's main servers.

    The addresses of further data centres come from the server itself (help.getConfig).
    """

    host: str
    port: int
    dc: int
    public_key: Path

    def read_key(self) -> bytes:
        """The key as PKCS#1 PEM; ConfigError when the file holds no such key."""
        try:
            pem = self.public_key.read_bytes()
            if b"BEGIN RSA PUBLIC KEY" in pem:
                return rsa.PublicKey.load_pkcs1(pem).save_pkcs1()
            return rsa.PublicKey.load_pkcs1_openssl_pem(pem).save_pkcs1()
        except OSError as error:
            raise ConfigError(f"{self.public_key}: the server's public key cannot be read: {error.strerror}") from error
        except (ValueError, TypeError, PyAsn1Error) as error:
            raise ConfigError(f"{self.public_key}: this is not an RSA public key in PEM form") from error


def point_at(session: SessionFile, server: Server | None) -> None:
    """Take address and key from the configuration; a session that moved to another data centre keeps its own address."""
    if server is None:
        return
    add_key(server.read_key(), old=False)
    if session.dc_id in (0, server.dc):
        session.set_dc(server.dc, server.host, server.port)
