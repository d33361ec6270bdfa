"""Logging in: by phone, code and password; by QR code; as a bot; at another data centre.

Refusals are those of https://core.telegram.org/method/auth.sendCode and its sisters.
"""

import os
import re
from typing import TYPE_CHECKING, Any

from telethon.tl import types
from telethon.tl.functions import account, auth

from bot.sandbox.logins import Device, api_id_is_valid, device_of
from bot.sandbox.rpc import Caller, RpcError, handles
from bot.sandbox.srp import PasswordCheck, algorithm

if TYPE_CHECKING:
    from bot.sandbox.world import User, World

_CODE_TIMEOUT = 60


# --- phone, code, password --------------------------------------------------------------------------------------------


@handles(auth.SendCodeRequest)
def send_code(world: "World", caller: Caller, request: Any) -> Any:
    """Send a login code to the user's other devices."""
    device = device_of(caller)
    _check_application(request)
    phone = _phone(device, world, request.phone_number)
    code = device.logins.send_code(phone)
    return types.auth.SentCode(
        types.auth.SentCodeTypeApp(5), code.code_hash, next_type=types.auth.CodeTypeSms(), timeout=_CODE_TIMEOUT
    )


@handles(auth.ResendCodeRequest)
def resend_code(world: "World", caller: Caller, request: Any) -> Any:
    """Send a code by SMS in place of the one that was sent before."""
    device = device_of(caller)
    phone = _phone(device, world, request.phone_number)
    device.logins.sent_code(phone, request.phone_code_hash)
    code = device.logins.send_code(phone)
    return types.auth.SentCode(types.auth.SentCodeTypeSms(5), code.code_hash, timeout=_CODE_TIMEOUT)


@handles(auth.CancelCodeRequest)
def cancel_code(world: "World", caller: Caller, request: Any) -> bool:
    """Make the code that was sent useless."""
    device = device_of(caller)
    phone = _phone(device, world, request.phone_number)
    device.logins.sent_code(phone, request.phone_code_hash)
    del device.logins.codes[phone]
    return True


@handles(auth.SignInRequest)
def sign_in(world: "World", caller: Caller, request: Any) -> Any:
    """Log in by the code, up to the two-step password where there is one."""
    device = device_of(caller)
    phone = _phone(device, world, request.phone_number)
    if not request.phone_code:
        raise RpcError(400, "PHONE_CODE_EMPTY")
    device.logins.sent_code(phone, request.phone_code_hash)
    user = world.user_by_phone(phone)
    if user is None:
        raise RpcError(400, "PHONE_NUMBER_UNOCCUPIED")
    if request.phone_code != user.code:
        raise RpcError(400, "PHONE_CODE_INVALID")
    del device.logins.codes[phone]
    return _log_in(device, user)


@handles(account.GetPasswordRequest)
def get_password(world: "World", caller: Caller, request: Any) -> Any:
    """The question that knowing the two-step password answers."""
    device = device_of(caller)
    user_id = device.owes_password or device.require_user()
    password = world.users[user_id].password
    device.password_check = PasswordCheck(password) if password else None
    check = device.password_check
    return types.account.Password(
        new_algo=algorithm(),
        new_secure_algo=types.SecurePasswordKdfAlgoSHA512(os.urandom(8)),
        secure_random=os.urandom(256),
        has_password=check is not None,
        current_algo=check.algorithm if check else None,
        srp_B=check.srp_b if check else None,
        srp_id=check.srp_id if check else None,
    )


@handles(auth.CheckPasswordRequest)
def check_password(world: "World", caller: Caller, request: Any) -> Any:
    """Finish a login with the two-step password."""
    device = device_of(caller)
    if device.owes_password is None:
        raise RpcError(401, "AUTH_KEY_UNREGISTERED")
    check, device.password_check = device.password_check, None
    proof = request.password
    if not isinstance(proof, types.InputCheckPasswordSRP):
        raise RpcError(400, "PASSWORD_HASH_INVALID")
    if check is None or proof.srp_id != check.srp_id:
        raise RpcError(400, "SRP_ID_INVALID")
    if not check.passes(proof.A, proof.M1):
        raise RpcError(400, "PASSWORD_HASH_INVALID")
    return _authorized(device, world.users[device.owes_password])


# --- QR code ----------------------------------------------------------------------------------------------------------


@handles(auth.ExportLoginTokenRequest)
def export_login_token(world: "World", caller: Caller, request: Any) -> Any:
    """A token to show as QR code; the login itself, once somebody has scanned it."""
    device = device_of(caller)
    _check_application(request)
    if device.confirmed_by is not None:
        user, device.confirmed_by = world.users[device.confirmed_by], None
        home = device.logins.home(user.id, device.dc)
        if home != device.dc:
            return types.auth.LoginTokenMigrateTo(home, device.logins.export(user.id, home))
        return types.auth.LoginTokenSuccess(_log_in(device, user))
    secret, token = device.logins.make_token(device)
    return types.auth.LoginToken(expires=token.expires, token=secret)


@handles(auth.ImportLoginTokenRequest)
def import_login_token(world: "World", caller: Caller, request: Any) -> Any:
    """Finish at this data centre a login by QR code that began at another."""
    device = device_of(caller)
    user_id = device.logins.redeem(request.token, device.dc)
    if user_id is None:
        raise RpcError(400, "AUTH_TOKEN_INVALID")
    return types.auth.LoginTokenSuccess(_log_in(device, world.users[user_id]))


@handles(auth.AcceptLoginTokenRequest)
def accept_login_token(world: "World", caller: Caller, request: Any) -> Any:
    """Scan a QR code: the device that shows it may log in as the caller."""
    user = world.users[caller.require_user()]
    shown_by = device_of(caller).logins.confirm_token(request.token, user)
    now = world.now()
    return types.Authorization(
        hash=shown_by.auth_key_id & 0x7FFF_FFFF_FFFF_FFFF,
        device_model=shown_by.model,
        platform="",
        system_version="",
        api_id=shown_by.api_id,
        app_name="",
        app_version="",
        date_created=now,
        date_active=now,
        ip="127.0.0.1",
        country="",
        region="",
    )


# --- bots, other data centres, leaving --------------------------------------------------------------------------------


@handles(auth.ImportBotAuthorizationRequest)
def import_bot_authorization(world: "World", caller: Caller, request: Any) -> Any:
    """Log in as a bot by its token."""
    device = device_of(caller)
    _check_application(request)
    bot = world.user_by_token(request.bot_auth_token)
    if bot is None:
        raise RpcError(400, "ACCESS_TOKEN_INVALID")
    _check_home(device, bot, "USER_MIGRATE")
    return _authorized(device, bot)


@handles(auth.ExportAuthorizationRequest)
def export_authorization(world: "World", caller: Caller, request: Any) -> Any:
    """A secret that logs the caller in at another data centre."""
    user_id = caller.require_user()
    if request.dc_id not in world.dcs or request.dc_id == caller.dc:
        raise RpcError(400, "DC_ID_INVALID")
    secret = device_of(caller).logins.export(user_id, request.dc_id)
    return types.auth.ExportedAuthorization(user_id, secret)


@handles(auth.ImportAuthorizationRequest)
def import_authorization(world: "World", caller: Caller, request: Any) -> Any:
    """Log in at this data centre by the secret from another one."""
    device = device_of(caller)
    if device.logins.redeem(request.bytes, device.dc) != request.id:
        raise RpcError(400, "AUTH_BYTES_INVALID")
    authorization = _authorized(device, world.users[request.id])
    device.imported = True
    return authorization


@handles(auth.LogOutRequest)
def log_out(world: "World", caller: Caller, request: Any) -> Any:
    """End the login of this device."""
    caller.require_user()
    device_of(caller).log_out()
    return types.auth.LoggedOut()


@handles(auth.ResetAuthorizationsRequest)
def reset_authorizations(world: "World", caller: Caller, request: Any) -> bool:
    """End the login of all other devices of the user."""
    device = device_of(caller)
    for other in list(device.logins.of_user(caller.require_user())):
        if other is not device:
            other.log_out()
            other.refusal = (401, "SESSION_REVOKED")
    return True


# --- shared -----------------------------------------------------------------------------------------------------------


def _check_application(request: Any) -> None:
    if not api_id_is_valid(request.api_id) or not request.api_hash:
        raise RpcError(400, "API_ID_INVALID")


def _phone(device: Device, world: "World", written: str) -> str:
    phone = re.sub(r"[+\s()-]", "", written)
    if not re.fullmatch(r"\d{7,15}", phone):
        raise RpcError(400, "PHONE_NUMBER_INVALID")
    user = world.user_by_phone(phone)
    if user is not None and user.id in device.logins.banned:
        raise RpcError(400, "PHONE_NUMBER_BANNED")
    if user is not None:
        _check_home(device, user, "PHONE_MIGRATE")
    return phone


def _check_home(device: Device, user: "User", error: str) -> None:
    home = device.logins.home(user.id, device.dc)
    if home != device.dc:
        raise RpcError(303, f"{error}_{home}")


def _log_in(device: Device, user: "User") -> Any:
    if user.password:
        device.owes_password = user.id
        raise RpcError(401, "SESSION_PASSWORD_NEEDED")
    return _authorized(device, user)


def _authorized(device: Device, user: "User") -> Any:
    device.log_in(user.id)
    return types.auth.Authorization(user.tl(self_user=True))
