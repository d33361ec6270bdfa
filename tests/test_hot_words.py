"""Which names the decoder of speech is told to expect."""

from bot.app.hot_words import hot_words
from bot.rules import parse_rules

RULES = parse_rules(
    {
        "r.yaml": """rules:
  - {id: a, match: 'place:Бердянск OR взрыв OR "тяжёлые потери"'}
  - {id: b, match: 'person:"Иван Попов" AND unit:"58-я армия"'}
  - {id: c, match: 'person:Герасимов OR person:"Иван Попов" OR /зу/'}
"""
    }
)


def test_people_come_first_each_once_and_words_do_not() -> None:
    """Names as the rules write them: people, then units, then places."""
    assert hot_words(RULES) == "Иван Попов, Герасимов, 58-я армия, Бердянск"


def test_there_is_only_so_much_room() -> None:
    """Whole names, up to the limit; none is cut."""
    assert hot_words(RULES, most=30) == "Иван Попов, Герасимов"
    assert hot_words(RULES, most=5) == ""
