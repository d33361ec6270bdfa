"""`python -m bot` is `earshot`."""

import sys

from bot.cli import cli
from bot.cli.guard import guard


def main() -> None:
    """Run the command line; every EarshotError becomes one clear line and its exit code."""
    sys.exit(guard(cli))


if __name__ == "__main__":
    main()
