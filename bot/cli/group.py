"""Groups of commands that are loaded when they are called: nobody waits for a database to read the version."""

from importlib import import_module

import click


class Later(click.Command):
    """A command by its name and its line in the help; the rest comes from `module:attribute` when it is called."""

    def __init__(self, name: str, place: str, short_help: str) -> None:
        super().__init__(name, short_help=short_help)
        self._place = place

    def load(self) -> click.Command:
        """The command itself."""
        module, _, attribute = self._place.partition(":")
        found = getattr(import_module(module), attribute)
        if not isinstance(found, click.Command) or found.name != self.name:
            raise TypeError(f"{self._place} is not the command {self.name}")
        return found


class Group(click.Group):
    """Commands in the order of use, not of the alphabet; those that are to come later are loaded when called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order in which they were added."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is called, loaded; the help and the completion of names make do without."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, Later) else command, rest

    def add(self, *commands: click.Command) -> None:
        """Add several, in this order."""
        for command in commands:
            self.add_command(command)


def examples(*lines: str) -> str:
    """An epilog of examples that click does not re-wrap."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
