"""Importing this module registers every handler of the world; see `bot.sandbox.rpc.handles`."""

import bot.sandbox.callbacks
import bot.sandbox.dialogs
import bot.sandbox.editing
import bot.sandbox.history
import bot.sandbox.peers
import bot.sandbox.sending
import bot.sandbox.updates
import bot.sandbox.uploads  # noqa: F401
