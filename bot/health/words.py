"""How alarms, the daily line and the command line word durations and sizes."""


def ago(seconds: float | None) -> str:
    """A duration as people say it: `14 s`, `3 min`, `25 h`, `4 d`; `–` for None."""
    if seconds is None:
        return "–"
    for limit, unit, name in ((90, 1, "s"), (5400, 60, "min"), (129_600, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds / 86_400:.0f} d"


def count(number: int, what: str) -> str:
    """As `1 post` or `1,234 posts`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def size(octets: int) -> str:
    """As `1.2 GB` or `310 MB`."""
    return f"{octets / 1e9:.1f} GB" if octets >= 1e9 else f"{octets / 1e6:.0f} MB"
