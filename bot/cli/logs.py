"""Structured logs: to a terminal in colours, to anything else as JSON lines; short commands warn in plain words.

Nothing personal passes.
"""

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# Keys whose values never reach a log, whoever puts them there.
_PERSONAL = frozenset({"phone", "code", "password", "token", "session", "auth_key", "api_hash", "url", "text"})


def _hide_personal(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {key: "hidden" if key in _PERSONAL else value for key, value in event.items()}


def _in_words(_: WrappedLogger, __: str, event: EventDict) -> str:
    """`warning: the code is wrong (tries left 2)`: for somebody who types a command, not for a log."""
    error = event.pop("exception", None)
    level, text = event.pop("level"), event.pop("event")
    details = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in event.items() if key != "timestamp")
    return f"{level}: {text}" + (f" ({details})" if details else "") + (f"\n{error}" if error else "")


def set_up_logs(level: str, format_: Literal["auto", "console", "json", "words"]) -> None:
    """Configure structlog, and route the standard library's loggers (Telethon's among them, from WARNING) through it.

    `words`: for commands other than `run`.
    """
    console = format_ == "console" or (format_ == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _hide_personal,
    ]
    as_json = structlog.processors.JSONRenderer(ensure_ascii=False)
    flat: Processor = _in_words if format_ == "words" else as_json
    # Not the traceback of rich, which is the default: it shows the values of variables, so posts, keys and tokens.
    on_screen = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    tail: list[Processor] = [on_screen] if console else [structlog.processors.format_exc_info, flat]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # Telethon (the connections of ours as telethon.earshot) writes message content below WARNING, SQLAlchemy and
    # aiosqlite write statements.
    for chatty in (
        "telethon", "telethon.earshot", "sqlalchemy", "aiosqlite", "alembic", "asyncio", "apprise", "faster_whisper",
        "httpx", "pymorphy3",
    ):  # fmt: skip
        logging.getLogger(chatty).setLevel(logging.WARNING)
