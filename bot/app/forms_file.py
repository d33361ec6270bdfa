"""The forms of the rules' terms, kept in a file of the data folder: with it, rules compile in a tenth of the time.

It may be deleted at any time. Without a folder to write to, the forms are made anew at each start.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import structlog

from bot.rules import RuleSet, parse_rules
from bot.rules.terms import packed, unpack

log = structlog.get_logger()

NAME = "rule-forms"


def parse_with_forms(files: Mapping[str, str], folder: Path, *, keep: bool = False) -> RuleSet:
    """Like `parse_rules`, with the forms from the file in `folder`, which `keep` brings up to date. Raises `RuleError`."""
    file = folder / NAME
    kept = _read(file)
    rules = parse_rules(files)
    if keep and not rules.inflected <= kept:
        _write(file, packed(rules.inflected))
    return rules


def _read(file: Path) -> frozenset[str]:
    try:
        return unpack(file.read_bytes())
    except (OSError, ValueError) as error:
        log.debug("the forms of the rules are made anew", file=str(file), reason=str(error))
        return frozenset()


def _write(file: Path, content: bytes) -> None:
    """All of it or nothing, whoever else writes at the same time."""
    if not file.parent.is_dir():
        return
    fresh = file.with_name(f".{NAME}-{os.getpid()}")
    try:
        fresh.write_bytes(content)
        fresh.replace(file)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        log.debug("the forms of the rules are not kept", file=str(file), reason=str(error))
