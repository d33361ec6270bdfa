"""List files: lists that every rule file may use, compiled only where they are used."""

from collections.abc import Mapping

import pytest

from bot.errors import RuleError
from bot.rules import parse_rules
from bot.rules.lists import Shelf
from bot.rules.place import Place
from bot.rules.yaml_lines import Table, load
from tests.rules.helpers import subject

PLACES = "terms:\n  tokmak: [place:Токмак]\n  orikhiv: [place:Орехов, place:Оріхів]\n  south: [$tokmak, $orikhiv]\n"
RULE = "rules: [{id: a, match: $south}]\n"


def _problems(files: Mapping[str, str]) -> list[str]:
    with pytest.raises(RuleError) as caught:
        parse_rules(files)
    return str(caught.value).splitlines()


@pytest.mark.parametrize("names", [("lists/places.yaml", "a.yaml"), ("a.yaml", "z.yaml")])
def test_a_list_file_serves_every_file(names: tuple[str, str]) -> None:
    """Lists of lists too, whatever the files are called and whichever is read first."""
    listed = next(name for name in names if name != "a.yaml")
    files = {name: PLACES if name == listed else RULE for name in names}
    assert parse_rules(files).match(subject("в Токмаке и под Оріховом"))


def test_a_file_may_have_lists_beside_the_shared_ones() -> None:
    """A file's own list names shared ones; other files do not see it."""
    own = "terms: {rear: [$tokmak, Мелитополь]}\nrules: [{id: b, match: $rear}]\n"
    assert parse_rules({"p.yaml": PLACES, "b.yaml": own}).match(subject("Токмак"))
    (problem,) = _problems({"p.yaml": PLACES, "b.yaml": own, "c.yaml": "rules: [{id: c, match: $rear}]\n"})
    assert problem.startswith("c.yaml:1: rule c: there is no list `rear`")


@pytest.mark.parametrize("other", [PLACES, "terms: {south: [юг]}\n", "terms:\n  south: [юг]\n" + RULE])
def test_a_name_belongs_to_one_list(other: str) -> None:
    """Two lists of one name, in two list files or in a list file and a rule file, are told with both places."""
    problems = _problems({"p.yaml": PLACES, "q.yaml": other, "a.yaml": RULE.replace("id: a", "id: z")})
    assert any("q.yaml" in line and "the list `south` is already given in p.yaml:4" in line for line in problems)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("terms: {x: [взрыв удар OR]}", "p.yaml:1: between"),
        ("terms:\n  x:\n    - взрыв\n    - 'пр*'", "p.yaml:4: пр* is too short"),
        ("terms: {x: ['unit:армия']}", "expected a number and a size"),
        ("terms: {x: ['person:\"Иван 58\"']}", "expected a surname"),
        ("terms: {x: ['\"\"']}", "holds no word"),
        ("terms: {x: ['/(/']}", "p.yaml:1: "),
        ("terms: {x: ['слово~3']}", "only one slip"),
        ("terms: {x: [$y]}", "there is no list `y`"),
        ("terms: {x: [$y], y: [$x]}", "the list `x` contains itself: x -> y -> x"),
        ("terms: {x: []}", "empty list"),
    ],
)
def test_a_mistake_is_told_though_no_rule_uses_the_list(wrong: str, said: str) -> None:
    """A list that nobody uses yet is checked as strictly as the others, and each mistake is told once."""
    (problem,) = _problems({"p.yaml": wrong, "a.yaml": "rules: [{id: a, match: слово}]"})
    assert said in problem


def test_only_lists_in_use_become_terms() -> None:
    """Unused lists add nothing to what is compiled."""
    unused = "terms:\n" + "".join(f'  l{i}: [person:Попов{"а" * i}, unit:"58-я армия"]\n' for i in range(50))
    rules = parse_rules({"p.yaml": PLACES, "u.yaml": unused, "a.yaml": RULE})
    assert rules.rules[0].terms == ("place:Токмак", "place:Орехов", "place:Оріхів")


def test_a_list_is_compiled_once() -> None:
    """Two rules that use a list share its terms."""
    root = load("p.yaml", PLACES)
    assert isinstance(root, Table)
    shelf = Shelf()
    table = root.entries["terms"]
    assert isinstance(table, Table)
    assert list(shelf.add(table, Place("p.yaml", 1))) == []
    assert shelf.tree("south", Place("a.yaml", 1)) is shelf.tree("south", Place("b.yaml", 2))


def test_lists_without_rules_are_refused() -> None:
    """A folder of lists alone would alert nobody."""
    (problem,) = _problems({"p.yaml": PLACES})
    assert "no rules" in problem


def test_a_list_file_has_lists_alone() -> None:
    """Without rules, other keys than `terms` are a rule file that is not finished."""
    (problem,) = _problems({"p.yaml": "watchlist: x\n" + PLACES, "a.yaml": "rules: [{id: a, match: слово}]"})
    assert "the file has no `rules:`" in problem


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ("", ["Шойгу", "Ш0йгу"]),
        ("accept: [exact]", ["Шойгу"]),
        ("refuse: [look-alike]", ["Шойгу"]),
    ],
)
def test_a_rule_accepts_or_refuses_reasons(keys: str, found: list[str]) -> None:
    """What was found for another reason does not count."""
    rules = parse_rules({"t.yaml": f"rules:\n  - id: r\n    match: person:Шойгу\n    {keys}\n"})
    text = "Шойгу, он же Ш0йгу"
    assert [text[span.start : span.end] for match in rules.match(subject(text)) for span in match.spans] == found


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("accept: [exactly]", "accept cannot be `exactly`. Did you mean `exact`?"),
        ("accept: [exact]\n    refuse: [fuzzy]", "give `accept` or `refuse`, not both"),
    ],
)
def test_reasons_are_words_of_a_list(keys: str, said: str) -> None:
    """A reason that does not exist, or both keys, are refused with place and advice."""
    (problem,) = _problems({"t.yaml": f"rules:\n  - id: r\n    match: слово\n    {keys}\n"})
    assert said in problem
