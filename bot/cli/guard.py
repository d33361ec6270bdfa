"""Errors to exit codes: what the user sees is one clear line, never a traceback, for whatever we foresee."""

import click

from bot.errors import EarshotError


def guard(command: click.Command, arguments: list[str] | None = None) -> int:
    """Run `command` on `arguments` (default sys.argv) and return the exit code.

    A reader that goes away (`| head`) ends the process quietly: click and rich see to that.
    """
    try:
        result = command.main(arguments, prog_name="earshot", standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except EarshotError as error:
        # One line, whatever a path or a server has put into it.
        _say("[bold red]earshot:[/]", " ".join(str(error).split()))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted;", "everything recorded so far is kept")
        return 130
    return result if isinstance(result, int) else 0


def _say(head: str, text: str) -> None:
    # Not at the top: most commands have nothing to say here, and some load nothing that draws.
    from rich.markup import escape

    from bot.cli.edge import err

    err.print(f"{head} {escape(text)}")
