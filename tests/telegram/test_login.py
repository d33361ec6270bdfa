"""Every way in, and a sentence for every way in which Telegram says no."""

import asyncio
import base64
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager

import pytest
from telethon.tl import functions

from bot.errors import FloodWait, LoginNeeded, LoginRefused, TelegramError
from bot.telegram import Account, login_bot, login_by_code, login_by_qr
from tests.telegram.conftest import Stage, eventually

# Together too long for the quick loop.
pytestmark = pytest.mark.slow

PHONE = "+999 000 1111"
TOKEN = "7000001:secret"


def opened(stage: Stage, name: str = "new") -> AbstractAsyncContextManager[Account]:
    """An account whose session is not logged in, over a real handshake."""
    return Account.open(stage.folder / f"{name}.session", 1, "0" * 32, store=stage.store, server=stage.server)


def says(*answers: str) -> Callable[[], str]:
    """A person who gives these answers, one after the other."""
    given: Iterator[str] = iter(answers)
    return lambda: next(given)


async def by_code(account: Account, *codes: str, phone: str = PHONE, passwords: tuple[str, ...] = ()) -> str:
    """Log in with these answers."""
    return await login_by_code(account, phone=phone, ask_code=says(*codes), ask_password=says(*passwords))


async def test_code(stage: Stage) -> None:
    """The right code logs in, and the session is good for the next start, without a code."""
    async with opened(stage) as account:
        assert await by_code(account, "12345") == "Watcher"
    async with opened(stage) as account:
        await account.require_login()
        assert await by_code(account) == "Watcher"


async def test_wrong_code_is_asked_again(stage: Stage) -> None:
    """Two wrong codes are forgiven."""
    async with opened(stage) as account:
        assert await by_code(account, "1", "2", " 12345 ") == "Watcher"


async def test_answers_may_be_awaited(stage: Stage) -> None:
    """The questions may be asked by coroutines."""

    async def code() -> str:
        return "12345"

    async with opened(stage) as account:
        assert await login_by_code(account, phone=PHONE, ask_code=code, ask_password=says()) == "Watcher"


async def test_password(stage: Stage) -> None:
    """An account with a password asks for it after the code; one wrong password is forgiven."""
    stage.sandbox.world.add_user("Careful", phone="+9990002222", password="пароль")
    async with opened(stage) as account:
        assert await by_code(account, "12345", phone="+9990002222", passwords=("wrong", "пароль")) == "Careful"


@pytest.mark.parametrize(
    ("codes", "phone", "passwords", "words"),
    [
        (("1", "2", "3"), PHONE, (), "the code is wrong"),
        (("",), PHONE, (), "no code was given"),
        (("12345",), "+9995550000", (), "no Telegram account has this phone number"),
        (("12345",), "not a number", (), "this is not a phone number"),
        (("12345",), "+12", (), "this is not a phone number"),
        (("12345",), "+9990002222", ("a", "b", "c"), "the password is wrong"),
        (("12345",), "+9990002222", ("",), "no password was given"),
    ],
)
async def test_refused(
    stage: Stage, codes: tuple[str, ...], phone: str, passwords: tuple[str, ...], words: str
) -> None:
    """Wrong answers end in a sentence; nobody is logged in, and the right answers still work."""
    stage.sandbox.world.add_user("Careful", phone="+9990002222", password="right")
    async with opened(stage) as account:
        with pytest.raises(LoginRefused, match=words):
            await by_code(account, *codes, phone=phone, passwords=passwords)
        with pytest.raises(LoginNeeded):
            await account.require_login()
        assert await by_code(account, "12345") == "Watcher"


async def test_expired_code(stage: Stage) -> None:
    """A code that came too late says so."""
    async with opened(stage) as account:

        def late() -> str:
            stage.sandbox.expire_codes()
            return "12345"

        with pytest.raises(LoginRefused, match="the code has expired"):
            await login_by_code(account, phone=PHONE, ask_code=late, ask_password=says())


async def test_banned_number(stage: Stage) -> None:
    """A banned number says so."""
    stage.sandbox.ban(stage.user)
    async with opened(stage) as account:
        with pytest.raises(LoginRefused, match="banned this phone number"):
            await by_code(account, "12345")


@pytest.mark.parametrize(
    ("method", "code", "text", "words"),
    [
        ("auth.sendCode", 400, "PHONE_NUMBER_FLOOD", "too many codes"),
        ("auth.sendCode", 406, "PHONE_PASSWORD_FLOOD", "too many wrong logins"),
        ("auth.sendCode", 400, "API_ID_INVALID", "my.telegram.org"),
        ("auth.sendCode", 400, "API_ID_PUBLISHED_FLOOD", "api_id is published"),
        ("auth.sendCode", 406, "UPDATE_APP_TO_LOGIN", "update Earshot"),
        ("auth.sendCode", 500, "AUTH_RESTART", "start the login again"),
        ("auth.sendCode", 420, "FROZEN_METHOD_INVALID", "frozen"),
        ("auth.sendCode", 500, "INTERNAL", "did not answer"),
        ("auth.signIn", 400, "PHONE_CODE_HASH_EMPTY", "the code has expired"),
    ],
)
async def test_refusals_on_the_way(stage: Stage, method: str, code: int, text: str, words: str) -> None:
    """What else Telegram may say to a login has its sentence, with Telegram's word behind it."""
    async with opened(stage) as account:
        stage.sandbox.faults.error(method, code, text)
        with pytest.raises(TelegramError, match=rf"{words}.*{text}"):
            await by_code(account, "12345")


async def test_flood(stage: Stage) -> None:
    """A flood wait on codes is stored, and the next try is refused without asking Telegram."""
    async with opened(stage) as account:
        stage.sandbox.faults.flood_wait("auth.sendCode", 600)
        with pytest.raises(FloodWait, match=r"auth\.sendCode"):
            await by_code(account, "12345")
    async with opened(stage, name="again") as account:
        with pytest.raises(FloodWait):
            await by_code(account, "12345")
    assert stage.count("auth.sendCode") == 1


async def test_account_at_another_data_centre(stage: Stage) -> None:
    """An account that lives elsewhere is logged in there, and found there again after a restart."""
    stage.sandbox.move_home(stage.user, 4)
    async with opened(stage) as account:
        assert await by_code(account, "12345") == "Watcher"
        assert account.session.dc_id == 4
    async with opened(stage) as account:
        await account.require_login()


@pytest.mark.parametrize("blow", ["revoke", "duplicate"])
async def test_new_login_after_a_lost_session(stage: Stage, blow: str) -> None:
    """A session that Telegram has revoked is replaced by a new one when the user logs in again."""
    async with opened(stage) as account:
        await by_code(account, "12345")
        getattr(stage.sandbox, blow)(stage.user)
    async with opened(stage) as account:
        assert await by_code(account, "12345") == "Watcher"
        await account.call(functions.updates.GetStateRequest())


async def test_qr(stage: Stage) -> None:
    """A scanned QR code logs in."""
    shown: list[str] = []
    async with opened(stage) as account:
        login = asyncio.create_task(login_by_qr(account, show=shown.append, ask_password=says()))

        async def is_shown() -> bool:
            return bool(shown)

        await eventually(is_shown)
        stage.sandbox.accept_login_token(_token(shown[0]), stage.user)
        assert await login == "Watcher"
        assert len(shown) == 1


async def test_qr_with_password(stage: Stage) -> None:
    """An account with a password asks for it after the scan."""
    careful = stage.sandbox.world.add_user("Careful", phone="+9990002222", password="right")
    shown: list[str] = []
    async with opened(stage) as account:
        login = asyncio.create_task(login_by_qr(account, show=shown.append, ask_password=says("wrong", "right")))

        async def is_shown() -> bool:
            return bool(shown)

        await eventually(is_shown)
        stage.sandbox.accept_login_token(_token(shown[0]), careful)
        assert await login == "Careful"


async def test_qr_at_another_data_centre(stage: Stage) -> None:
    """A QR code scanned by an account that lives elsewhere logs in there."""
    stage.sandbox.move_home(stage.user, 4)
    shown: list[str] = []
    async with opened(stage) as account:
        login = asyncio.create_task(login_by_qr(account, show=shown.append, ask_password=says()))

        async def is_shown() -> bool:
            return bool(shown)

        await eventually(is_shown)
        stage.sandbox.accept_login_token(_token(shown[0]), stage.user)
        assert await login == "Watcher"
        assert account.session.dc_id == 4


async def test_qr_that_nobody_scans(stage: Stage) -> None:
    """A QR code that nobody scans ends in a sentence."""
    async with opened(stage) as account:
        with pytest.raises(LoginRefused, match="nobody scanned"):
            await login_by_qr(account, show=lambda url: None, ask_password=says(), patience=0.3)


def _token(url: str) -> bytes:
    assert url.startswith("tg://login?token=")
    text = url.partition("=")[2]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


async def test_bot(stage: Stage) -> None:
    """A token logs the bot in, once."""
    stage.sandbox.world.add_bot("Alerts", TOKEN, handle="alerts_bot")
    async with opened(stage, "bot") as account:
        assert await login_bot(account, TOKEN) == "Alerts (@alerts_bot)"
        assert await login_bot(account, TOKEN) == "Alerts (@alerts_bot)"
    assert stage.count("auth.importBotAuthorization") == 1


async def test_wrong_token(stage: Stage) -> None:
    """A wrong token says so, and does not repeat it."""
    async with opened(stage, "bot") as account:
        with pytest.raises(LoginRefused, match="the bot token is wrong") as refused:
            await login_bot(account, "7000001:wrong")
        assert "7000001" not in str(refused.value)


async def test_secrets_stay_out_of_the_log(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither phone number nor code nor token is logged."""
    stage.sandbox.world.add_bot("Alerts", TOKEN)
    async with opened(stage) as account:
        await by_code(account, "11111", "12345")
    async with opened(stage, "bot") as account:
        await login_bot(account, TOKEN)
    printed = "".join(capsys.readouterr())
    for secret in ("9990001111", "12345", "11111", TOKEN):
        assert secret not in printed
