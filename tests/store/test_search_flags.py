"""What search says of speech that is not to be trusted: the flags of the segments that the shown words stand in."""

from dataclasses import replace
from typing import Any

import pytest

from bot.cli.found import Shown, by_rule, by_words, print_shown
from bot.model import RecordingState, Source
from bot.rules import parse_rules
from bot.store import Store, Window
from bot.store.spoken import flags_at
from bot.transcript import Segment, Transcript, Word
from tests.store.making import NOON, message, put, transcript, voice

SPOKEN: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("приказ подписан", ()),
    ("потери потери потери", ("loop", "low-confidence")),
    ("продолжение следует", ("boilerplate",)),
)


def flagged(spoken: tuple[tuple[str, tuple[str, ...]], ...] = SPOKEN) -> Transcript:
    """A segment for each, ten seconds apart."""
    segments = []
    for number, (text, flags) in enumerate(spoken):
        words = tuple(
            Word(start=10.0 * number + at, end=10.0 * number + at + 0.9, text=f" {word}", probability=0.9)
            for at, word in enumerate(text.split())
        )
        whole = transcript().segments[0]
        segments.append(
            replace(whole, start=10.0 * number, end=10.0 * number + 9, text=f" {text}", words=words, flags=flags)
        )
    return replace(transcript(), segments=tuple(segments))


async def record(store: Store, said: Transcript) -> None:
    await put(store, message(1, "Приказ и потери, письменно"), voice(2, text="потери, под записью"))
    (recording,) = await store.recordings.due(RecordingState.WANTED, NOON, 1)
    await store.recordings.record_fetched(recording.recording_id, sha256="00" * 32, size=9, at=NOON)
    await store.recordings.record_transcript(recording.recording_id, said, {}, sinks=(), at=NOON)


async def ask(store: Store, words: str) -> list[Shown]:
    return await by_words(store, words, Window(), "newest", 20)


async def ask_rule(store: Store, rule: str) -> list[Shown]:
    known = parse_rules({"r.yaml": f"rules:\n  - {{id: a, match: '{rule}'}}\n"})
    return await by_rule(store, known, known.rules[0], Window(), 20)


FLAGS: list[tuple[str, tuple[str, ...]]] = [
    ("подписан", ()),
    ("следует", ("boilerplate",)),
    ("подписан следует", ("boilerplate",)),
    ('"потери потери"', ("loop", "low-confidence")),
    ('"подписан потери"', ("loop", "low-confidence")),
]


@pytest.mark.parametrize(("words", "flags"), FLAGS)
async def test_by_words(store: Store, words: str, flags: tuple[str, ...]) -> None:
    """A word in a flagged segment bears its flags; one in a clear segment of the same note bears none."""
    await record(store, flagged())
    (found,) = await ask(store, words)
    assert found.hit.source is Source.TRANSCRIPT
    assert found.hit.flags == flags
    assert found.plain()["flags"] == flags


@pytest.mark.parametrize(
    ("rule", "flags"), [("подписать", ()), ("продолжение", ("boilerplate",)), ("приказ AND NOT взрыв", ())]
)
async def test_by_rule(store: Store, rule: str, flags: tuple[str, ...]) -> None:
    """The same for a rule query."""
    await record(store, flagged())
    found = next(one for one in await ask_rule(store, rule) if one.hit.source is Source.TRANSCRIPT)
    assert found.hit.flags == flags


async def test_what_is_written_bears_no_flags(store: Store) -> None:
    """A text, and the caption of a voice note whose speech is flagged, are facts."""
    await record(store, flagged())
    for found in (await ask(store, "письменно"), await ask(store, "записью"), await ask_rule(store, "письменно")):
        assert [one.hit.flags for one in found] == [()]


async def test_only_what_is_shown_counts(store: Store) -> None:
    """The word stands again, flagged, far behind the excerpt: what is shown is clear."""
    far = tuple((" ".join(["слово"] * 40), ()) for _ in range(10))
    await record(store, flagged((("приказ дан", ()), *far, ("приказ", ("no-speech",)))))
    (found,) = await ask(store, "приказ дан")
    assert found.hit.flags == ()
    assert "приказ" in found.hit.excerpt


async def test_a_person_reads_it(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """The table says what to do, and why; nothing where there is no flag."""
    await record(store, flagged())
    told = []
    for words in ('"потери потери"', "подписан"):
        for one in await ask(store, words):
            print_shown(one)
        told.append(capsys.readouterr().out)
    assert "check by ear: loop, low-confidence" in told[0]
    assert "check by ear" not in told[1]


@pytest.mark.parametrize(
    ("spans", "flags"),
    [([(0, 3)], ("a",)), ([(3, 5)], ("b",)), ([(2, 4)], ("a", "b")), ([(5, 6)], ()), ([], ()), ([(3, 3)], ())],
)
def test_offsets_without_words(spans: list[tuple[int, int]], flags: tuple[str, ...]) -> None:
    """A transcript whose segments have no words is searched by the text of its segments; borders belong to the next."""

    def segment(text: str, *flags: str) -> Segment:
        given: dict[str, Any] = {"avg_logprob": -0.1, "no_speech_probability": 0.0, "compression_ratio": 1.0}
        return Segment(start=0, end=1, text=text, words=(), flags=flags, **given)

    said = replace(transcript(), segments=(segment("abc", "a"), segment("de", "b"), segment("f")))
    assert said.text == "abcdef"
    assert flags_at(said, spans) == flags
