"""The example rules: analysts start from them, so they must work."""

from pathlib import Path

import pytest

from bot.model import Kind, Severity, Source
from bot.rules import Field, RuleSet, parse_rules
from tests.rules.helpers import subject

# Together too long for the quick loop.
pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "config" / "rules"

NOTE = (
    "Товарищи офицеры и солдаты, я обращаюсь к вам честно. Меня сняли с должности, приказ подписал министр обороны. "
    "Станций артиллерийской разведки не хватает, контрбатарейная борьба не ведётся. Мы несём тяжёлые потери, каждый "
    "день гибнут наши братья. Наша пехота стоит под огнём, но в самый тяжёлый момент нас ударили в спину."
)
STRIKE = (
    "❗️Ночью противник нанёс удар ракетами Storm Shadow по запасному командному пункту 58-й армии в районе #Бердянск.\n\n"
    "По предварительным данным, погиб генерал-лейтенант Олег Цоков. Подписывайтесь: https://t.me/example"
)
QUIET = [
    "Доброе утро! Сегодня в Бердянске солнечно, днём до +31, ветер слабый. Море +25.",
    "РЕКЛАМА. Розыгрыш айфона среди подписчиков, условия по ссылке https://t.me/prize?start=58",
    "Продаю гараж, торг уместен. Звонить после 18. Дом 58, подъезд 3.",
    "Сборная выиграла со счётом 3:1, второй гол забит ударом головой.",
    "Друзья, собираем на тепловизор и два квадрокоптера. Реквизиты ниже. Спасибо всем неравнодушным!",
    "Курс доллара на завтра, пробки в Москве и гороскоп на пятницу",
    "The weather in Berdiansk is fine, ferries are on time.",
    "Завтра в кино: новый фильм о генерале. Начало в 19:00",
    "Вітаємо з Днем Незалежності! Слава Україні!",
]


@pytest.fixture(scope="module")
def examples() -> RuleSet:
    """All example rules."""
    return parse_rules(
        {path.relative_to(FOLDER).as_posix(): path.read_text("utf-8") for path in sorted(FOLDER.rglob("*.yaml"))}
    )


def test_tests_in_the_examples_pass(examples: RuleSet) -> None:
    """Every example rule has tests of both kinds, and all pass."""
    assert [str(result) for result in examples.run_tests() if not result.passed] == []
    for rule in examples.rules:
        assert {test.expected for test in rule.tests} == {True, False}, rule.id
        assert rule.title.isascii(), rule.id


def test_the_generals_voice_note_raises_the_alarm(examples: RuleSet) -> None:
    """The founding case, spoken: removal, accusation, counter-battery fire, losses."""
    field = Field(source=Source.TRANSCRIPT, text=NOTE)
    matches = {match.rule_id: match for match in examples.match(subject("", kind=Kind.VOICE, fields=(field,)))}
    assert set(matches) == {
        "commander-removed",
        "accuses-leadership",
        "counter-battery",
        "heavy-losses",
    }
    (removed,) = matches["commander-removed"].spans
    assert NOTE[removed.start : removed.end] == "сняли с должности"
    assert matches["commander-removed"].severity is Severity.HIGH


def test_the_bloggers_post_raises_the_alarm(examples: RuleSet) -> None:
    """The founding case, written: strike near Berdyansk, Storm Shadow, command post, the army, the dead general."""
    assert {match.rule_id for match in examples.match(subject(STRIKE))} == {
        "berdyansk-strike",
        "storm-shadow",
        "command-post-hit",
        "army-58",
        "senior-officer-killed",
    }


@pytest.mark.parametrize("text", QUIET)
def test_ordinary_posts_are_quiet(examples: RuleSet, text: str) -> None:
    """Weather, advertising, sport and greetings wake nobody."""
    assert examples.match(subject(text)) == ()
