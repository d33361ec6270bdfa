"""A flagged segment never raises an alert as fact: from the transcript through rules and outbox to what is read."""

from dataclasses import replace

import pytest

from bot.alerts import words
from bot.alerts.render import render, short
from bot.model import Delivery, RecordingState
from bot.rules import parse_rules
from bot.speech.truth.doubt import FLAGS, flags_of
from bot.transcript import Segment, Transcript
from tests.monitor.desk import Desk, post, spoken, voice

pytestmark = pytest.mark.slow

WARNING = "\n⚠ Doubtful speech alone speaks for it: check by ear.\n"


def joined(*parts: Transcript) -> Transcript:
    """One transcript with the segments of several, one after the other."""
    segments: list[Segment] = []
    for part in parts:
        start = segments[-1].end if segments else 0.0
        segments += [
            replace(
                segment,
                start=segment.start + start,
                end=segment.end + start,
                words=tuple(replace(word, start=word.start + start, end=word.end + start) for word in segment.words),
            )
            for segment in part.segments
        ]
    return replace(parts[0], segments=tuple(segments), duration=segments[-1].end)


async def told(desk: Desk, heard: Transcript, caption: str = "") -> Delivery:
    """The one delivery that a voice note with this transcript raises."""
    await desk.hear(voice(text=caption))
    (recording,) = await desk.recordings(RecordingState.WANTED)
    await desk.transcribe(recording, heard)
    deliveries = [row for row in await desk.store.outbox.due("chat", desk.clock(), 100) if row.alert]
    return deliveries[-1]


@pytest.mark.parametrize("flag", FLAGS)
async def test_each_flag_is_told(desk: Desk, flag: str) -> None:
    """Head, quotation, subject and the short form all say that it is to be checked by ear; the quotation says why."""
    delivery = await told(desk, spoken("подписал приказ", flags=[flag]))
    parcel = render(delivery, now=desk.clock())
    assert WARNING in parcel.text
    assert f" · CHECK BY EAR: {words.DOUBTS[flag]}\n│ подписал приказ" in parcel.text
    assert parcel.title.endswith(" (check by ear)")
    assert short(delivery).text.splitlines()[0].endswith(" (check by ear)")


def test_every_flag_has_words_in_their_order() -> None:
    """What the speech room may flag, the alerts can say."""
    assert tuple(words.DOUBTS) == FLAGS


async def test_boilerplate_is_no_fact_however_confident(desk: Desk) -> None:
    """A phrase that Whisper invents, with figures that all speak for it, matches a rule and comes out as doubtful."""
    wide = Desk(desk.store, desk.clock, rules=parse_rules({"wide.yaml": "rules: [{id: wide, match: канал}]"}))
    heard = spoken("Подписывайтесь на канал!")
    (segment,) = heard.segments
    flags = flags_of(avg_logprob=-0.05, no_speech=0.01, compression=0.9, words=segment.words, language="ru")
    delivery = await told(wide, replace(heard, segments=(replace(segment, flags=flags),)))
    text = render(delivery, now=desk.clock()).text
    assert WARNING in text
    assert "CHECK BY EAR: a phrase that models make up\n" in text


async def test_several_flags_are_named_once_in_order(desk: Desk) -> None:
    """All that speaks against the segments of a passage, the same reason once."""
    heard = joined(spoken("приказ", flags=["loop", "language-doubt"]), spoken("приказ", flags=["no-speech", "loop"]))
    text = render(await told(desk, heard), now=desk.clock()).text
    assert "CHECK BY EAR: it repeats itself, perhaps nobody speaks, perhaps another language\n" in text


async def test_a_passage_is_doubted_for_its_own_segments(desk: Desk) -> None:
    """What is wrong elsewhere in the note is not said of the words that matched."""
    heard = joined(spoken("да да да", flags=["loop"]), spoken("подписал приказ", flags=["no-speech"]))
    text = render(await told(desk, heard), now=desk.clock()).text
    assert "CHECK BY EAR: perhaps nobody speaks\n" in text


async def test_one_sound_passage_makes_it_more_than_doubt(desk: Desk) -> None:
    """Where the words also stand in an unflagged segment, only the doubtful passage is marked."""
    between = spoken("о чём ещё говорить сегодня. " * 12)
    heard = joined(spoken("подписал приказ."), between, spoken("тот приказ", flags=["loop"]))
    parcel = render(await told(desk, heard), now=desk.clock())
    assert WARNING not in parcel.text
    assert "check by ear" not in parcel.title
    assert parcel.text.count("CHECK BY EAR") == 1


async def test_a_written_word_is_no_doubt(desk: Desk) -> None:
    """A caption that matches stands by itself, also in the rule that needs both words."""
    await desk.hear(post("ничего", number=9))
    delivery = await told(desk, spoken("отставка", flags=["boilerplate"]), caption="Генерал")
    assert delivery.alert is not None
    assert delivery.alert.match.rule_id == "both"
    parcel = render(delivery, now=desk.clock())
    assert WARNING not in parcel.text
    assert "CHECK BY EAR: a phrase that models make up\n" in parcel.text
