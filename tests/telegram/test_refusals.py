"""The table of refusals is complete, and its sentences are whole."""

import asyncio
import inspect
from datetime import UTC, datetime, timedelta

import pytest
from telethon import errors as vendor
from telethon.errors import rpcerrorlist

from bot.errors import (
    AccountDead,
    AlreadyDone,
    ChannelUnavailable,
    FloodWait,
    LoginNeeded,
    LoginRefused,
    MediaUnavailable,
    Refused,
    Stuck,
    TelegramError,
    Unreachable,
)
from bot.model import AccountState, ChannelState
from bot.telegram import refusals
from bot.telegram.refusals import Kind, kind_of, new_word, state_of, translate, word_of

NOW = datetime(2023, 7, 12, tzinfo=UTC)
CLASSES = [
    cls for cls in vars(rpcerrorlist).values() if inspect.isclass(cls) and cls.__module__ == rpcerrorlist.__name__
]
EXPECTED = {
    Kind.RETRY: Unreachable,
    Kind.WAIT: FloodWait,
    Kind.CHANNEL: ChannelUnavailable,
    Kind.MEDIA: MediaUnavailable,
    Kind.ACCOUNT_DEAD: AccountDead,
    Kind.LOGIN: (LoginNeeded, LoginRefused),
    Kind.DONE: AlreadyDone,
    Kind.BUG: Refused,
}


def _make(cls: type) -> BaseException:
    takes_number = "capture" in inspect.signature(cls.__init__).parameters
    return cls(None, 7) if takes_number else cls(None)


def test_there_are_errors_to_map() -> None:
    """The list that the next test walks is Telethon's whole list."""
    assert len(CLASSES) == 531


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_error_has_one_meaning(cls: type) -> None:
    """Each of Telethon's error classes becomes the one error of ours that its kind stands for, with Telegram's word."""
    error = _make(cls)
    ours = translate(error, method="some.method", now=NOW)
    assert isinstance(ours, EXPECTED[kind_of(error)])
    assert word_of(error)
    assert new_word(error) is None
    assert "\n" not in str(ours)


def test_every_word_of_the_tables_exists() -> None:
    """No table names an error that Telethon does not have."""
    known = {word_of(_make(cls)) for cls in CLASSES} | {"UNAUTHORIZED"}
    tables = (refusals._DEAD, refusals._LOGIN_NEEDED, refusals._LOGIN_REFUSED, refusals._CHANNEL, refusals._MEDIA)
    for table in tables:
        assert set(table) <= known
    assert set(refusals._BUGS) <= known


def test_tables_do_not_overlap() -> None:
    """No error is in two tables."""
    tables = [refusals._DEAD, refusals._LOGIN_NEEDED, refusals._LOGIN_REFUSED, refusals._CHANNEL, refusals._MEDIA]
    words = [word for table in tables for word in table]
    assert len(words) == len(set(words))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (vendor.RPCError(None, "NO_WORKERS_RUNNING", -500), Kind.RETRY),
        (vendor.ServerError(None, "ANYTHING", 500), Kind.RETRY),
        (vendor.FloodError(None, "SOMETHING_NEW", 420), Kind.RETRY),
        (vendor.UnauthorizedError(None, "SOMETHING_NEW", 401), Kind.LOGIN),
        (vendor.BadRequestError(None, "SOMETHING_NEW", 400), Kind.BUG),
        (vendor.AuthKeyNotFound(), Kind.LOGIN),
        (ConnectionError(), Kind.RETRY),
        (TimeoutError(), Kind.RETRY),
        (asyncio.IncompleteReadError(b"", 4), Kind.RETRY),
        (vendor.SecurityError(), Kind.RETRY),
        (vendor.TypeNotFoundError(1, b""), Kind.BUG),
    ],
)
def test_errors_without_a_class_of_their_own(error: BaseException, kind: Kind) -> None:
    """Errors that Telethon has no class for, and those of the network, fall to a default by their base class."""
    assert kind_of(error) is kind


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (vendor.BadRequestError(None, "CHANNEL_TELEPATHY_REQUIRED", 400), "CHANNEL_TELEPATHY_REQUIRED"),
        (vendor.FloodError(None, "SLOWNESS_WAIT_17", 420), "SLOWNESS_WAIT_X"),
        (vendor.ServerError(None, "Internal_Server_Error", 500), None),
        (vendor.RPCError(None, "No workers running", -500), None),
        (vendor.RPCError(None, "SOMETHING", 499), "SOMETHING"),
        (ConnectionError("no answer at all"), None),
        (TimeoutError(), None),
    ],
)
def test_new_words_are_noticed(error: BaseException, word: str | None) -> None:
    """A refusal in words that the library does not know is told apart from all it does know, and from the network's."""
    assert new_word(error) == word


@pytest.mark.parametrize(
    ("cls", "state"),
    [
        (vendor.FrozenMethodInvalidError, AccountState.FROZEN),
        (vendor.UserDeactivatedBanError, AccountState.BANNED),
        (vendor.UserDeactivatedError, AccountState.BANNED),
        (vendor.SessionRevokedError, AccountState.REVOKED),
        (vendor.AuthKeyDuplicatedError, AccountState.REVOKED),
        (vendor.AuthKeyUnregisteredError, AccountState.REVOKED),
    ],
)
def test_what_becomes_of_the_account(cls: type, state: AccountState) -> None:
    """The refusal that ends an account says which state it is in now, and how to log in anew."""
    error = cls(None)
    ours = translate(error, method="m", now=NOW, account="second")
    ours.__cause__ = error
    assert state_of(ours) is state
    assert "earshot login --account second" in str(ours)


def test_what_passes_is_no_end() -> None:
    """No answer makes an account unreachable, an answer that never comes makes it stuck."""
    assert state_of(Unreachable("no connection")) is AccountState.UNREACHABLE
    assert state_of(Stuck("nothing comes")) is AccountState.STUCK


def test_wait_says_until_when() -> None:
    """A flood wait names the moment, and the word survives the translation."""
    error = vendor.FloodWaitError(None, 30)
    ours = translate(error, method="messages.getHistory", now=NOW)
    assert isinstance(ours, FloodWait)
    assert (ours.method, ours.until) == ("messages.getHistory", NOW + timedelta(seconds=30))
    ours.__cause__ = error
    assert word_of(ours) == "FLOOD_WAIT_X"


def test_zero_seconds_is_a_wait() -> None:
    """FLOOD_WAIT_0, seen on test servers, is waited for one second."""
    ours = translate(vendor.FloodWaitError(None, 0), method="m", now=NOW)
    assert isinstance(ours, FloodWait)
    assert ours.until == NOW + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("cls", "state"),
    [
        (vendor.ChannelPrivateError, ChannelState.PRIVATE),
        (vendor.ChannelBannedError, ChannelState.BANNED),
        (vendor.ChannelInvalidError, ChannelState.DELETED),
        (vendor.ChatRestrictedError, ChannelState.RESTRICTED),
    ],
)
def test_channel_states(cls: type, state: ChannelState) -> None:
    """What Telegram says of a channel becomes its state."""
    ours = translate(cls(None), method="m", now=NOW)
    assert isinstance(ours, ChannelUnavailable)
    assert ours.state == state.value


def test_no_secrets_in_errors() -> None:
    """Nothing of the request, which may hold a phone number or a token, gets into the text."""

    class Request:
        def __str__(self) -> str:
            return "+4912345"

    for cls in (vendor.PhoneCodeInvalidError, vendor.AccessTokenInvalidError, vendor.PhoneNumberBannedError):
        ours: TelegramError = translate(cls(Request()), method="auth.signIn", now=NOW)
        assert "4912345" not in str(ours)
