"""Which model or server a command has hear, and what it says of that on stderr."""

from dataclasses import replace
from pathlib import Path

import click
from rich.markup import escape

from bot.app.hearing import SERVER, Hearer, hearer_anywhere
from bot.cli.edge import err
from bot.speech import SpeechSettings
from bot.speech.models import locate_model

MODEL_HELP = (
    f"Of this machine: a name (small, medium, large-v3-turbo) or a folder; {SERVER}: the speech server that is set."
)


def hearer_of(context: click.Context, model: str | None) -> Hearer:
    """By the command's configuration and its --model; nothing is fetched or asked yet.

    ConfigError when the speech section is wrong, ModelMissing when nobody knows the model.
    """
    hearer = hearer_anywhere(context.find_root().params["config"], absolute(model))
    if hearer.server is None:
        locate_model(hearer.settings.model, hearer.settings.models_folder)
    return hearer


def announce(hearer: Hearer) -> None:
    """Say on stderr what hears and by which settings, and that the model has to be fetched first if so."""
    where = f"the server {hearer.server.host}" if hearer.server else "this machine"
    err.print(f"heard by [bold]{escape(hearer.model)}[/] on {escape(where)}; settings: {escape(hearer.origin)}")
    if hearer.server is None:
        announce_fetching(hearer.settings)


def announce_fetching(settings: SpeechSettings) -> None:
    """Say on stderr that the model has to be fetched first, if it has. ModelMissing when nobody knows it."""
    if locate_model(settings.model, settings.models_folder) is None:
        err.print(
            f"fetching the speech model [bold]{escape(settings.model)}[/] into {escape(str(settings.models_folder))}, once"
        )


def with_model(settings: SpeechSettings, model: str | None) -> SpeechSettings:
    """`settings` with the model of this machine that the command line names; ModelMissing when nobody knows it.

    Says so on stderr when it has to be fetched first.
    """
    if named := absolute(model):
        settings = replace(settings, model=named)
    announce_fetching(settings)
    return settings


def absolute(model: str | None) -> str | None:
    """A folder is meant as seen from here, not from where the configuration is."""
    if model == SERVER:
        return model
    folder = Path(model).expanduser() if model else None
    return str(folder.resolve()) if folder is not None and folder.is_dir() else model
