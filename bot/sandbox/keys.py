"""The server's RSA key pair, and the prime of the key exchanges."""

from pathlib import Path

import rsa
from telethon.crypto.rsa import _compute_fingerprint

# The 2048-bit safe prime that Telegram's servers use for the authorization key and for two-step passwords; with it 3 is
# a generator of the large subgroup (https://core.telegram.org/mtproto/auth_key).
PRIME = int(
    "C71CAEB9C6B1C9048E6C522F70F13F73980D40238E3E21C14934D037563D930F48198A0AA7C14058229493D22530F4DB"
    "FA336F6E0AC925139543AED44CCE7C3720FD51F69458705AC68CD4FE6B6B13ABDC9746512969328454F18FAF8C595F64"
    "2477FE96BB2A941D5BCD1D4AC8CC49880708FA9B378E3C4F3A9060BEE67CF9A4A4A695811051907E162753B56B0F6B41"
    "0DBA74D8A84B2A14B3144E0EF1284754FD17ED950D5965B4B9DD46582DB1178D169C6BC465B0D6FF9CA3928FEF5B9AE4"
    "E418FC15E83EBEA0F87FA9FF5EED70050DED2849F47BF959D956850CE929851F0D8115F635B105EE2E4E15D04B2454BF"
    "6F4FADF034B10403119CD8E3B92FCC5B",
    16,
)
GENERATOR = 3

# Ships with the code so that tests need not spend seconds on making one. It is public and protects nothing.
_SHIPPED = Path(__file__).with_name("sandbox_key.pem")


class ServerKey:
    """The key pair by which a client knows the server; `public_key` is the file that a client is given."""

    def __init__(self, private: rsa.PrivateKey, public_key: Path) -> None:
        self._private = private
        self.public_key = public_key
        self.fingerprint: int = _compute_fingerprint(private)

    @classmethod
    def open(cls, folder: Path | None) -> "ServerKey":
        """The pair kept in `folder`, made there when it is missing (seconds of work); without a folder, the shipped one."""
        if folder is None:
            return cls(_read(_SHIPPED), _SHIPPED.with_suffix(".pub"))
        secret, public = folder / "server_key.pem", folder / "server_key.pub"
        if not secret.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _make(secret)
        private = _read(secret)
        public.write_bytes(rsa.PublicKey(private.n, private.e).save_pkcs1())
        return cls(private, public)

    def decrypt(self, cipher: bytes) -> bytes:
        """The 255 bytes that a client put under the public key."""
        number: int = self._private.blinded_decrypt(int.from_bytes(cipher, "big"))
        return number.to_bytes(256, "big")[1:]


def _read(path: Path) -> rsa.PrivateKey:
    return rsa.PrivateKey.load_pkcs1(path.read_bytes())


def _make(path: Path) -> None:
    _, private = rsa.newkeys(2048)
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_bytes(private.save_pkcs1())
    draft.rename(path)
