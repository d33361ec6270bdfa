"""Earshot: a listening post for Telegram."""

__version__ = "0.1.0"
