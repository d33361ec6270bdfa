"""What leaves: alerts are rendered, delivered in order from the outbox, and sent through sinks."""

from bot.alerts.apprise_sink import AppriseSink
from bot.alerts.dispatcher import Dispatcher
from bot.alerts.neutral import plain
from bot.alerts.render import render
from bot.alerts.sink import Sink

__all__ = ["AppriseSink", "Dispatcher", "Sink", "plain", "render"]
