"""Earshot: a listening post for Telegram."""
