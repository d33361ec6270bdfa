"""The lists of cases: what analysts ask for and how people write it, with the exact piece of text that must be found."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.model import Source
from bot.rules import Field
from tests.rules.helpers import rule_set, subject

CASES = Path(__file__).parent / "cases"
LISTS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(CASES.glob("*.json"))}
# Cases that the engine gets wrong, and why that is accepted.
KNOWN = {
    "blind-fuzzy-06": "the dictionary knows Искандар, a first name; slips are looked for in unknown words alone",
    "blind2-homonym-10": "стекла after a noun is mostly of glass",
    "blind2-evasion-14": "the letters of flags are left alone: every other post has a flag in it",
    "blind3-homonym-05": "дул is also how many barrels are written; a wind is not known to blow",
    "blind3-uk-homonym-03": "цілі are targets far oftener than whole",
}
# At least so many cases, and so great a share of them right.
BARS = {"russian": (170, 0.97), "ukrainian": (120, 0.95), "english": (60, 0.95), "blind": (1_100, 0.98)}


def is_right(case: dict[str, Any]) -> bool:
    """Whether the engine finds what the case expects, and nothing where it expects nothing."""
    source = Source.TRANSCRIPT if case["kind"] == "transcript" else Source.TEXT
    post = subject(case["text"], fields=(Field(source=source, text=case["text"]),))
    found = [
        case["text"][span.start : span.end] for match in rule_set(case["rule"]).match(post) for span in match.spans
    ]
    if bool(found) != case["expect_match"]:
        return False
    return not found or case.get("expect_span") in (None, *found)


@pytest.mark.parametrize("case", [case for cases in LISTS.values() for case in cases], ids=lambda case: case["id"])
def test_a_case_is_found_where_it_is_meant_and_nowhere_else(case: dict[str, Any]) -> None:
    """A query finds the exact piece of text that the list expects, or nothing; what is known to go wrong still does."""
    assert is_right(case) == (case["id"] not in KNOWN)


@pytest.mark.parametrize("name", BARS)
def test_a_list_is_long_enough_and_mostly_right(name: str) -> None:
    """Each language has its list, with ids of its own, and the share that is right stays over the bar."""
    least, share = BARS[name]
    cases = LISTS[name]
    assert len({case["id"] for case in cases}) == len(cases) >= least
    assert sum(case["id"] not in KNOWN for case in cases) / len(cases) >= share
