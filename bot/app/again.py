"""Recordings of the past are heard again by another model; what that changes is reported post by post."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.app.parts import speech_settings
from bot.config import Config
from bot.errors import ConfigError
from bot.model import ChannelId, Quote, post_link, utc_now
from bot.speech import SpeechSettings
from bot.speech.models import fingerprint, locate_model
from bot.store import HearingState, Reheard, Rehearing, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A post in which another hearing finds other words; by the rules as they were when it came."""

    # https://t.me/...
    link: str
    # As people call it: @handle, else title, else id.
    channel: str
    posted_at: datetime
    # Since the first post of the same recording; None for the first one.
    after: timedelta | None
    new: tuple[Quote, ...]
    vanished: tuple[Quote, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A recording that could not be heard again."""

    link: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """How far a model has come with hearing the recordings of a window again, and what that has changed."""

    # As it was asked for, and as transcripts name it (None while its weights are not on this machine).
    model: str
    identity: str | None
    # Recordings that this call has put on the list; 0 when it is repeated.
    asked: int
    # All recordings of the window that this model is to hear again, by state: `wanted`, `done`, `failed`. What it had
    # heard before, in whatever way, is none of them.
    counts: Mapping[str, int]
    # Newest post first; posts in which nothing changed are left out.
    differences: tuple[Difference, ...]
    refused: tuple[Refused, ...]


async def again(
    config: Config,
    store: Store,
    *,
    model: str,
    since: datetime,
    until: datetime | None = None,
    channel: str | None = None,
    alert: bool = False,
    ask: bool = True,
) -> Again:
    """Have every recording posted in the window heard again by `model`, and tell what has come of it so far.

    Doing it again asks for nothing twice: a recording that the same weights have heard is left out, one that failed is
    asked for anew. The running Earshot does the work, after everything that is new; so call it again, or with `ask=False`,
    which writes nothing, to see how far it is. `model`: a name or a folder, as `speech.model`; `channel`: handle or id;
    `alert`: what is found in posts older than a day alerts too, marked as from the archive (newer ones do in any case).

    Raises ConfigError for a channel that is not known here, ModelMissing for a model that nobody knows, StoreError.
    """
    settings = speech_settings(config, model=model)
    identity = await _identity(settings)
    what = Rehearing(
        model=settings.model,
        identity=identity,
        since=since,
        until=until,
        channel_id=await _channel_id(store, channel),
    )
    asked = await store.hearings.want_again(what, at=utc_now(), alert=alert) if ask else 0
    progress = await store.hearings.progress(what)
    return Again(
        model=settings.model,
        identity=identity,
        asked=asked,
        counts={state.value: progress.counts.get(state, 0) for state in HearingState},
        differences=tuple(_difference(one) for one in progress.changed),
        refused=tuple(
            Refused(link=post_link(one.channel, one.message_id), reason=one.reason) for one in progress.failed
        ),
    )


async def _identity(settings: SpeechSettings) -> str | None:
    """What transcripts of the model call it; None while its weights have yet to be fetched. Raises ModelMissing."""
    folder = locate_model(settings.model, settings.models_folder)
    if folder is None:
        return None
    digits = await asyncio.to_thread(fingerprint, folder)
    return f"{settings.model.rstrip('/').rpartition('/')[2]} {digits}"


async def _channel_id(store: Store, channel: str | None) -> ChannelId | None:
    if channel is None:
        return None
    found = await store.channels.find(channel)
    if found is None:
        raise ConfigError(f"{channel}: no such channel here; `earshot channels` lists them")
    return ChannelId(found.channel_id)


def _difference(one: Reheard) -> Difference:
    return Difference(
        link=post_link(one.channel, one.message.message_id),
        channel=one.channel.name,
        posted_at=one.message.posted_at,
        after=one.after or None,
        new=one.changed.new,
        vanished=one.changed.vanished,
    )
