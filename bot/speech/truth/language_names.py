"""Whisper's languages by their English names: some servers answer `russian` where others answer `ru`."""

import re

# openai/whisper, whisper/tokenizer.py: LANGUAGES. A name of several words is written with an underscore.
_NAMES = """
en english zh chinese de german es spanish ru russian ko korean fr french ja japanese pt portuguese tr turkish
pl polish ca catalan nl dutch ar arabic sv swedish it italian id indonesian hi hindi fi finnish vi vietnamese
he hebrew uk ukrainian el greek ms malay cs czech ro romanian da danish hu hungarian ta tamil no norwegian
th thai ur urdu hr croatian bg bulgarian lt lithuanian la latin mi maori ml malayalam cy welsh sk slovak
te telugu fa persian lv latvian bn bengali sr serbian az azerbaijani sl slovenian kn kannada et estonian
mk macedonian br breton eu basque is icelandic hy armenian ne nepali mn mongolian bs bosnian kk kazakh
sq albanian sw swahili gl galician mr marathi pa punjabi si sinhala km khmer sn shona yo yoruba so somali
af afrikaans oc occitan ka georgian be belarusian tg tajik sd sindhi gu gujarati am amharic yi yiddish lo lao
uz uzbek fo faroese ht haitian_creole ps pashto tk turkmen nn nynorsk mt maltese sa sanskrit lb luxembourgish
my myanmar bo tibetan tl tagalog mg malagasy as assamese tt tatar haw hawaiian ln lingala ha hausa ba bashkir
jw javanese su sundanese yue cantonese
""".split()
CODES = {name.replace("_", " "): code for code, name in zip(_NAMES[::2], _NAMES[1::2], strict=True)}


def language_code(name: str) -> str | None:
    """Whisper's code for a language given by code (`ru`, `ru-RU`) or English name (`Russian`); None for anything else."""
    plain = name.strip().lower()
    if plain in CODES:
        return CODES[plain]
    found = re.fullmatch(r"([a-z]{2,3})(?:[-_][a-z0-9]{2,8})*", plain)
    return found[1] if found else None
