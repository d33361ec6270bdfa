"""Every mistake in a rule file is told with file, line, rule and what to do."""

import pytest

from bot.errors import ConfigError, RuleError
from bot.rules import parse_rules

# Together too long for the quick loop.
pytestmark = pytest.mark.slow

# name: (file, line of the error, pieces of its text)
BROKEN: dict[str, tuple[str, int, list[str]]] = {
    "empty file": ("", 1, ["a rule file must be a mapping", "empty"]),
    "a list at the top": ("- id: a\n", 1, ["a rule file must be a mapping", "a list"]),
    "no rules": ("watchlist: x\n", 1, ["no `rules:`"]),
    "empty rules": ("rules: []\n", 1, ["rules is an empty list"]),
    "rules as a mapping": ("rules:\n  id: a\n  match: b\n", 2, ["rules must be a list"]),
    "unknown key at the top": ("rulez: []\n", 1, ["unknown key `rulez`", "Did you mean `rules`?"]),
    "tab": ("rules:\n\t- id: a\n", 2, ["not valid YAML", "spaces, not with tabs"]),
    "control character": ("rules:\n  - id: a\x07\n", 2, ["U+0007"]),
    "two documents": ("rules:\n  - {id: a, match: b}\n---\nrules: []\n", 3, ["second document"]),
    "unclosed quote": ("rules:\n  - id: a\n    match: 'взрыв\n", 4, ["not valid YAML", "single quotes"]),
    "duplicate key": ("rules:\n  - id: a\n    match: b\n    match: c\n", 4, ["`match` is already given in line 3"]),
    "begins with a quote": (
        'rules:\n  - id: a\n    match: "Storm Shadow" OR удар\n',
        3,
        ["not valid YAML", "single quotes"],
    ),
    "begins with @": (
        "rules:\n  - id: a\n    match: b\n    where: {channels: [@rybar]}\n",
        4,
        ["'@'", "single quotes"],
    ),
    "begins with !": (
        "rules:\n  - id: a\n    match: b\n    where:\n      channels:\n        - !@rybar\n",
        6,
        ["`!@rybar`", "single quotes"],
    ),
    "begins with *": ("rules:\n  - id: a\n    match: *взрыв\n", 3, ["single quotes"]),
    "latin alias": ("rules:\n  - id: a\n    match: *word\n", 3, ["`*word`", "alias", "single quotes"]),
    "begins with &": ("rules:\n  - id: a\n    match: &word b\n", 3, ["`&word`", "anchor"]),
    "colon in text": ("rules:\n  - id: a\n    title: Strike: Berdyansk\n    match: b\n", 3, ["mapping values", "`: `"]),
    "colon makes a mapping": (
        "rules:\n  - id: a\n    select: {who: [person: Шойгу]}\n    condition: who\n",
        3,
        ["must be text", "a mapping (`person: ...`)", "single quotes"],
    ),
    "hashtag is a comment": (
        "rules:\n  - id: a\n    match: взрыв #Бердянск\n",
        3,
        ["`#Бердянск`", "comment", "single quotes"],
    ),
    "nothing but a hashtag": ("rules:\n  - id: a\n    match: #Бердянск\n", 3, ["`#Бердянск`", "single quotes"]),
    "empty match": ("rules:\n  - id: a\n    match:\n", 3, ["rule a:", "match is empty"]),
    "too deep": ("rules: " + "[" * 5000 + "]" * 5000, 1, ["nested too deep"]),
    "too many terms": (
        f"rules:\n  - id: a\n    match: {' OR '.join(f'=слово{number}' for number in range(501))}\n",
        2,
        ["rule a:", "501 terms, at most 500", "several rules"],
    ),
    "too many terms by its lists": (
        f"terms:\n  many: [{', '.join(f'=слово{number}' for number in range(501))}]\n"
        "rules:\n  - {id: a, select: {some: [$many]}, condition: some}\n",
        4,
        ["rule a:", "501 terms, at most 500"],
    ),
    "no id": ("rules:\n  - match: b\n    title: T\n", 2, ["no `id`", "match, title"]),
    "strange id": ("rules:\n  - id: Army 58\n    match: b\n", 2, ["`Army 58`", "lower-case"]),
    "rule is a word": ("rules: [взрыв]\n", 1, ["a rule must be a mapping"]),
    "unknown key in a rule": (
        "rules:\n  - id: a\n    match: b\n    severty: high\n",
        4,
        ["rule a:", "`severty`", "Did you mean `severity`?"],
    ),
    "unknown severity": (
        "rules:\n  - id: a\n    match: b\n    severity: hihg\n",
        4,
        ["`hihg`", "Did you mean `high`?", "high, low, medium"],
    ),
    "same id twice": ("rules:\n  - id: a\n    match: b\n  - id: a\n    match: c\n", 4, ["already used in t.yaml:2"]),
    "match and select": ("rules:\n  - id: a\n    match: b\n    select: {c: d}\n", 2, ["either `match`", "both"]),
    "neither match nor select": ("rules:\n  - id: a\n", 2, ["either `match`", "neither"]),
    "condition without select": (
        "rules:\n  - id: a\n    match: b\n    condition: c\n",
        4,
        ["`condition` goes with `select`"],
    ),
    "select without condition": ("rules:\n  - id: a\n    select: {c: d}\n", 3, ["needs a `condition`"]),
    "unknown selection": ("rules:\n  - id: a\n    select: {who: d}\n    condition: whom\n", 4, ["`who` is not used"]),
    "selection misspelt": (
        "rules:\n  - id: a\n    select: {who: d, ad: e}\n    condition: who and not adx or ad\n",
        4,
        ["`adx`", "Did you mean `ad`?"],
    ),
    "selection not used": (
        "rules:\n  - id: a\n    select: {who: d, ad: e}\n    condition: who\n",
        4,
        ["`ad` is not used"],
    ),
    "selection called and": ("rules:\n  - id: a\n    select: {and: d}\n    condition: and\n", 3, ["`and` cannot name"]),
    "more than there are": (
        "rules:\n  - id: a\n    select: {x: d, y: e}\n    condition: 3 of them\n",
        4,
        ["`3 of them`", "2 selections"],
    ),
    "none of them": ("rules:\n  - id: a\n    select: {x: d, y: e}\n    condition: 0 of them\n", 4, ["`0 of them`"]),
    "unknown in a group": (
        "rules:\n  - id: a\n    select: {x: d, y: e}\n    condition: 1 of (x, z) or y\n",
        4,
        ["`z`"],
    ),
    "condition without operator": (
        "rules:\n  - id: a\n    select: {x: d, y: e}\n    condition: x y\n",
        4,
        ["operator is missing"],
    ),
    "no positive term": ("rules:\n  - id: a\n    match: NOT погода\n", 2, ["rule a:", "none of its words"]),
    "an empty alternative": ("rules:\n  - id: a\n    match: взрыв OR NOT погода\n", 2, ["none of its words"]),
    "no positive selection": (
        "rules:\n  - id: a\n    select: {ad: реклама}\n    condition: not ad\n",
        2,
        ["none of its words"],
    ),
    "unknown list": (
        "terms: {strike: [удар]}\nrules:\n  - id: a\n    match: $strkie\n",
        4,
        ["`strkie`", "Did you mean `strike`?"],
    ),
    "list contains itself": (
        "terms: {a1: [$b1], b1: [$a1]}\nrules: [{id: a, match: $a1}]\n",
        1,
        ["contains itself", "a1 -> b1 -> a1"],
    ),
    "list is a mapping": (
        "terms:\n  strike: {a: b}\nrules: [{id: a, match: $strike}]\n",
        2,
        ["terms.strike must be a list"],
    ),
    "list is empty": ("terms:\n  strike: []\nrules: [{id: a, match: $strike}]\n", 2, ["terms.strike is an empty list"]),
    "person with a number": ("rules:\n  - id: a\n    match: person:58\n", 3, ["person:58", "a surname"]),
    "person without a name": (
        "rules:\n  - id: a\n    match: 'person:\"\"'\n",
        3,
        ["`person:` needs a name", 'person:"Иван Попов"'],
    ),
    "unit without a number": ("rules:\n  - id: a\n    match: unit:армия\n", 3, ["a number and a size", "phrase"]),
    "unit without a size": ("rules:\n  - id: a\n    match: unit:58\n", 3, ["a number and a size"]),
    "url without a site": ("rules:\n  - id: a\n    match: url:rybar\n", 3, ["a site or a page", "url:rybar.ru"]),
    "mention with a sign": ("rules:\n  - id: a\n    match: mention:ры\n", 3, ["a handle without @"]),
    "address as a word": ("rules:\n  - id: a\n    match: https://x.org/a\n", 3, ["`https:`", "write url:"]),
    "unknown type": ("rules:\n  - id: a\n    match: ship:Москва\n", 3, ["`ship:` is no kind of term"]),
    "two slips": ("rules:\n  - id: a\n    match: Шэдоу~2\n", 3, ["Шэдоу~2", "only one slip"]),
    "slop too wide": ("rules:\n  - id: a\n    match: '\"а б\"~21'\n", 3, ["at most 20", "NEAR/21"]),
    "long word": ("rules:\n  - id: a\n    match: " + "а" * 41 + "\n", 3, ["longer than any word", "41"]),
    "hashtag term": ("rules:\n  - id: a\n    match: '#Бердянск'\n", 3, ["without `#`", "/#Бердянск"]),
    "mention term": ("rules:\n  - id: a\n    match: '@rybar'\n", 3, ["mention", "mention:name"]),
    "minus": ("rules:\n  - id: a\n    match: взрыв -погода\n", 3, ["operator is missing"]),
    "plus first": ("rules:\n  - id: a\n    match: +взрыв\n", 3, ["`+`", "AND or NOT"]),
    "pipe": ("rules:\n  - id: a\n    match: взрыв | удар\n", 3, ["operator is missing"]),
    "lower-case operator": ("rules:\n  - id: a\n    match: взрыв or удар\n", 3, ["capitals", "OR instead of `or`"]),
    "no operator": (
        "rules:\n  - id: a\n    match: тяжёлые потери\n",
        3,
        ["between `тяжёлые` and `потери`", "double quotes"],
    ),
    "operator last": ("rules:\n  - id: a\n    match: взрыв AND\n", 3, ["a term is expected after `AND`"]),
    "operator first": ("rules:\n  - id: a\n    match: OR взрыв\n", 3, ["a term is expected before `OR`"]),
    "open parenthesis": ("rules:\n  - id: a\n    match: (взрыв OR удар\n", 3, ["`(` is not closed"]),
    "closing parenthesis": ("rules:\n  - id: a\n    match: взрыв)\n", 3, ["`)` too many"]),
    "open double quote": ('rules:\n  - id: a\n    match: взрыв OR "удар\n', 3, ["double quote is not closed"]),
    "curly quotes": ("rules:\n  - id: a\n    match: «взрыв»\n", 3, ["curly quotes"]),
    "empty phrase": ("rules:\n  - id: a\n    match: '\" \"'\n", 3, ["holds no word"]),
    "phrase of punctuation": ("rules:\n  - id: a\n    match: '\"!? —\"'\n", 3, ["holds no word"]),
    "endless phrase": ("rules:\n  - id: a\n    match: '\"" + "а " * 21 + "\"'\n", 3, ["21 words", "at most 20"]),
    "sign inside a word": ("rules:\n  - id: a\n    match: и/или\n", 3, ["`/` cannot stand inside a word"]),
    "short prefix": ("rules:\n  - id: a\n    match: ВС*\n", 3, ["too short", "3 letters"]),
    "star first": ("rules:\n  - id: a\n    match: '*взрыв'\n", 3, ["only at the end"]),
    "star alone": ("rules:\n  - id: a\n    match: '*'\n", 3, ["no letter or digit"]),
    "question mark": ("rules:\n  - id: a\n    match: взры?\n", 3, ["`?`", "`*`"]),
    "NEAR without number": ("rules:\n  - id: a\n    match: взрыв NEAR удар\n", 3, ["NEAR/5"]),
    "NEAR too far": ("rules:\n  - id: a\n    match: взрыв NEAR/500 удар\n", 3, ["0 to 50"]),
    "NEAR of AND": ("rules:\n  - id: a\n    match: взрыв NEAR/5 (удар AND дом)\n", 3, ["each side of NEAR/5"]),
    "NEAR chain": ("rules:\n  - id: a\n    match: взрыв NEAR/5 удар NEAR/5 дом\n", 3, ["two sides only"]),
    "nested too deep": (
        "rules:\n  - id: a\n    match: " + "(" * 60 + "взрыв" + ")" * 60 + "\n",
        3,
        ["nested more than 40"],
    ),
    "open regex": ("rules:\n  - id: a\n    match: /взрыв\n", 3, ["is not closed"]),
    "empty regex": ("rules:\n  - id: a\n    match: //\n", 3, ["empty regular expression"]),
    "bad regex": ("rules:\n  - id: a\n    match: /взрыв[/\n", 3, ["RE2 cannot take /взрыв[/", "missing ]"]),
    "look-ahead": ("rules:\n  - id: a\n    match: /взрыв(?!ной)/\n", 3, ["Look-around", "NEAR/n"]),
    "back-reference": ("rules:\n  - id: a\n    match: /(а)\\1/\n", 3, ["Back-references"]),
    "regex matches nothing": ("rules:\n  - id: a\n    match: /а*/\n", 3, ["empty piece of text"]),
    "border inside": ("rules:\n  - id: a\n    match: /(\\bпоп|\\bпоповым)/\n", 3, ["`\\b` may stand only"]),
    "long regex": ("rules:\n  - id: a\n    match: /" + "а" * 501 + "/\n", 3, ["501 characters", "at most 500"]),
    "large regex": ("rules:\n  - id: a\n    match: /\\w{900}а/\n", 3, ["too large"]),
    "unknown scope": (
        "rules:\n  - id: a\n    match: b\n    where: {chanels: [x123]}\n",
        4,
        ["`chanels`", "Did you mean `channels`?"],
    ),
    "bad handle": ("rules:\n  - id: a\n    match: b\n    where: {channels: ['@рыбарь']}\n", 4, ["`@рыбарь`", "handle"]),
    "bare id": (
        "rules:\n  - id: a\n    match: b\n    where: {channels: [1234567890]}\n",
        4,
        ["marked id", "-1001234567890"],
    ),
    "unknown kind": (
        "rules:\n  - id: a\n    match: b\n    where: {kinds: [voise]}\n",
        4,
        ["`voise`", "Did you mean `voice`?"],
    ),
    "probability in percent": (
        "rules:\n  - id: a\n    match: b\n    where: {min_word_probability: 60}\n",
        4,
        ["0 to 1", "`60`"],
    ),
    "probability in words": (
        "rules:\n  - id: a\n    match: b\n    where: {min_word_probability: high}\n",
        4,
        ["0 to 1"],
    ),
    "unknown field": ("rules:\n  - id: a\n    match: b\n    fields: [speech]\n", 4, ["`speech`", "transcript"]),
    "unknown default": ("defaults: {languages: [ru]}\nrules: [{id: a, match: b}]\n", 1, ["`languages`"]),
    "unknown test": (
        "rules:\n  - id: a\n    match: b\n    tests: {nomatch: [c]}\n",
        4,
        ["`nomatch`", "Did you mean `no_match`?"],
    ),
    "title of two lines": ('rules:\n  - id: a\n    match: b\n    title: "x\\ny"\n', 4, ["title must be one line"]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_with_place_and_advice(name: str) -> None:
    """The error is one line: file and line, the rule where there is one, what is wrong and what to do."""
    text, line, pieces = BROKEN[name]
    with pytest.raises(RuleError) as caught:
        parse_rules({"t.yaml": text})
    message = str(caught.value)
    assert message.startswith(f"t.yaml:{line}: "), message
    assert "\n" not in message
    for piece in pieces:
        assert piece in message


def test_all_broken_rules_are_told_at_once() -> None:
    """One line for each broken rule, over all files; good rules are not mentioned."""
    with pytest.raises(ConfigError) as caught:
        parse_rules(
            {
                "a.yaml": "rules:\n  - {id: a, match: b c}\n  - {id: good, match: b}\n  - {id: c, severity: loud, match: b}\n",
                "b.yaml": "rules: [{id: good, match: b}]",
                "c.yaml": "rules: [",
            }
        )
    places = [line.split(": ")[:2] for line in str(caught.value).splitlines()]
    assert places == [
        ["a.yaml:2", "rule a"],
        ["a.yaml:4", "rule c"],
        ["c.yaml:1", "not valid YAML"],
        ["b.yaml:1", "rule good"],
    ]


def test_no_files_is_an_empty_set() -> None:
    """Without files there are no rules, and nothing matches."""
    assert parse_rules({}).rules == ()
