"""Every error that Earshot raises on purpose.

    EarshotError                     exit 1
    ├── ConfigError                  exit 3   a file, key or value is wrong
    │   └── RuleError                exit 3   a watch rule cannot be read or compiled
    ├── TelegramError                exit 4   Telegram refused, or the connection did not come about
    │   ├── LoginNeeded              exit 4   there is no session, or it is no longer valid
    │   ├── LoginRefused             exit 4   wrong phone, code, password or token
    │   ├── AccountDead              exit 4   banned, frozen, revoked, or used from elsewhere
    │   ├── FloodWait                exit 9   Telegram says: not before that moment
    │   │   └── BudgetSpent          exit 9   our own budget says so, before Telegram must
    │   ├── ChannelUnavailable       exit 4   one channel cannot be read (private, banned, gone)
    │   ├── MediaUnavailable         exit 4   one file cannot be fetched
    │   ├── Refused                  exit 4   any other refusal; only the caller can judge it
    │   ├── AlreadyDone              exit 4   the request had its effect before
    │   ├── Unreachable              exit 9   no network, or trouble inside Telegram
    │   └── Stuck                    exit 9   connected, but nothing comes, also over a new connection
    ├── StoreError                   exit 5   the database or the media folder cannot be used
    ├── Locked                       exit 6   another process holds the session or the data folder
    ├── SpeechError                  exit 7   a recording was not transcribed, or a text not put into English
    │   ├── MediaRefused             exit 7   the file is not what it claims, or breaks a limit: final
    │   ├── ChildDied                exit 7   the process with the model crashed or ran out of time: worth another try
    │   ├── ServerAway               exit 7   the speech server cannot be reached or is busy: worth another try
    │   └── ModelMissing             exit 7   the model is not there and could not be fetched, or is none
    └── SinkError                    exit 8   a sink did not take an alert

The text of an error is what the user reads: it names the file, key, channel or message, says what was expected and
what to do.
Exit code 2 is a wrong command line (click's own), 130 is Ctrl-C.
"""

from datetime import datetime


class EarshotError(Exception):
    """The root of the tree; its text is the message for the user."""

    exit_code = 1


class ConfigError(EarshotError):
    """A configuration file, key or value is wrong; nothing was written."""

    exit_code = 3


class RuleError(ConfigError):
    """A watch rule cannot be read or compiled; the text names file, line and rule."""


class TelegramError(EarshotError):
    """Telegram refused a request, or could not be reached."""

    exit_code = 4


class LoginNeeded(TelegramError):
    """There is no session for this account, or Telegram no longer accepts it."""


class LoginRefused(TelegramError):
    """Telegram did not accept the phone number, code, password or token."""


class AccountDead(TelegramError):
    """The account or its session is lost: banned, frozen, revoked, or used from elsewhere."""


class FloodWait(TelegramError):
    """Telegram refuses `method` until `until`."""

    exit_code = 9

    def __init__(self, method: str, until: datetime) -> None:
        super().__init__(f"Telegram asks to wait with {method} until {until:%Y-%m-%d %H:%M:%S} UTC")
        self.method = method
        self.until = until


class BudgetSpent(FloodWait):
    """Our own budget for `method` is used up until `until`; Telegram was not asked."""

    def __init__(self, method: str, until: datetime) -> None:
        super().__init__(method, until)
        self.args = (f"our own limit on {method} is reached until {until:%Y-%m-%d %H:%M:%S} UTC",)


class ChannelUnavailable(TelegramError):
    """One channel cannot be read; `state` is a `ChannelState` value."""

    def __init__(self, text: str, state: str) -> None:
        super().__init__(text)
        self.state = state


class MediaUnavailable(TelegramError):
    """One file cannot be fetched; `permanent` says whether trying again can help."""

    def __init__(self, text: str, *, permanent: bool) -> None:
        super().__init__(text)
        self.permanent = permanent


class Refused(TelegramError):
    """Telegram refused a request for a reason that the caller has to judge; `word` is Telegram's own."""

    def __init__(self, text: str, word: str) -> None:
        super().__init__(text)
        self.word = word


class AlreadyDone(TelegramError):
    """RANDOM_ID_DUPLICATE: this message was sent before, so it counts as sent."""


class Unreachable(TelegramError):
    """No answer, or trouble inside Telegram: worth another try."""

    exit_code = 9


class Stuck(TelegramError):
    """The connection stands and nothing comes over it, nor over the one made anew: for the supervisor to start afresh."""

    exit_code = 9


class StoreError(EarshotError):
    """The database or the media folder cannot be used."""

    exit_code = 5


class Locked(EarshotError):
    """Another process holds the session or the data folder."""

    exit_code = 6


class SpeechError(EarshotError):
    """A recording was not transcribed, or a text not put into English; `permanent` says whether trying again can help."""

    exit_code = 7
    permanent = False


class MediaRefused(SpeechError):
    """The bytes are not an accepted recording, or break a limit; `reason` is a short stable word as `container`."""

    permanent = True

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class HeardBefore(SpeechError):
    """It is another encoding of a recording that we have: nothing is transcribed."""


class ChildDied(SpeechError):
    """The process with the model crashed or ran out of time or memory; it is started anew for the next try."""


class ServerAway(SpeechError):
    """The speech server cannot be reached, is busy or has lost its back end: no fault of any recording.

    `retry_after`: seconds that it asked to wait, if it did.
    """

    def __init__(self, text: str, *, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class ModelMissing(SpeechError):
    """The model is not in its folder and could not be fetched, or is none; or the speech server does not offer it to us."""


class SinkError(EarshotError):
    """A sink did not take an alert.

    `permanent`: trying again cannot help. `retry_after`: seconds that the sink asked to wait, if it did.
    """

    exit_code = 8

    def __init__(self, text: str, *, permanent: bool, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.permanent = permanent
        self.retry_after = retry_after


def first_of(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The failure to report of a group, however deep it lies: one of ours if there is one."""
    leaves: list[BaseException] = []
    todo: list[BaseException] = [errors]
    while todo:
        error = todo.pop()
        if isinstance(error, BaseExceptionGroup):
            todo.extend(error.exceptions)
        else:
            leaves.append(error)
    return next((error for error in leaves if isinstance(error, EarshotError)), leaves[0])
