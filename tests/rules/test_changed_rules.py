"""A set of rules that is made from the one before is the set that would be made from nothing."""

import random

import pytest

from bot.errors import RuleError
from bot.rules import RuleSet, parse_rules
from tests.rules.helpers import subject

LISTS = "terms:\n  strike: [удар, прилёт, {}]\n"
QUERIES = (
    "person:Попов",
    'person:"Иван Попов" AND отставка',
    'unit:"58-я армия" NEAR/8 $strike',
    "place:Бердянск OR place:Токмак",
    '"тяжёлые потери" NOT погода',
    "Хаймарс~1",
    "=ЮВО",
    "прилет*",
    "/з[уy]/",
    "mention:rybar",
    "url:t.me/rybar",
    "удар AND мост",
    "$strike",
)
TEXTS = (
    "Командующий 58-й армией Иван Попов отправлен в отставку после удара.",
    "Прилёты по Бердянску, в Токмаке тихо. Тяжёлые потери, погода ясная.",
    "Хаймарз и Хаймарс, ЮВО, @rybar пишет: t.me/rybar/1, зу-23 и мост",
    "В 58 ОА удар, взрывы, п.о.п.о.в и Ш о й г у",
    "Ракета, дрон и мост. Попову и Попову.",
)


def _folder(rng: random.Random) -> dict[str, str]:
    files = {"lists.yaml": LISTS.format(rng.choice(["взрыв", "ракета"]))}
    number = 0
    for name in rng.sample("abcdef", rng.randint(2, 5)):
        rules = []
        for query in rng.sample(QUERIES, rng.randint(1, 6)):
            number += 1
            rules.append(f"  - id: r{number}\n    match: {query!r}\n")
        files[f"{name}.yaml"] = "rules:\n" + "".join(rules)
    return files


def _found(rules: RuleSet) -> list[object]:
    return [rules.match(subject(text)) for text in TEXTS]


@pytest.mark.parametrize("seed", range(10))
def test_a_chain_of_changes_ends_where_a_fresh_start_does(seed: int) -> None:
    """Rules, files and lists come, go and move; what is found stays what a fresh set finds."""
    rng = random.Random(seed)
    rules = RuleSet()
    for _ in range(12):
        files = _folder(rng)
        rules = parse_rules(files, rules)
        fresh = parse_rules(files)
        assert [rule.id for rule in rules.rules] == [rule.id for rule in fresh.rules]
        assert _found(rules) == _found(fresh)


def test_what_is_the_same_is_taken_over() -> None:
    """Files that did not change are not read again; one whose lists changed is."""
    files = {
        "l.yaml": LISTS.format("взрыв"),
        "a.yaml": "rules: [{id: a, match: $strike}]",
        "b.yaml": "rules: [{id: b, match: мост}]",
    }
    before = parse_rules(files)
    other = parse_rules(files | {"b.yaml": "rules: [{id: b, match: дрон}]"}, before)
    assert other.files[1] is before.files[1]
    assert other.files[2] is not before.files[2]
    lists = parse_rules(files | {"l.yaml": LISTS.format("ракета")}, before)
    assert [match.rule_id for match in lists.match(subject("Ракета над мостом"))] == ["a", "b"]


def test_a_broken_change_leaves_the_set_before_as_it_was() -> None:
    """What is refused changes nothing in the rules that are in force."""
    before = parse_rules({"a.yaml": "rules: [{id: a, match: мост}]"})
    with pytest.raises(RuleError, match="already used"):
        parse_rules({"a.yaml": "rules: [{id: a, match: мост}]", "b.yaml": "rules: [{id: a, match: дрон}]"}, before)
    assert [match.rule_id for match in before.match(subject("мост и дрон"))] == ["a"]


def test_in_a_changed_file_only_what_has_changed_is_made_anew() -> None:
    """A rule that stays is the same object; one that has moved is the same but for its line."""
    text = "terms: {own: [удар]}\nrules:\n" + "".join(f"  - id: {name}\n    match: $own\n" for name in "abc")
    before = parse_rules({"f.yaml": text})
    after = parse_rules({"f.yaml": text.replace("id: b\n", "id: b\n\n    title: B\n")}, before)
    assert after.rules[0] is before.rules[0]
    assert after.rules[1].revision != before.rules[1].revision
    assert after.rules[2] == before.rules[2].at(9)
    assert after.rules[2].tree is before.rules[2].tree


def test_a_changed_list_changes_the_rules_that_name_it() -> None:
    """Directly or through another list; the others stay as they are."""
    text = "terms: {{one: [{0}], two: [$one], other: [мост]}}\nrules:\n" + "".join(
        f"  - {{{{id: {name}, match: ${name}}}}}\n" for name in ("one", "two", "other")
    )
    before = parse_rules({"f.yaml": text.format("удар")})
    after = parse_rules({"f.yaml": text.format("дрон")}, before)
    assert [rule is old for rule, old in zip(after.rules, before.rules, strict=True)] == [False, False, True]
    assert [match.rule_id for match in after.match(subject("дрон"))] == ["one", "two"]


def test_an_error_names_the_line_where_a_rule_stands_now() -> None:
    """Also of two ids that are the same, where the first rule has moved."""
    before = parse_rules({"a.yaml": "rules:\n  - {id: a, match: мост}\n  - {id: b, match: дрон}\n"})
    moved = "# new\nrules:\n\n  - {id: a, match: мост}\n  - {id: b, match: дрон}\n  - {id: b, match: удар OR}\n"
    with pytest.raises(RuleError, match=r"^a\.yaml:6: rule b: a term is expected after `OR`\.$"):
        parse_rules({"a.yaml": moved}, before)
    with pytest.raises(RuleError, match=r"^a\.yaml:6: rule b: the id is already used in a\.yaml:5;"):
        parse_rules({"a.yaml": moved.replace(" OR", "")}, before)


def test_a_test_that_fails_is_told_in_the_line_where_it_stands_now() -> None:
    """The line of a test goes with its rule."""
    rule = "  - id: {0}\n    match: мост\n    tests:\n      match: [мост, {1}]\n"
    before = parse_rules({"a.yaml": f"rules:\n{rule.format('a', 'мосты')}{rule.format('b', 'дрон')}"})
    after = parse_rules({"a.yaml": f"rules:\n\n\n{rule.format('b', 'дрон')}"}, before)
    assert [str(one).partition(": expected")[0] for one in after.run_tests()] == [
        "a.yaml:7: rule b: passed",
        "a.yaml:7: rule b: FAILED",
    ]


def test_only_the_tests_of_changed_rules_are_run() -> None:
    """A reload among many rules does not run all their tests again, in whichever file they stand or move."""
    rule = "  - {{id: {0}, match: мост, tests: {{match: [{1}]}}}}\n"
    one, two, three = rule.format("a", "мост"), rule.format("b", "мост"), rule.format("c", "мост")
    before = parse_rules({"a.yaml": f"rules:\n{one}{two}", "b.yaml": f"rules:\n{three}"})
    after = parse_rules({"a.yaml": f"rules:\n\n{one}{rule.format('b', 'мосты')}", "b.yaml": f"rules:\n{three}"}, before)
    assert [result.rule_id for result in after.run_tests(known=before)] == ["b"]
    assert [result.rule_id for result in after.run_tests()] == ["a", "b", "c"]
    other = parse_rules({"a.yaml": f"rules:\n{one.replace('match: мост', 'match: дрон')}{two}"}, before)
    assert [(result.rule_id, result.passed) for result in other.run_tests(known=before)] == [("a", False)]
