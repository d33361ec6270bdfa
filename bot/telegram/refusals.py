"""What Telegram's refusals mean for us: one table, and the translation of every vendor error.

Telethon 1.45.0 knows 531 error classes (`telethon.errors.rpcerrorlist`). Each falls into exactly one `Kind`: by its
word in the tables below, else by its base class, else it is a refusal that only the caller can judge (`BUG`).
"""

import asyncio
import re
from datetime import datetime, timedelta
from enum import StrEnum

from telethon import errors as vendor
from telethon.errors.rpcerrorlist import rpc_errors_dict, rpc_errors_re

from bot.errors import (
    AccountDead,
    AlreadyDone,
    ChannelUnavailable,
    EarshotError,
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


class Kind(StrEnum):
    """What can be done about a refusal."""

    # Trouble at Telegram or on the way: the same request later.
    RETRY = "retry"
    # Not before a moment that Telegram names.
    WAIT = "wait"
    # One channel cannot be read.
    CHANNEL = "channel"
    # One file cannot be read as asked.
    MEDIA = "media"
    # The account or its session is lost.
    ACCOUNT_DEAD = "account dead"
    # A login is needed, or was not accepted.
    LOGIN = "login"
    # The request had its effect before.
    DONE = "done"
    # A request that we should not have made, or whose refusal only the caller can judge.
    BUG = "bug"


_WORDS: dict[type[BaseException], str] = {
    **{cls: word for word, cls in rpc_errors_dict.items()},
    **{cls: pattern.replace(r"(\d+)", "X") for pattern, cls in rpc_errors_re},
}

_DEAD = {
    "AUTH_KEY_DUPLICATED": "the session was used from two places at once, and Telegram has revoked it for good",
    "SESSION_REVOKED": "the session was ended from another device",
    "USER_DEACTIVATED": "the account was deleted",
    "USER_DEACTIVATED_BAN": "Telegram has banned the account",
    "FROZEN_METHOD_INVALID": "Telegram has frozen the account; it can be appealed in a Telegram app",
    "FROZEN_PARTICIPANT_MISSING": "Telegram has frozen the account; it can be appealed in a Telegram app",
}

_LOGIN_NEEDED = {
    "AUTH_KEY_UNREGISTERED": "this session is not logged in",
    "AUTH_KEY_INVALID": "Telegram does not accept this session",
    "AUTH_KEY_PERM_EMPTY": "Telegram does not accept this session",
    "SESSION_EXPIRED": "this session has expired",
    "ACTIVE_USER_REQUIRED": "this session is not logged in",
    "UNAUTHORIZED": "this session is not logged in",
}

_LOGIN_REFUSED = {
    "ACCESS_TOKEN_EXPIRED": "the bot token has expired; ask @BotFather for a new one",
    "ACCESS_TOKEN_INVALID": "the bot token is wrong; copy it again from @BotFather",
    "API_ID_INVALID": "api_id and api_hash do not belong together; see https://my.telegram.org/apps",
    "API_ID_PUBLISHED_FLOOD": "this api_id is published and blocked; get your own at https://my.telegram.org/apps",
    "AUTH_RESTART": "Telegram asks to start the login again",
    "AUTH_TOKEN_ALREADY_ACCEPTED": "this QR code was used before; start the login again",
    "AUTH_TOKEN_EXCEPTION": "the QR code was not accepted; start the login again",
    "AUTH_TOKEN_EXPIRED": "the QR code has expired; start the login again",
    "AUTH_TOKEN_INVALID": "the QR code was not accepted; start the login again",
    "AUTH_TOKEN_INVALIDX": "the QR code was not accepted; start the login again",
    "AUTH_TOKEN_INVALID2": "the QR code was not accepted; start the login again",
    "EMAIL_UNCONFIRMED_X": "the account needs a confirmed e-mail address; confirm it in a Telegram app",
    "PASSWORD_EMPTY": "no password was given",
    "PASSWORD_HASH_INVALID": "the password is wrong",
    "PASSWORD_MISSING": "the account has no password",
    "PASSWORD_REQUIRED": "the account needs a password",
    "PASSWORD_TOO_FRESH_X": "the password was changed too recently; try again later",
    "PHONE_CODE_EMPTY": "no code was given",
    "PHONE_CODE_EXPIRED": "the code has expired; start the login again",
    "PHONE_CODE_HASH_EMPTY": "the code has expired; start the login again",
    "PHONE_CODE_INVALID": "the code is wrong",
    "PHONE_HASH_EXPIRED": "the code has expired; start the login again",
    "PHONE_NOT_OCCUPIED": "no Telegram account has this phone number",
    "PHONE_NUMBER_APP_SIGNUP_FORBIDDEN": "no Telegram account has this phone number",
    "PHONE_NUMBER_BANNED": "Telegram has banned this phone number",
    "PHONE_NUMBER_FLOOD": "too many codes were asked for this phone number; try again tomorrow",
    "PHONE_NUMBER_INVALID": "this is not a phone number; write it with the country code, as +49...",
    "PHONE_NUMBER_UNOCCUPIED": "no Telegram account has this phone number",
    "PHONE_PASSWORD_FLOOD": "too many wrong logins for this phone number; try again tomorrow",
    "PHONE_PASSWORD_PROTECTED": "the account is protected by a password",
    "SEND_CODE_UNAVAILABLE": "Telegram has no further way to send a code to this number; try the QR code",
    "SESSION_PASSWORD_NEEDED": "the account is protected by a password",
    "SIGN_IN_FAILED": "Telegram could not log in; try again",
    "SRP_ID_INVALID": "the password was changed meanwhile; start the login again",
    "SRP_PASSWORD_CHANGED": "the password was changed meanwhile; start the login again",
    "UPDATE_APP_TO_LOGIN": "Telegram asks for a newer program; update Earshot",
}

_CHANNEL = {
    "CHANNEL_PRIVATE": ChannelState.PRIVATE,
    "CHANNEL_PUBLIC_GROUP_NA": ChannelState.PRIVATE,
    "INVITE_REQUEST_SENT": ChannelState.PRIVATE,
    "USER_BANNED_IN_CHANNEL": ChannelState.BANNED,
    "USER_KICKED": ChannelState.BANNED,
    "CHANNEL_BANNED": ChannelState.BANNED,
    "CHAT_RESTRICTED": ChannelState.RESTRICTED,
    "CHANNEL_INVALID": ChannelState.DELETED,
    "CHANNEL_ID_INVALID": ChannelState.DELETED,
    "USERNAME_INVALID": ChannelState.DELETED,
    "USERNAME_NOT_OCCUPIED": ChannelState.DELETED,
}

_CHANNEL_WORDS = {
    ChannelState.PRIVATE: "the channel is private",
    ChannelState.BANNED: "the channel, or we in it, are banned",
    ChannelState.RESTRICTED: "the channel is restricted",
    ChannelState.DELETED: "no such channel, or this account cannot see it",
}

# True: asking again cannot help.
_MEDIA = {
    "FILE_REFERENCE_EMPTY": False,
    "FILE_REFERENCE_EXPIRED": False,
    "FILE_REFERENCE_INVALID": False,
    "FILE_ID_INVALID": True,
    "LOCATION_INVALID": True,
}

# Telegram's words for trouble of its own that Telethon has no class for, as its servers were seen to say them.
_EXPECTED = frozenset({"", "INTERNAL", "INTERNAL_SERVER_ERROR", "NO WORKERS RUNNING"})

# Server errors by class that asking again would not cure.
_BUGS = frozenset({"UNKNOWN_METHOD", "STORE_INVALID_SCALAR_TYPE"})


def word_of(error: BaseException | None) -> str:
    """Telegram's own word for a vendor error, or for one of ours that came from it; empty when there is none."""
    if isinstance(error, EarshotError):
        error = error.__cause__
    if not isinstance(error, vendor.RPCError):
        return ""
    return _WORDS.get(type(error)) or str(error.message or "").upper()


def kind_of(error: BaseException) -> Kind:
    """The one kind that a vendor error belongs to."""
    word = word_of(error)
    if word == "RANDOM_ID_DUPLICATE":
        return Kind.DONE
    if word in _DEAD:
        return Kind.ACCOUNT_DEAD
    if word in _LOGIN_NEEDED or word in _LOGIN_REFUSED:
        return Kind.LOGIN
    if word in _CHANNEL:
        return Kind.CHANNEL
    if word in _MEDIA:
        return Kind.MEDIA
    if word in _BUGS:
        return Kind.BUG
    return _kind_by_class(error)


def _kind_by_class(error: BaseException) -> Kind:
    if seconds_of(error) is not None:
        return Kind.WAIT
    if isinstance(error, vendor.UnauthorizedError | vendor.AuthKeyNotFound):
        return Kind.LOGIN
    # A migration is followed where the request is made; one that still comes here is tried again.
    transient = (vendor.ServerError, vendor.TimedOutError, vendor.InvalidDCError, vendor.FloodError)
    if isinstance(error, transient) or getattr(error, "code", None) in (-500, -503):
        return Kind.RETRY
    broken = (OSError, asyncio.IncompleteReadError, vendor.SecurityError, vendor.InvalidBufferError)
    if isinstance(error, (*broken, vendor.BadMessageError, vendor.InvalidChecksumError)):
        return Kind.RETRY
    return Kind.BUG


def seconds_of(error: BaseException) -> int | None:
    """How long Telegram asks to wait, in seconds; None when it does not."""
    if isinstance(error, vendor.PreviousChatImportActiveWaitMinError):
        return int(error.minutes) * 60
    waits = (vendor.FloodError, vendor.SessionTooFreshError)
    seconds = getattr(error, "seconds", None) if isinstance(error, waits) else None
    return None if seconds is None else max(int(seconds), 1)


def new_word(error: BaseException) -> str | None:
    """Telegram's word, numbers as X, for an error that Telethon has no class for; None when it has one, or is no answer."""
    if not isinstance(error, vendor.RPCError) or type(error) in _WORDS or word_of(error) in _EXPECTED:
        return None
    return re.sub(r"\d+", "X", word_of(error))


def state_of(error: BaseException) -> AccountState:
    """How the account fares to which this happened."""
    word = word_of(error)
    if word.startswith("FROZEN_"):
        return AccountState.FROZEN
    if word.startswith("USER_DEACTIVATED"):
        return AccountState.BANNED
    if isinstance(error, AccountDead | LoginNeeded):
        return AccountState.REVOKED
    return AccountState.STUCK if isinstance(error, Stuck) else AccountState.UNREACHABLE


def login_command(account: str) -> str:
    """What the operator types to log the account in."""
    return {"main": "earshot login", "bot": "earshot login --bot"}.get(account, f"earshot login --account {account}")


def translate(error: BaseException, *, method: str, now: datetime, account: str = "main") -> TelegramError:
    """Our error for a vendor error; raise it `from error`, so that `word_of` finds the word again."""
    word = word_of(error) or type(error).__name__
    match kind_of(error):
        case Kind.WAIT:
            return FloodWait(method, now + timedelta(seconds=seconds_of(error) or 1))
        case Kind.RETRY:
            return Unreachable(f"Telegram did not answer {method} ({word}); it is worth another try")
        case Kind.CHANNEL:
            state = _CHANNEL[word]
            return ChannelUnavailable(f"{_CHANNEL_WORDS[state]} ({word})", state.value)
        case Kind.MEDIA:
            return MediaUnavailable(f"the file cannot be fetched ({word})", permanent=_MEDIA[word])
        case Kind.ACCOUNT_DEAD:
            return AccountDead(f"{_DEAD[word]} ({word}); then log in anew with: {login_command(account)}")
        case Kind.LOGIN:
            return _login(word, account)
        case Kind.DONE:
            return AlreadyDone(f"{method} was already done ({word})")
        case Kind.BUG:
            return Refused(f"Telegram refused {method}: {word}", word)


def _login(word: str, account: str) -> TelegramError:
    if word in _LOGIN_REFUSED:
        return LoginRefused(f"{_LOGIN_REFUSED[word]} ({word})")
    return LoginNeeded(
        f"{_LOGIN_NEEDED.get(word, 'Telegram does not know this session')} ({word}); type: {login_command(account)}"
    )


# Everything that Telethon and the network under it raise; TimeoutError is an OSError.
VENDOR: tuple[type[BaseException], ...] = (
    vendor.RPCError,
    vendor.AuthKeyNotFound,
    vendor.BadMessageError,
    vendor.SecurityError,
    vendor.InvalidBufferError,
    vendor.InvalidChecksumError,
    vendor.TypeNotFoundError,
    asyncio.IncompleteReadError,
    OSError,
)
