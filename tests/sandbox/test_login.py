"""Logging in with unmodified Telethon, and every refusal on the way."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from telethon import errors
from telethon.crypto import AuthKey
from telethon.tl import functions, types

from bot.model import utc_now
from bot.sandbox import Sandbox
from bot.sandbox.logins import Logins
from bot.sandbox.rpc import RpcError
from bot.sandbox.srp import PasswordCheck
from bot.sandbox.world import User, World
from tests.sandbox.conftest import PHONE, TOKEN, Connect, until

# Together too long for the quick loop.
pytestmark = pytest.mark.slow


@pytest.fixture
def guarded(sandbox: Sandbox) -> User:
    """A person with a two-step password."""
    return sandbox.world.add_user("Guarded", phone="+99966 1 0009", code="54321", password="пароль №1")


# --- phone, code, password --------------------------------------------------------------------------------------------


async def test_a_code_logs_in(connect: Connect, analyst: User) -> None:
    """The phone number and the right code are enough where there is no password."""
    client = await connect()
    assert await client.get_me() is None
    await client.send_code_request(PHONE)
    me = await client.sign_in(PHONE, "12345")
    assert (me.id, me.is_self) == (analyst.id, True)
    assert (await client.get_me()).id == analyst.id


async def test_the_password_is_asked_for_and_checked(connect: Connect, guarded: User) -> None:
    """With a password the code is not enough; a wrong one is refused and the right one accepted."""
    client = await connect()
    await client.send_code_request(guarded.phone)
    with pytest.raises(errors.SessionPasswordNeededError):
        await client.sign_in(guarded.phone, "54321")
    assert await client.get_me() is None
    with pytest.raises(errors.PasswordHashInvalidError):
        await client.sign_in(password="password no. 1")
    assert (await client.sign_in(password="пароль №1")).id == guarded.id


async def test_a_password_proof_is_good_once(connect: Connect, guarded: User) -> None:
    """Each try needs a new question; a proof without one is refused."""
    client = await connect()
    await client.send_code_request(guarded.phone)
    with pytest.raises(errors.SessionPasswordNeededError):
        await client.sign_in(guarded.phone, "54321")
    with pytest.raises(errors.RPCError, match="SRP"):
        await client(functions.auth.CheckPasswordRequest(types.InputCheckPasswordSRP(1, b"\1" * 256, b"\1" * 32)))
    with pytest.raises(errors.PasswordHashInvalidError):
        await client(functions.auth.CheckPasswordRequest(types.InputCheckPasswordEmpty()))


@pytest.mark.parametrize("a", [b"", b"\0", b"\1", b"\xff" * 256])
def test_a_degenerate_srp_number_never_passes(a: bytes) -> None:
    """The shortcuts around a password check are closed."""
    assert not PasswordCheck("secret").passes(a, b"\0" * 32)


@pytest.mark.parametrize(
    ("phone", "code", "error"),
    [
        (PHONE, "00000", errors.PhoneCodeInvalidError),
        (PHONE, "", errors.PhoneCodeEmptyError),
        ("+99966 1 7777", "12345", errors.PhoneNumberUnoccupiedError),
    ],
)
async def test_a_wrong_code_or_number_is_refused(
    connect: Connect, analyst: User, phone: str, code: str, error: type[Exception]
) -> None:
    """Each mistake has its own error."""
    client = await connect()
    sent = await client.send_code_request(phone)
    with pytest.raises(error):
        await client(functions.auth.SignInRequest(phone, sent.phone_code_hash, code))


@pytest.mark.parametrize("phone", ["12", "+4912345678901234567", "phone"])
async def test_a_malformed_number_is_refused(connect: Connect, phone: str) -> None:
    """A number is 7 to 15 digits."""
    client = await connect()
    with pytest.raises(errors.PhoneNumberInvalidError):
        await client(functions.auth.SendCodeRequest(phone, 1, "hash", types.CodeSettings()))


async def test_a_banned_number_is_refused(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """A banned account gets no code."""
    sandbox.ban(analyst)
    client = await connect()
    with pytest.raises(errors.PhoneNumberBannedError):
        await client.send_code_request(PHONE)


async def test_codes_expire(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """An expired, replaced, cancelled or used code is refused; a code that was sent again works."""
    client = await connect()
    first = await client.send_code_request(PHONE)
    sandbox.expire_codes()
    with pytest.raises(errors.PhoneCodeExpiredError):
        await client.sign_in(PHONE, "12345", phone_code_hash=first.phone_code_hash)
    second = await client(functions.auth.SendCodeRequest(PHONE, 1, "hash", types.CodeSettings()))
    third = await client(functions.auth.ResendCodeRequest(PHONE, second.phone_code_hash))
    assert isinstance(third.type, types.auth.SentCodeTypeSms)
    with pytest.raises(errors.PhoneCodeExpiredError):
        await client.sign_in(PHONE, "12345", phone_code_hash=second.phone_code_hash)
    await client(functions.auth.CancelCodeRequest(PHONE, third.phone_code_hash))
    with pytest.raises(errors.PhoneCodeExpiredError):
        await client.sign_in(PHONE, "12345", phone_code_hash=third.phone_code_hash)


async def test_an_invalid_application_is_refused(connect: Connect, analyst: User) -> None:
    """The application's id and hash are looked at."""
    client = await connect()
    with pytest.raises(errors.ApiIdInvalidError):
        await client(functions.auth.SendCodeRequest(PHONE, 0, "hash", types.CodeSettings()))
    with pytest.raises(errors.ApiIdInvalidError):
        await client(functions.auth.SendCodeRequest(PHONE, 1, "", types.CodeSettings()))


# --- QR code ----------------------------------------------------------------------------------------------------------


async def test_a_scanned_code_logs_in(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """Scanning the QR code tells the waiting client, which then is logged in."""
    client = await connect()
    qr = await client.qr_login()
    assert qr.url.startswith("tg://login?token=")
    waiting = asyncio.create_task(qr.wait(5))
    await asyncio.sleep(0.05)
    sandbox.accept_login_token(qr.token, analyst)
    assert (await waiting).id == analyst.id
    assert (await client.get_me()).id == analyst.id


async def test_another_client_can_scan_the_code(connect: Connect, analyst: User) -> None:
    """The user's logged-in device accepts the token by a call."""
    phone, client = await connect(analyst), await connect()
    qr = await client.qr_login()
    waiting = asyncio.create_task(qr.wait(5))
    await asyncio.sleep(0.05)
    accepted = await phone(functions.auth.AcceptLoginTokenRequest(qr.token))
    assert accepted.api_id == 1
    assert (await waiting).id == analyst.id


async def test_a_scanned_code_still_asks_for_the_password(connect: Connect, guarded: User, sandbox: Sandbox) -> None:
    """A QR login of a guarded account ends with its password."""
    client = await connect()
    qr = await client.qr_login()
    waiting = asyncio.create_task(qr.wait(5))
    await asyncio.sleep(0.05)
    sandbox.accept_login_token(qr.token, guarded)
    with pytest.raises(errors.SessionPasswordNeededError):
        await waiting
    assert (await client.sign_in(password="пароль №1")).id == guarded.id


async def test_tokens_expire_and_are_replaced() -> None:
    """A token is good for thirty seconds, once, and only while it is the newest."""
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    world = World(clock=lambda: now[0])
    user = world.add_user("Analyst", phone=PHONE)
    logins = Logins(world)
    device = logins.add_device(AuthKey(b"\1" * 256), 2)
    replaced, _ = logins.make_token(device)
    late, token = logins.make_token(device)
    assert token.expires == now[0] + timedelta(seconds=30)
    with pytest.raises(RpcError, match="AUTH_TOKEN_INVALID"):
        logins.confirm_token(replaced, user)
    now[0] += timedelta(seconds=31)
    with pytest.raises(RpcError, match="AUTH_TOKEN_EXPIRED"):
        logins.confirm_token(late, user)
    good, _ = logins.make_token(device)
    logins.confirm_token(good, user)
    assert device.confirmed_by == user.id
    with pytest.raises(RpcError, match="AUTH_TOKEN_INVALID"):
        logins.confirm_token(good, user)


# --- bots, other data centres -----------------------------------------------------------------------------------------


async def test_a_bot_logs_in_by_its_token(connect: Connect, sandbox: Sandbox) -> None:
    """The token of a bot is enough; another is refused."""
    bot = sandbox.world.add_bot("Earshot", TOKEN)
    client = await connect()
    with pytest.raises(errors.AccessTokenInvalidError):
        await client.sign_in(bot_token="7000000001:wrong")
    me = await client.sign_in(bot_token=TOKEN)
    assert (me.id, me.bot) == (bot.id, True)


async def test_a_login_moves_to_the_users_data_centre(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """Telethon follows PHONE_MIGRATE to the data centre where the user lives."""
    sandbox.move_home(analyst, 4)
    client = await connect()
    await client.send_code_request(PHONE)
    assert (await client.sign_in(PHONE, "12345")).id == analyst.id
    assert client.session.dc_id == 4


async def test_a_bot_moves_to_its_data_centre(connect: Connect, sandbox: Sandbox) -> None:
    """Telethon follows USER_MIGRATE."""
    sandbox.move_home(sandbox.world.add_bot("Earshot", TOKEN), 4)
    client = await connect()
    assert (await client.sign_in(bot_token=TOKEN)).bot
    assert client.session.dc_id == 4


async def test_a_qr_login_moves_to_the_users_data_centre(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """Telethon follows loginTokenMigrateTo."""
    sandbox.move_home(analyst, 4)
    client = await connect()
    qr = await client.qr_login()
    waiting = asyncio.create_task(qr.wait(5))
    await asyncio.sleep(0.05)
    sandbox.accept_login_token(qr.token, analyst)
    assert (await waiting).id == analyst.id
    assert client.session.dc_id == 4


async def test_an_exported_authorization_is_good_once(connect: Connect, analyst: User) -> None:
    """The secret works at the data centre that it was made for, for its user, one time."""
    client = await connect(analyst)
    sender = await client._borrow_exported_sender(4)
    again = await client(functions.auth.ExportAuthorizationRequest(4))
    with pytest.raises(errors.RPCError, match="authorization"):
        await client(functions.auth.ImportAuthorizationRequest(again.id, again.bytes))
    with pytest.raises(errors.DcIdInvalidError):
        await client(functions.auth.ExportAuthorizationRequest(2))
    await client._return_exported_sender(sender)
    await sender.disconnect()


async def test_a_file_at_another_data_centre_is_fetched(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """FILE_MIGRATE leads Telethon to the other data centre, which serves the bytes."""
    channel = sandbox.world.add_channel("Channel", handle="channel")
    channel.invite(analyst)
    data = bytes(range(256)) * 2000
    channel.post("file", document=data, dc=4)
    client = await connect(analyst)
    (message,) = await client.get_messages("channel", limit=1)
    assert await client.download_media(message, bytes) == data
    assert any(call.error == "303 FILE_MIGRATE_4" for call in sandbox.calls)


# --- what ends a login ------------------------------------------------------------------------------------------------


async def test_logging_out_ends_the_login(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """After auth.logOut the key has no user."""
    client, other = await connect(analyst), await connect(analyst)
    key_id = client.session.auth_key.key_id
    assert await client.log_out()
    await until(lambda: sandbox._hub.logins.devices[key_id].user_id is None)
    assert (await other.get_me()).id == analyst.id


async def test_all_other_logins_can_be_ended(connect: Connect, analyst: User) -> None:
    """auth.resetAuthorizations ends every login but the caller's."""
    client, other = await connect(analyst), await connect(analyst)
    assert await client(functions.auth.ResetAuthorizationsRequest())
    with pytest.raises(errors.SessionRevokedError):
        await other(functions.updates.GetStateRequest())
    assert (await client.get_me()).id == analyst.id


async def test_a_revoked_session_is_told_and_can_log_in_again(
    connect: Connect, analyst: User, sandbox: Sandbox
) -> None:
    """A revoked session is answered SESSION_REVOKED until it logs in anew."""
    client = await connect(analyst)
    sandbox.revoke(analyst)
    with pytest.raises(errors.SessionRevokedError):
        await client(functions.updates.GetStateRequest())
    await client.send_code_request(PHONE)
    await client.sign_in(PHONE, "12345")
    assert (await client.get_me()).id == analyst.id


async def test_a_duplicated_key_is_lost(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """A key used from two places is refused whatever is asked, also a login."""
    client = await connect(analyst)
    sandbox.duplicate(analyst)
    for request in (functions.updates.GetStateRequest(), functions.help.GetConfigRequest()):
        with pytest.raises(errors.AuthKeyDuplicatedError):
            await client(request)


async def test_a_banned_account_is_told(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """A ban ends every login of the account."""
    client = await connect(analyst)
    sandbox.ban(analyst)
    with pytest.raises(errors.UserDeactivatedBanError):
        await client(functions.updates.GetStateRequest())


async def test_a_frozen_account_reads_only(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """A frozen account may look and not act, until it is thawed."""
    channel = sandbox.world.add_channel("Channel", handle="channel")
    client = await connect(analyst)
    sandbox.freeze(analyst)
    entity = await client.get_input_entity("channel")
    with pytest.raises(errors.FrozenMethodInvalidError):
        await client(functions.channels.JoinChannelRequest(entity))
    sandbox.unfreeze(analyst)
    await client(functions.channels.JoinChannelRequest(entity))
    assert channel.key in analyst.chats


async def test_calls_are_recorded_with_their_caller(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """Every call is on record: its TL name, who made it, when, and how it ended."""
    client = await connect(analyst)
    sandbox.calls.clear()
    await client(functions.updates.GetStateRequest())
    (call,) = sandbox.calls
    assert (call.method, call.user_id, call.error) == ("updates.getState", analyst.id, None)
    assert abs((utc_now() - call.at).total_seconds()) < 5


async def test_a_crashing_handler_is_an_error_and_not_the_end(
    connect: Connect, analyst: User, sandbox: Sandbox
) -> None:
    """A mistake in a handler is answered at once, and the connection stays."""
    client = await connect(analyst)
    sandbox.world.users.pop(analyst.id)
    with pytest.raises(errors.RPCError, match="SANDBOX_KEYERROR"):
        await client(functions.auth.AcceptLoginTokenRequest(b"token"))
    assert (await client(functions.help.GetNearestDcRequest())).this_dc == 2
