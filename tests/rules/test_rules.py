"""Lists, selections, conditions, revisions, tests inside rule files."""

import pytest

from bot.model import Severity, Source
from bot.rules import RuleSet, parse_rules
from tests.rules.helpers import found, rule_set, spans, subject

SELECT = """
watchlist: south
terms:
  strike: [удар*, прилёт, '"Storm Shadow"']
  weapons: [$strike, 'HIMARS AND Токмак', тяжел* бомб*, =РЭБ, no, 58]
rules:
  - id: r
    select:
      town: [Токмак, Бердянск]
      hit: $weapons
      loss: тяжёлые потери
      ad: [реклама, розыгрыш]
    condition: CONDITION
"""


def selected(condition: str) -> RuleSet:
    """The rule above with this condition."""
    return parse_rules({"t.yaml": SELECT.replace("CONDITION", condition)})


@pytest.mark.parametrize(
    ("condition", "text", "matches"),
    [
        ("2 of them and not ad", "Токмак, удар", True),
        ("2 of them and not ad", "Токмак", False),
        ("2 of them and not ad", "Токмак, удар, реклама", False),
        ("2 of (town, hit, loss) and not ad", "Бердянск, тяжёлые потери", True),
        ("all of (town, hit) and not 1 of (loss, ad)", "Бердянск, прилёт", True),
        ("all of (town, hit) and not 1 of (loss, ad)", "Бердянск, прилёт, розыгрыш", False),
        ("any of them", "розыгрыш", True),
        ("all of them", "Бердянск, прилёт, тяжёлые потери, реклама", True),
        ("all of them", "Бердянск, прилёт, тяжёлые потери", False),
        ("town AND (hit OR loss) AND NOT ad", "Токмак, тяжёлые потери", True),
        ("not (ad or loss) and town and hit", "Токмак, тяжелая бомба", True),
        ("hit and not (town or loss or ad)", "HIMARS", False),
        ("hit and not (loss or ad) and town", "HIMARS, Токмак", True),
        ("hit and not (town or loss or ad)", "say no", True),
        ("hit and not (town or loss or ad)", "дом 58", True),
    ],
)
def test_conditions_count_and_combine_selections(condition: str, text: str, matches: bool) -> None:
    """`n of them`, groups, and/or/not work on selections; a list is OR; plain words of an item are a phrase."""
    assert bool(selected(condition).match(subject(text))) is matches


def test_proof_shows_what_made_the_rule_true() -> None:
    """Spans are of the branches that hold, not of every term that happens to be there."""
    assert found("(взрыв AND дом) OR мост", "взрыв у моста, мост") == ["моста", "мост"]
    assert [span.form for span in spans(selected("town and hit and not (loss or ad)"), "Токмак: прилёт, погода")] == [
        "токмак",
        "прилет",
    ]


def test_a_rule_knows_itself() -> None:
    """Title defaults to the id, severity to medium, watchlist to the file; text and terms are as written."""
    (rule,) = parse_rules(
        {"rules/front.yaml": 'rules:\n  - id: a\n    match: >-\n      взрыв\n      OR "два  слова"\n'}
    ).rules
    assert (rule.title, rule.severity, rule.watchlist, rule.line) == ("a", Severity.MEDIUM, "front", 2)
    assert rule.text == 'взрыв OR "два слова"'
    assert rule.terms == ("взрыв", '"два  слова"')
    (rule,) = selected("any of them").rules
    assert rule.watchlist == "south"
    assert rule.text.startswith("any of them (town: Токмак, Бердянск; hit: $weapons;")


def test_revision_follows_what_a_rule_does() -> None:
    """Words, lists, scope, severity and title change the revision; comments, tests, order and layout do not."""
    base = "terms: {t1: [a1]}\nrules:\n  - {id: r, match: $t1 AND b1, severity: high}\n"
    same = "# x\nterms: {t1: [a1], t2: [z1]}\nrules:\n  - {severity: high, tests: {match: [a1 b1]}, id: r, match: '$t1  AND (b1)'}\n"
    others = [
        base.replace("[a1]", "[a1, a2]"),
        base.replace("high", "low"),
        base.replace("AND", "OR"),
        base.replace("severity", "title: T, severity"),
        base.replace("severity", "fields: [text], severity"),
        base.replace("severity", "accept: [exact], severity"),
        base.replace("severity", "refuse: [fuzzy], severity"),
        base.replace("severity", "where: {channels: ['!@rybar']}, severity"),
    ]
    revisions = [parse_rules({"t.yaml": text}).rules[0].revision for text in (base, same, *others)]
    assert revisions[0] == revisions[1]
    assert len(set(revisions)) == len(revisions) - 1


def test_tests_inside_rule_files_are_run() -> None:
    """Each test says whether it passed, where it stands, and what was found; scope is left aside."""
    more = "    where: {channels: [other], kinds: voice}\n    fields: [transcript]\n    tests:\n      match: [ВЗРЫВ, удар]\n      no_match: [тихо, взрыв]\n"
    results = rule_set("взрыв*", more=more).run_tests()
    assert [(result.passed, result.test.expected, result.found) for result in results] == [
        (True, True, ("взрыв",)),
        (False, True, ()),
        (True, False, ()),
        (False, False, ("взрыв",)),
    ]
    assert str(results[1]) == "t.yaml:8: rule r: FAILED: expected a match, nothing matched: удар"
    assert str(results[3]).endswith("FAILED: expected no match, matched взрыв: взрыв")


def test_the_same_term_in_many_rules_is_found_for_each() -> None:
    """Rules share terms; each rule reports its own match."""
    text = "rules:\n" + "".join(f"  - {{id: r{n}, match: взрыв AND NOT x{n}}}\n" for n in range(50))
    rules = parse_rules({"t.yaml": text})
    assert [match.rule_id for match in rules.match(subject("взрыв x7"))] == [f"r{n}" for n in range(50) if n != 7]


def test_every_source_can_be_named_in_fields() -> None:
    """`fields` takes all sources of the model."""
    for source in Source:
        rule_set("взрыв", more=f"    fields: {source.value}\n")
