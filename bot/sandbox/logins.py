"""What the login handlers remember: devices, codes on their way, login tokens, exported authorizations."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from telethon.crypto import AuthKey

from bot.sandbox.rpc import Caller, RpcError
from bot.sandbox.srp import PasswordCheck

if TYPE_CHECKING:
    from bot.sandbox.world import User, World

CODE_SECONDS = 300
# https://core.telegram.org/api/qr-login: the token is valid for about 30 seconds.
TOKEN_SECONDS = 30
_EXPORT_SECONDS = 60


@dataclass(slots=True, kw_only=True, eq=False)
class Device(Caller):
    """The wire's kind of caller: an authorization key, with all that logging in leaves on it."""

    key: AuthKey
    logins: "Logins"
    # TL layer, once the client has introduced itself.
    layer: int | None = None
    api_id: int = 0
    model: str = ""
    # Logged in by a code, token or QR scan, but the two-step password is still owed.
    owes_password: int | None = None
    password_check: PasswordCheck | None = None
    # Logged in by importAuthorization: for files only, so nothing is pushed to it.
    imported: bool = False
    # What every call that needs a login is answered with, e.g. (401, "SESSION_REVOKED").
    refusal: tuple[int, str] | None = None
    # The key is lost: nothing at all is answered but the refusal.
    lost: bool = False
    # Who has confirmed this device's login token.
    confirmed_by: int | None = None

    def log_in(self, user_id: int) -> None:
        """From now on this is a device of that user."""
        self.user_id = user_id
        self.owes_password = self.password_check = self.confirmed_by = self.refusal = None
        self.imported = False

    def log_out(self) -> None:
        """Back to a key without a user."""
        self.user_id = self.owes_password = self.password_check = self.confirmed_by = None


def device_of(caller: Caller) -> Device:
    """The caller as a device; TypeError when it did not come over the wire."""
    if not isinstance(caller, Device):
        raise TypeError("login handlers are called over the wire")
    return caller


@dataclass(frozen=True, slots=True)
class SentCode:
    """A login code on its way."""

    phone: str
    code_hash: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class LoginToken:
    """The secret in a login QR code."""

    device: Device
    expires: datetime


@dataclass(slots=True)
class Logins:
    """All devices and what they have in progress."""

    world: "World"
    # Called with a device whose login token was confirmed.
    on_confirmed: Callable[[Device], None] = lambda device: None
    devices: dict[int, Device] = field(default_factory=dict)
    codes: dict[str, SentCode] = field(default_factory=dict)
    tokens: dict[bytes, LoginToken] = field(default_factory=dict)
    # Exported authorization -> data centre, user, deadline.
    exports: dict[bytes, tuple[int, int, datetime]] = field(default_factory=dict)
    banned: set[int] = field(default_factory=set)
    # Frozen user -> whether it may not even read.
    frozen: dict[int, bool] = field(default_factory=dict)
    # User -> the only data centre where it can log in.
    homes: dict[int, int] = field(default_factory=dict)

    def add_device(self, key: AuthKey, dc: int) -> Device:
        """Remember a new authorization key, which is valid at one data centre."""
        device = Device(auth_key_id=key.key_id, dc=dc, key=key, logins=self)
        self.devices[key.key_id] = device
        return device

    def of_user(self, user_id: int) -> Iterator[Device]:
        """The devices on which a user is logged in."""
        return (device for device in self.devices.values() if device.user_id == user_id)

    def send_code(self, phone: str) -> SentCode:
        """A new code, which replaces the one before."""
        code = SentCode(phone, os.urandom(9).hex(), self.world.now() + timedelta(seconds=CODE_SECONDS))
        self.codes[phone] = code
        return code

    def sent_code(self, phone: str, code_hash: str) -> SentCode:
        """The code that was sent; PHONE_CODE_EXPIRED when it is too old or another was sent since."""
        code = self.codes.get(phone)
        if code is None or code.code_hash != code_hash or code.expires < self.world.now():
            raise RpcError(400, "PHONE_CODE_EXPIRED")
        return code

    def make_token(self, device: Device) -> tuple[bytes, LoginToken]:
        """A new login token, which replaces the device's former one."""
        self.tokens = {secret: token for secret, token in self.tokens.items() if token.device is not device}
        secret = os.urandom(32)
        token = LoginToken(device, self.world.now() + timedelta(seconds=TOKEN_SECONDS))
        self.tokens[secret] = token
        return secret, token

    def confirm_token(self, secret: bytes, user: "User") -> Device:
        """What scanning the QR code does; AUTH_TOKEN_INVALID or AUTH_TOKEN_EXPIRED."""
        token = self.tokens.pop(secret, None)
        if token is None:
            raise RpcError(400, "AUTH_TOKEN_INVALID")
        if token.expires < self.world.now():
            raise RpcError(400, "AUTH_TOKEN_EXPIRED")
        token.device.confirmed_by = user.id
        self.on_confirmed(token.device)
        return token.device

    def export(self, user_id: int, dc: int) -> bytes:
        """A secret with which another data centre takes the user as logged in, once."""
        secret = os.urandom(64)
        self.exports[secret] = (dc, user_id, self.world.now() + timedelta(seconds=_EXPORT_SECONDS))
        return secret

    def redeem(self, secret: bytes, dc: int) -> int | None:
        """Use up an exported authorization: the id of its user, None when it is invalid here or too old."""
        target, user_id, expires = self.exports.pop(secret, (0, 0, self.world.now()))
        return user_id if target == dc and expires >= self.world.now() else None

    def home(self, user_id: int, dc: int) -> int:
        """The data centre at which a user must log in: `dc`, where it asks, unless it lives elsewhere."""
        return self.homes.get(user_id, dc)

    def check(self, device: Device, method: str) -> None:
        """RpcError when the device, or its user, may not call `method` now."""
        if device.refusal is not None and (device.lost or not open_to_all(method)):
            raise RpcError(*device.refusal)
        if open_to_all(method):
            return
        if device.user_id in self.banned:
            raise RpcError(401, "USER_DEACTIVATED_BAN")
        hard = self.frozen.get(device.user_id) if device.user_id is not None else None
        if hard is not None and (hard or not _reads(method)):
            raise RpcError(420, "FROZEN_METHOD_INVALID")


def open_to_all(method: str) -> bool:
    """Whether a method needs no login."""
    return method.startswith(("auth.", "help.", "langpack.")) or method == "account.getPassword"


def _reads(method: str) -> bool:
    space, _, verb = method.partition(".")
    return space in ("updates", "users") or verb.startswith(("get", "resolve", "check", "search"))


def api_id_is_valid(api_id: Any) -> bool:
    """Telegram knows its applications; here any positive number is one."""
    return isinstance(api_id, int) and api_id > 0
