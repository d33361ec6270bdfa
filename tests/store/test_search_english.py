"""What search shows of a post in English: what is stored of it, beside the original."""

import json

import pytest

from bot.cli.found import Shown, by_rule, by_words, print_shown
from bot.health.jsonable import to_json
from bot.model import RecordingState, Source, Translation
from bot.rules import parse_rules
from bot.store import Store, Window
from tests.store.making import NOON, key, message, put, transcript, voice

STRIKE = "Удар по штабу под Бердянском"
ENGLISH = Translation(text="Strike on headquarters near Berdyansk", language="ru", model="opus 1a2b", parameters={})


async def ask(store: Store, words: str) -> list[Shown]:
    return await by_words(store, words, Window(), "newest", 20)


async def ask_rule(store: Store, rule: str) -> list[Shown]:
    known = parse_rules({"r.yaml": f"rules:\n  - {{id: a, match: '{rule}'}}\n"})
    return await by_rule(store, known, known.rules[0], Window(), 20)


async def translate(store: Store, number: int, version: int, english: Translation) -> None:
    """Have a state of a message in English."""
    await store.translations.want({(key(number), version): "ru"}, upto=1, at=NOON)
    wanted = await store.translations.due(["ru"], NOON)
    assert wanted is not None
    await store.translations.record(wanted.translation_id, english, notice=lambda number, _: "", at=NOON)


async def test_a_text_stands_beside_its_english(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """By words and by rule, for people and for programs; a post that was not translated has none."""
    await put(store, message(1, STRIKE), message(2, "Ещё удар"), voice(3, text="Удар, послушайте"))
    await translate(store, 1, 1, ENGLISH)
    await translate(store, 3, 1, ENGLISH)
    for found in (await ask(store, "удар"), await ask_rule(store, "удар")):
        by_number = {int(one.hit.message.message_id): one for one in found}
        assert {number: one.english for number, one in by_number.items()} == {1: ENGLISH.text, 2: None, 3: ENGLISH.text}
        plain = json.loads(json.dumps(to_json(by_number[1].plain())))
        assert (plain["english"], plain["english_by"]) == (ENGLISH.text, "opus 1a2b")
        assert json.loads(json.dumps(to_json(by_number[2].plain())))["english"] is None
        assert [one.hit.source for one in (by_number[1], by_number[3])] == [Source.TEXT, Source.CAPTION]
        print_shown(by_number[1])
        assert f"In English, by opus 1a2b: {ENGLISH.text}" in " ".join(capsys.readouterr().out.split())
        print_shown(by_number[2])
        assert "English" not in capsys.readouterr().out


async def test_the_english_is_that_of_the_state_that_is_shown(store: Store) -> None:
    """Of a post that was edited after it had been translated, the English of before is not shown as that of now."""
    await put(store, message(1, STRIKE))
    await translate(store, 1, 1, ENGLISH)
    await put(store, message(1, "Удара не было", edited_at=NOON))
    (found,) = await ask(store, "удара")
    assert (found.hit.version, found.english) == (2, None)
    now = Translation(text="There was no strike", language="ru", model="opus 1a2b", parameters={})
    await translate(store, 1, 2, now)
    (found,) = await ask(store, "удара")
    assert found.english == now.text


async def test_speech_has_what_whisper_made_of_it(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """The hit is in what is said, so its English is; a long one is cut short on a screen, and control characters go."""
    await put(store, voice(1, text="Подпись под записью"))
    await translate(store, 1, 1, ENGLISH)
    (recording,) = await store.recordings.due(RecordingState.WANTED, NOON, 1)
    await store.recordings.record_fetched(recording.recording_id, sha256="00" * 32, size=9, at=NOON)
    said = transcript("доложил", "попов", translation="Reported\x1b[2J Popov " + 200 * "so ")
    await store.recordings.record_transcript(recording.recording_id, said, {}, sinks=(), at=NOON)
    for found in (await ask(store, "доложил"), await ask_rule(store, "доложить")):
        (one,) = found
        assert (one.hit.source, one.english, one.english_by) == (Source.TRANSCRIPT, said.translation, "tiny")
        print_shown(one)
        shown = capsys.readouterr().out
        assert "In English, by tiny: Reported" in " ".join(shown.split())
        assert "\x1b[2J" not in shown
        assert len(shown) < 600
    (caption,) = await ask(store, "записью")
    assert (caption.hit.source, caption.english) == (Source.CAPTION, ENGLISH.text)
