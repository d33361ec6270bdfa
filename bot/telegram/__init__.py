"""What enters, and the pipe out: with the sandbox the only room that knows Telethon."""

from bot.telegram.account import Account, Identity
from bot.telegram.backfill import Backfiller, backfill
from bot.telegram.budget import limits
from bot.telegram.canary import CanaryPoster
from bot.telegram.channels import Pinned, WantedChannel, pin_channels
from bot.telegram.chat import AnalystChat
from bot.telegram.convert import convert, digest, raw_message
from bot.telegram.fetcher import Fetcher
from bot.telegram.fleet import Fleet
from bot.telegram.listener import Listener
from bot.telegram.login import login_bot, login_by_code, login_by_qr
from bot.telegram.pinner import Pinner
from bot.telegram.reader import Reader
from bot.telegram.rechecker import Rechecker
from bot.telegram.repair import repair
from bot.telegram.seeker import Seeker
from bot.telegram.server import Server
from bot.telegram.session import SessionFile
from bot.telegram.voice import Voice

__all__ = [
    "Account",
    "AnalystChat",
    "Backfiller",
    "CanaryPoster",
    "Fetcher",
    "Fleet",
    "Identity",
    "Listener",
    "Pinned",
    "Pinner",
    "Reader",
    "Rechecker",
    "Seeker",
    "Server",
    "SessionFile",
    "Voice",
    "WantedChannel",
    "backfill",
    "convert",
    "digest",
    "limits",
    "login_bot",
    "login_by_code",
    "login_by_qr",
    "pin_channels",
    "raw_message",
    "repair",
]
