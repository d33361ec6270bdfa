"""Which language a post is written in, as far as its letters tell."""

import pytest

from bot.translation.language import language_of

BOTH = ("ru", "uk")


@pytest.mark.parametrize(
    ("text", "hint", "models", "language"),
    [
        ("Мы взяли этот рубеж", None, BOTH, "ru"),
        ("Ми взяли цей рубіж", None, BOTH, "uk"),
        ("Їхній ґанок", "ru", BOTH, "uk"),
        # The channel's language where no letter tells; Russian where nothing does.
        ("Попов снят", "uk", BOTH, "uk"),
        ("Попов снят", None, BOTH, "ru"),
        ("Попов снят", None, ("uk",), "uk"),
        ("Попов снят", None, ("ru",), "ru"),
        # More letters of the one kind than of the other: a quotation does not turn it.
        ("Наши были вчера в Києві, мы это видели", None, BOTH, "ru"),
        # There is no model for what it is.
        ("Ми взяли цей рубіж", None, ("ru",), None),
        ("Мы взяли этот рубеж", None, ("uk",), None),
        # A third language in Cyrillic is what its channel says.
        ("Беларускія ўлады заявілі", "be", BOTH, None),
        ("Беларускія ўлады заявілі", "be", ("ru", "be"), "be"),
        ("Министърът обяви това", "bg", ("ru",), None),
        # Others are left alone, and so are a few Cyrillic words in them.
        ("The 58th army", "ru", BOTH, None),
        ("They shouted Ура at the general", "ru", BOTH, None),
        ("Удар Storm Shadow", None, BOTH, None),
        ("Удар ракетами Storm Shadow по штабу", None, BOTH, "ru"),
        ("1234 🔥", "ru", BOTH, None),
        ("", "ru", BOTH, None),
        # Ї as a letter with a mark of its own.
        ("З\u0456\u0308здити", None, BOTH, "uk"),
    ],
)
def test_the_language_of_a_text(text: str, hint: str | None, models: tuple[str, ...], language: str | None) -> None:
    """By the letters that only one of them has, then by the channel, then by what is likeliest."""
    assert language_of(text, hint=hint, models=models) == language


def test_a_channel_in_another_language_says_nothing_of_cyrillic() -> None:
    """An English channel that posts a Russian text has no say in which Cyrillic it is."""
    assert language_of("Мы взяли этот рубеж", hint="en", models=BOTH) == "ru"
