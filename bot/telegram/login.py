"""Logging in: by phone and code, by QR code, or as a bot. Every refusal is a sentence that says what to do.

https://core.telegram.org/api/auth, https://core.telegram.org/api/qr-login, https://core.telegram.org/api/srp
"""

import asyncio
import base64
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from telethon.password import compute_check
from telethon.tl import functions, types
from telethon.utils import parse_phone

from bot.errors import AccountDead, LoginNeeded, LoginRefused
from bot.model import utc_now
from bot.telegram.account import Account
from bot.telegram.refusals import word_of

log = structlog.get_logger()

Ask = Callable[[], str | Awaitable[str]]

TRIES = 3
# Seconds that a QR code is shown in all, with new codes as old ones expire.
QR_SECONDS = 300.0
# No code is shown longer than this, in seconds: our clock may be wrong about when it expires.
QR_LONGEST = 60.0


async def login_by_code(account: Account, *, phone: str, ask_code: Ask, ask_password: Ask) -> str:
    """Log in by a code that Telegram sends; returns who we are now, or already were.

    A wrong code or password is asked for again, `TRIES` times in all. Raises LoginRefused with the reason, FloodWait.
    """
    if (who := await _already(account)) is not None:
        return who
    number = parse_phone(phone)
    if not number:
        raise LoginRefused("this is not a phone number; write it with the country code, as +49...")
    settings = types.CodeSettings()
    sent = await account.call(
        functions.auth.SendCodeRequest(number, account.api_id, account.api_hash, settings), timeout=60.0
    )
    if isinstance(sent, types.auth.SentCodePaymentRequired):
        raise LoginRefused("Telegram asks for a payment before it sends a code to this number; try the QR code")
    if not isinstance(sent, types.auth.SentCodeSuccess):
        await _sign_in(account, number, sent.phone_code_hash, ask_code, ask_password)
    return await _welcome(account)


async def login_by_qr(
    account: Account,
    *,
    show: Callable[[str], None],
    ask_password: Ask,
    patience: float = QR_SECONDS,
) -> str:
    """Log in by a QR code: `show` gets a tg://login address, anew whenever the last one has expired.

    Raises LoginRefused when nobody has scanned it within `patience` seconds.
    """
    if (who := await _already(account)) is not None:
        return who
    scanned = asyncio.Event()
    leave = account.listen(lambda update: scanned.set() if isinstance(update, types.UpdateLoginToken) else None)
    try:
        async with asyncio.timeout(patience):
            password_needed = await _until_scanned(account, show, scanned)
    except TimeoutError:
        raise LoginRefused("nobody scanned the QR code; start the login again") from None
    finally:
        leave()
    if password_needed:
        await _check_password(account, ask_password)
    return await _welcome(account)


async def login_bot(account: Account, token: str) -> str:
    """Log in as the bot of this token; returns its name. Raises LoginRefused."""
    if (who := await _already(account)) is not None:
        return who
    request = functions.auth.ImportBotAuthorizationRequest(
        flags=0, api_id=account.api_id, api_hash=account.api_hash, bot_auth_token=token
    )
    await account.call(request, timeout=60.0)
    return await _welcome(account)


async def _already(account: Account) -> str | None:
    """Who is logged in; None when nobody is. A dead session is replaced by an empty one."""
    try:
        return await _name(account)
    except AccountDead as error:
        log.warning("old session given up", account=account.name, error=str(error))
        await account.start_over()
        return None
    except LoginNeeded as error:
        if not word_of(error):
            # The server does not know the key itself.
            await account.start_over()
        return None


async def _welcome(account: Account) -> str:
    account.session.save()
    await account.greet()
    log.info("logged in", account=account.name)
    return await _name(account)


async def _name(account: Account) -> str:
    me = await account.me()
    return f"{me.name} (@{me.username})" if me.username else me.name


async def _answer(ask: Ask) -> str:
    answer = ask()
    return (await answer if inspect.isawaitable(answer) else answer).strip()


async def _sign_in(account: Account, number: str, code_hash: str, ask_code: Ask, ask_password: Ask) -> None:
    for left in reversed(range(TRIES)):
        code = await _answer(ask_code)
        if not code:
            raise LoginRefused("no code was given")
        try:
            done = await account.call(functions.auth.SignInRequest(number, code_hash, code))
        except LoginRefused as error:
            if word_of(error) == "SESSION_PASSWORD_NEEDED":
                await _check_password(account, ask_password)
                return
            if word_of(error) != "PHONE_CODE_INVALID" or not left:
                raise
            log.warning("the code is wrong", tries_left=left)
            continue
        if isinstance(done, types.auth.AuthorizationSignUpRequired):
            raise LoginRefused("no Telegram account has this phone number; make one in a Telegram app first")
        return


async def _check_password(account: Account, ask_password: Ask) -> None:
    for left in reversed(range(TRIES)):
        password = await _answer(ask_password)
        if not password:
            raise LoginRefused("no password was given")
        terms = await account.call(functions.account.GetPasswordRequest())
        # Deliberately slow arithmetic: off the loop, so that the connection stays alive.
        proof = await asyncio.to_thread(compute_check, terms, password)
        try:
            await account.call(functions.auth.CheckPasswordRequest(proof))
        except LoginRefused as error:
            if word_of(error) != "PASSWORD_HASH_INVALID" or not left:
                raise
            log.warning("the password is wrong", tries_left=left)
            continue
        return


async def _until_scanned(account: Account, show: Callable[[str], None], scanned: asyncio.Event) -> bool:
    """Show codes until one was scanned; True when the account's password is still to be given."""
    shown = b""
    while True:
        try:
            token = await _export_token(account)
        except LoginRefused as error:
            if word_of(error) != "SESSION_PASSWORD_NEEDED":
                raise
            return True
        if isinstance(token, types.auth.LoginTokenSuccess):
            return False
        if token.token != shown:
            shown = token.token
            show("tg://login?token=" + base64.urlsafe_b64encode(shown).decode().rstrip("="))
        left = (token.expires - utc_now()).total_seconds()
        try:
            await asyncio.wait_for(scanned.wait(), min(max(left, 1.0), QR_LONGEST))
        except TimeoutError:
            continue
        scanned.clear()


async def _export_token(account: Account) -> Any:
    request = functions.auth.ExportLoginTokenRequest(account.api_id, account.api_hash, [])
    token = await account.call(request)
    if isinstance(token, types.auth.LoginTokenMigrateTo):
        await account.switch_dc(token.dc_id)
        token = await account.call(functions.auth.ImportLoginTokenRequest(token.token))
    return token
