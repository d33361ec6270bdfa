"""Forms of people's names: a surname in both languages and in Latin letters; first names with it."""

from functools import lru_cache

from bot.rules.forms.assemble import folded, is_cyrillic, merged, name_forms, plain
from bot.rules.forms.dictionary import analyzer, grammemes, is_common_word, is_ukrainian_surname
from bot.rules.forms.english import EVERYDAY
from bot.rules.forms.feminine import feminine_forms, fixed_forms, is_feminine
from bot.rules.forms.latin import latin_spellings, ukrainian_spellings
from bot.rules.forms.slavic import UKRAINIAN, to_russian, to_ukrainian
from bot.rules.forms.surnames import surname_forms
from bot.rules.forms.ukrainian import ukrainian_surname_forms
from bot.rules.slots import Form, Guard, Reason

# Russian first names and their Ukrainian namesakes, where transliteration does not give them.
_NAMESAKES = {
    "александр": "олександр", "алексей": "олексій", "андрей": "андрій", "антон": "антон", "василий": "василь",
    "виктор": "віктор", "виталий": "віталій", "владимир": "володимир", "геннадий": "геннадій", "георгий": "георгій",
    "григорий": "григорій", "дмитрий": "дмитро", "евгений": "євген", "иван": "іван", "игорь": "ігор", "илья": "ілля",
    "кирилл": "кирило", "константин": "костянтин", "леонид": "леонід", "максим": "максим", "михаил": "михайло",
    "николай": "микола", "олег": "олег", "павел": "павло", "петр": "петро", "роман": "роман", "руслан": "руслан",
    "сергей": "сергій", "станислав": "станіслав", "степан": "степан", "юрий": "юрій", "яков": "яків",
    "валерий": "валерій", "анатолий": "анатолій", "тимофей": "тимофій", "даниил": "данило", "никита": "микита",
    "федор": "федір", "артем": "артем", "рустам": "рустам", "рамзан": "рамзан", "кирил": "кирило",
}  # fmt: skip
_RUSSIAN_OF = {ukrainian: russian for russian, ukrainian in _NAMESAKES.items()}
_ENGLISH = {
    "сергей": ("sergei", "sergey", "serhii", "serhiy"), "алексей": ("alexei", "alexey", "aleksei", "oleksii", "oleksiy"),
    "александр": ("alexander", "aleksandr", "oleksandr"), "андрей": ("andrei", "andrey", "andrii", "andriy"),
    "дмитрий": ("dmitry", "dmitri", "dmitriy", "dmytro"), "евгений": ("yevgeny", "evgeny", "yevgeniy", "yevhen"),
    "юрий": ("yuri", "yury", "yuriy", "yurii"), "николай": ("nikolai", "nikolay", "mykola"),
    "виталий": ("vitaly", "vitali", "vitaliy", "vitalii"), "валерий": ("valery", "valeri", "valerii", "valeriy"),
    "михаил": ("mikhail", "mykhailo"), "владимир": ("vladimir", "volodymyr"), "петр": ("pyotr", "petr", "petro"),
}  # fmt: skip


@lru_cache(50_000)
def surname(name: str, *, woman: bool = False) -> dict[str, Form]:
    """The forms of a surname in the singular: a man's, unless it is a woman's (Захарова) or `woman` says so."""
    if not is_cyrillic(name):
        return plain([name], Reason.EXACT, Guard.CAPITAL if folded(name) in EVERYDAY else Guard.NONE)
    lower = name.lower()
    ukrainian = bool(UKRAINIAN & set(lower)) or lower.endswith(("ський", "цький", "ська", "цька"))
    russian_names = to_russian(lower) if ukrainian or is_ukrainian_surname(lower) else {lower}
    russian_names |= set() if ukrainian else {lower}
    ukrainian_names = {lower} if ukrainian else to_ukrainian(lower)
    feminine = is_feminine(lower)
    decline = feminine_forms if feminine else fixed_forms if woman else surname_forms
    decline_ukrainian = feminine_forms if feminine else fixed_forms if woman else ukrainian_surname_forms
    russian = {form for one in russian_names for form in decline(one)}
    other = {form for one in ukrainian_names for form in decline_ukrainian(one)}
    latin = {one for name in russian_names for one in latin_spellings(name)}
    latin |= {one for name in ukrainian_names for one in ukrainian_spellings(name)}
    sex = Guard.FEMININE if feminine else Guard.NONE if woman else Guard.MASCULINE
    return merged(
        name_forms(russian, name, sex=sex, everyday=ukrainian and is_common_word(folded(name))),
        name_forms(other, name, sex=sex),
        plain((one for one in latin if len(one) >= 4), Reason.TRANSLITERATED),
    )


@lru_cache(5_000)
def first_name(name: str) -> dict[str, Form]:
    """The forms of a first name in both languages, and in Latin letters."""
    lower = folded(name)
    if not is_cyrillic(name):
        return plain([name], Reason.EXACT)
    russian = _RUSSIAN_OF.get(lower, lower)
    ukrainian = _NAMESAKES.get(russian, lower)
    latin = {*_ENGLISH.get(russian, ()), *latin_spellings(russian), *ukrainian_spellings(ukrainian)}
    return merged(
        plain([lower], Reason.EXACT),
        plain(_lexeme(russian, "ru"), Reason.INFLECTED),
        plain(_lexeme(ukrainian, "uk"), Reason.INFLECTED),
        plain(latin, Reason.TRANSLITERATED),
    )


def initials(name: str) -> dict[str, Form]:
    """The first letter of a first name, in every spelling of the name."""
    return {text: Form(Reason.EXACT) for text in {form[0] for form in first_name(name)}}


def _lexeme(name: str, language: str) -> set[str]:
    """The singular forms of a first name, of the sex that the name has."""
    for parse in analyzer(language).parse(name):
        tags = grammemes(parse)
        if "Name" in tags and parse.normal_form == name:
            return {form.word for form in parse.lexeme if "plur" not in grammemes(form)}
    return {name, *surname_forms(name)} if language == "ru" else {name, *ukrainian_surname_forms(name)}
