"""Forms of English words: plurals and verbs, the regular ones by rule. `'s` is a word of its own in the lattice."""

_VOWELS = "aeiou"
# The irregular words of news from a war.
_IRREGULAR = {
    forms[0]: forms[1:]
    for forms in map(
        str.split,
        """strike struck stricken|withdraw withdrew withdrawn|fall fell fallen|lose lost|hit|shoot shot|send sent|hold held
        fight fought|catch caught|leave left|fly flew flown|drive drove driven|throw threw thrown|give gave given
        take took taken|overtake overtook overtaken|break broke broken|steal stole stolen|hide hid hidden|seek sought
        lead led|flee fled|sink sank sunk|blow blew blown|bring brought|buy bought|build built|burn burnt|cut|put
        say said|tell told|speak spoke spoken|write wrote written|know knew known|see saw seen|meet met|win won
        begin began begun|become became|come came|go went gone|get got gotten|keep kept|find found|bear bore borne
        freeze froze frozen|rise rose risen|swear swore sworn|sell sold|spend spent|stand stood|withstand withstood
        tear tore torn|wear wore worn|man men|woman women|child children|serviceman servicemen
        servicewoman servicewomen|foot feet|wife wives|life lives|knife knives|half halves|loss losses|crisis crises
        aircraft|corps|series|personnel|troops troop|forces force""".replace("\n", "|").split("|"),
    )
    if forms
}
_NO_PLURAL = frozenset({"aircraft", "corps", "series", "personnel"})
_NOUNS = frozenset(
    "man woman child serviceman servicewoman foot wife life knife half loss crisis troops forces".split()
)
# Surnames that are everyday words: without a capital they are no names.
EVERYDAY = frozenset(
    """baker ball banks barber bell best bird bishop black bond brook brooks brown burden burns bush butcher butler
    cannon carpenter carver case cash chance chase church clay cook cooper cotton crane cross cruise curry dance
    day dean drake dyer eagle early farmer field fields finch fish fisher flood flowers ford forest forester fox
    frost gates glass gold golden good grant grave graves gray green grey grove gunner hall hammer hand hands hawk
    hawks head hill hills holder holiday hook hope house hunt hunter jewel joy judge keen key king kitchen knight
    lake lamb lane large law little lock long love low major mark marks marsh marshal mason may mill miller mills
    moon more moss north page park parks parsons pepper pike pool pope porter potter power powers price prince
    pull rains ray read reed rice rich ring rivers rose rush savage sawyer sharp shepherd ship short singer
    slaughter small smart snow south speaker spears spring steel stern stone strange street strong summer summers
    swan swift temple thorn tower towers turner underwood wade walker wall waltz ward waters watts weaver wells
    west wheeler white wild winter winters wise wolf wood woods worth young""".split()
)


def inflections(word: str, *, verbs: bool = True) -> list[str]:
    """The other forms of a folded word; without `verbs` plurals alone. Of what is no English word nothing."""
    if not word.isalpha() or not word.isascii() or len(word) < 3 or word in _NO_PLURAL:
        return []
    irregular = _IRREGULAR.get(word, [])
    if word in _NOUNS:
        return [*irregular]
    return [_plural(word), *([*irregular, *_verb(word, regular=word not in _IRREGULAR)] if verbs else [])]


def _plural(word: str) -> str:
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    return word[:-1] + "ies" if _consonant_y(word) else word + "s"


def _verb(word: str, *, regular: bool) -> list[str]:
    """The past, where it is regular, and the form in -ing."""
    stem = word[:-1] if word.endswith("e") and not word.endswith("ee") else word
    if _doubles(word):
        return [word + word[-1] + "ing", *([word + word[-1] + "ed", word + "ing", word + "ed"] if regular else [])]
    past = word[:-1] + "ied" if _consonant_y(word) else stem + "ed"
    lasting = word[:-2] + "ying" if word.endswith("ie") else stem + "ing"
    return [lasting, *([past] if regular else [])]


def _consonant_y(word: str) -> bool:
    return word.endswith("y") and word[-2] not in _VOWELS


def _doubles(word: str) -> bool:
    """hit, hitting; but destroy, destroying: one syllable, one vowel, one consonant."""
    return len(word) <= 5 and word[-1] not in _VOWELS + "wxy" and word[-2] in _VOWELS and word[-3] not in _VOWELS
