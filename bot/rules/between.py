"""Which words may stand between two slots of a path."""

import re
from collections.abc import Iterator

from bot.rules.ground import Ground
from bot.rules.lattice import LONGEST
from bot.rules.military import is_attribute
from bot.rules.serial import next_in_list
from bot.rules.slots import Skip, Slot

_PATRONYMIC = re.compile(
    r"(?:[оеє]вич|йович|ич|ovich|evich|ovych)(?:а|у|ем|ом|е|і|еві|em)?$"
    r"|(?:[оеєі]вн|[їи]вн|ичн|ovn|evn|ivn)(?:а|ы|и|е|у|ой|ою|і|a|y)$"
)


def across(ground: Ground, slot: Slot, at: int, *, ordinal: bool) -> Iterator[int]:
    """From token `at` on, over the words that may stand between; those of a list of numbers do not count."""
    left, in_list, words = slot.gap, True, ground.words
    while at < len(words) and ground.together(at):
        if in_list:
            yield at
        further = next_in_list(ground.reading, at) if ordinal and slot.skip is Skip.MILITARY else None
        if further is not None:
            at, in_list = further
        elif left and _skippable(slot, words[at]):
            left, at = left - 1, at + 1
        else:
            return


def _skippable(slot: Slot, word: str) -> bool:
    match slot.skip:
        case Skip.ANY:
            return True
        case Skip.MILITARY:
            refused = slot.without and word.startswith(slot.without)
            return len(word) <= LONGEST and not refused and is_attribute(word)
        case Skip.PATRONYMIC:
            return len(word) == 1 or _PATRONYMIC.search(word) is not None
    return False
