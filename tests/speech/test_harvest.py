"""What a model makes up of noise is collected, kept, and told by the command."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cli import cli
from bot.cli.guard import guard
from bot.errors import ConfigError, ModelMissing
from bot.speech.settings import SpeechSettings
from bot.speech.sound.decode import decode
from bot.speech.sound.noise import CLIP_SECONDS, KINDS, RATE, Samples, clips, make
from bot.speech.truth.boilerplate import Phrase, load_phrases
from bot.speech.truth.harvest import Shelf, harvest, merge, once, open_listener
from tests.speech.conftest import MODEL, Clip

pytestmark = pytest.mark.slow


def found(text: str, language: str = "ru", heard: int = 2, model: str = "tiny 01") -> Phrase:
    return Phrase(text=text, language=language, source="harvested", model=model, heard=heard)


class Inventor:
    """Hears credits in loud sound, something new in soft sound, and nothing in silence; keeps what it was played."""

    def __init__(self) -> None:
        self.played: list[tuple[bytes, str]] = []

    def __call__(self, samples: Samples, language: str) -> list[str]:
        self.played.append((samples.tobytes(), language))
        loudness = float(np.abs(samples).mean())
        if not loudness:
            return []
        return [f"Звук номер {len(self.played)}", "Субтитры сделал Кто-то! " * (3 if loudness > 0.02 else 1), "..."]


def test_what_comes_twice_is_kept() -> None:
    """Repetitions in a segment count once, what is new each time and what has no words not at all."""
    inventor = Inventor()
    heard: list[float] = []
    result = harvest(inventor, seconds=150, seed=1, model="tiny 01", languages=("ru", "uk"), progress=heard.append)
    assert [(one.text, one.language, one.source, one.model) for one in result.phrases] == [
        ("Субтитры сделал Кто-то!", "ru", "harvested", "tiny 01"),
        ("Субтитры сделал Кто-то!", "uk", "harvested", "tiny 01"),
    ]
    # One clip of each kind but silence was heard in each language.
    assert {one.heard for one in result.phrases} == {result.clips - 1}
    assert (result.clips, result.segments) == (5, 2 * 3 * 4)
    assert sum(heard) == pytest.approx(2 * result.seconds)
    assert [language for _, language in inventor.played] == ["ru", "uk"] * 5


def test_the_same_seed_plays_the_same_noise() -> None:
    """A harvest can be done again; another seed is another harvest."""
    runs = []
    for seed in (1, 1, 2):
        inventor = Inventor()
        harvest(inventor, seconds=60, seed=seed, model="m", languages=("ru",))
        runs.append(inventor.played)
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Спасибо! Спасибо. спасибо", "Спасибо!"),
        ("Дякую за перегляд! Дякую за перегляд!", "Дякую за перегляд!"),
        ("раз два раз два раз", "раз два"),
        ("раз два три", "раз два три"),
        ("раз", "раз"),
        (" ", ""),
    ],
)
def test_repetitions_fall_together(text: str, rest: str) -> None:
    """A text that is one run of words over and over is that run."""
    assert once(text) == rest


def test_noise_is_what_it_says() -> None:
    """Clips of 25 to 35 s of all kinds in turn, the same for the same seed."""
    made = list(clips(300, 3))
    assert [clip.kind for clip in made][:6] == [*KINDS, "silence"]
    assert all(CLIP_SECONDS[0] <= len(clip.samples) / RATE <= CLIP_SECONDS[1] for clip in made)
    assert 300 <= sum(len(clip.samples) for clip in made) / RATE < 335
    assert all(np.array_equal(one.samples, other.samples) for one, other in zip(made, clips(300, 3), strict=True))
    with pytest.raises(ValueError, match="no noise 'brown'; kinds are silence, white"):
        make("brown", 1, 1)


@given(kind=st.sampled_from(list(KINDS)), seconds=st.floats(0, 3), seed=st.integers(0, 2**32 - 1))
def test_every_noise_can_be_played(kind: str, seconds: float, seed: int) -> None:
    """Any kind, length and seed: finite samples in range, of that length, silent only if it is silence."""
    samples = make(kind, seconds, seed)
    assert samples.dtype == np.float32
    assert len(samples) == round(seconds * RATE)
    assert np.isfinite(samples).all()
    assert np.abs(samples).max(initial=0.0) <= 1.0
    if kind == "silence":
        assert not samples.any()
    elif len(samples) > RATE:
        assert samples.std() > 1e-4


def test_noises_sound_as_they_are_called() -> None:
    """White noise has as much power high as low, pink more and more below, hum nearly all at the mains' overtones."""

    def below(kind: str, hertz: int) -> float:
        power = np.abs(np.fft.rfft(make(kind, 20, 5))) ** 2
        return float(power[: hertz * 20].sum() / power.sum())

    assert below("white", 4000) == pytest.approx(0.5, abs=0.02)
    assert below("pink", 400) > 0.5
    assert below("hum", 420) > 0.95


def test_merging_keeps_what_was_there() -> None:
    """Known phrases and other models' stay as they are; the same model's get the newer count; new ones come last."""
    old = [
        Phrase(text="Продолжение следует...", language="ru", source="known", published="a list"),
        found("Дякую!", "uk", 3),
        found("You", "en", 9, "base 02"),
    ]
    new = [found("продолжение следует"), found("дякую", "uk", 7), found("you", "en", 4), found("you", "ru", 4)]
    assert merge(old, new) == [old[0], found("Дякую!", "uk", 7), old[2], new[3]]


def test_a_shelf_adds_to_its_file(tmp_path: Path) -> None:
    """The file is made, then added to, and says how much was new; nothing else is left in the folder."""
    file = tmp_path / "mine.json"
    assert Shelf(file).add([found("Дякую!", "uk")]) == 1
    assert Shelf(file).add([found("Дякую!", "uk", 5), found("You", "en")]) == 1
    assert load_phrases(file) == [found("Дякую!", "uk", 5), found("You", "en")]
    assert list(tmp_path.iterdir()) == [file]


def test_a_shelf_that_cannot_hold_is_told_first(tmp_path: Path) -> None:
    """Before minutes are spent: no folder, or a file of something else, which stays as it is."""
    with pytest.raises(ConfigError, match=r"there is no folder .*absent; make it first"):
        Shelf(tmp_path / "absent" / "mine.json")
    (tmp_path / "notes.json").write_text("{}")
    with pytest.raises(ConfigError, match=r'notes.json: expected an object with a list under "phrases"'):
        Shelf(tmp_path / "notes.json")


def settings(folder: Path) -> SpeechSettings:
    return SpeechSettings(model=str(folder), models_folder=folder, device="cpu", threads=1, beam_size=1)


@pytest.mark.slow
async def test_a_real_model_is_listened_to(general: Clip) -> None:
    """What it hears is what it says, its weights are named, and the same noise gives the same harvest."""
    listen, name = await open_listener(settings(MODEL))
    assert name.startswith("speech_model ")
    sound = decode(general.path, max_bytes=10**6, max_seconds=60.0)
    assert "должности" in " ".join(listen(sound.samples, "ru"))
    runs = [harvest(listen, seconds=60, seed=7, model=name, languages=("en",)) for _ in range(2)]
    assert runs[0] == runs[1]
    assert runs[0].clips >= 2


@pytest.mark.slow
async def test_a_model_that_is_none(tmp_path: Path) -> None:
    """A folder of something else, and a language that the model does not know, are named."""
    for name in ("config.json", "model.bin", "tokenizer.json", "vocabulary.json"):
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(ModelMissing, match="cannot be loaded"):
        await open_listener(settings(tmp_path))
    with pytest.raises(ConfigError, match="does not know xx; its languages are "):
        await open_listener(settings(MODEL), ("ru", "xx"))


@pytest.mark.slow
def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It plays, says how much, and writes a file that can be read again."""
    file = tmp_path / "mine.json"
    given = ["speech", "harvest", "--model", str(MODEL), "--minutes", "0.5", "--language", "ru", "--out", str(file)]
    assert guard(cli, given) == 0
    said = capsys.readouterr().out
    assert " clips, " in said
    assert "of noise in each language" in said
    assert said.endswith("added to the file\n")
    assert all(one.source == "harvested" for one in load_phrases(file))


def test_the_command_refuses_before_it_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot hold the phrases is an error of configuration; no minutes are spent."""
    file = tmp_path / "absent" / "mine.json"
    assert guard(cli, ["speech", "harvest", "--model", str(MODEL), "--out", str(file)]) == 3
    assert "there is no folder" in capsys.readouterr().err
