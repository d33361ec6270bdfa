"""Recordings bent by chance, decoded under audit. `make bench-media_fuzz` does ten thousand."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.speech.audited import MEMORY_BYTES, AuditedDecoder, write_victim
from tests.speech.bent import bent

pytestmark = pytest.mark.slow

SEED = 5
MEBIBYTE = 1024 * 1024


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A recording that is nobody else's business, beside the hostile ones."""
    path = tmp_path / "victim.mov"
    write_victim(path)
    return path


@pytest.fixture
def decoder(victim: Path) -> Iterator[AuditedDecoder]:
    """The decoder under audit."""
    with AuditedDecoder(victim) as decoder:
        yield decoder


def test_bent_recordings(decoder: AuditedDecoder, victim: Path, tmp_path: Path) -> None:
    """Each of 150 gives its own sound or a named reason, opens nothing, and takes little memory and time."""
    seen: Counter[str] = Counter()
    for number in range(150):
        file = bent(number, seed=SEED, victim=victim)
        path = tmp_path / "voice.ogg"
        path.write_bytes(file.data)
        outcome = decoder.decode(path)
        assert outcome.good, f"file {number} of seed {SEED} ({file.how}): {outcome}"
        assert outcome.peak < 300 * MEBIBYTE, f"file {number} of seed {SEED} ({file.how}): {outcome}"
        seen[outcome.what] += 1
    assert seen["decoded"] > 30, "most bends leave something to hear"
    assert seen["damaged"] > 10
    assert len(seen) > 3, "and they reach several refusals"


def test_the_same_seed_makes_the_same_files(victim: Path) -> None:
    """A failing number can be made again."""
    assert [bent(number, seed=1, victim=victim) for number in range(20)] == [
        bent(number, seed=1, victim=victim) for number in range(20)
    ]
    assert bent(3, seed=1, victim=victim).data != bent(3, seed=2, victim=victim).data


def test_the_audit_sees_a_file_being_opened(decoder: AuditedDecoder, victim: Path) -> None:
    """Had the decoder opened a file, the audit would have said so; and it goes on with a new process."""
    assert decoder.open(victim).what == "opened something"
    assert decoder.decode(victim).what == "foreign sound"


def test_the_audit_knows_the_victim(decoder: AuditedDecoder, victim: Path) -> None:
    """Had the victim's sound come out, the audit would have heard it; of another sound it says nothing."""
    assert decoder.decode(victim).what == "foreign sound"
    harmless = victim.with_name("voice.ogg")
    harmless.write_bytes(bent(0, seed=SEED, victim=victim).data)
    assert decoder.decode(harmless).good


def test_the_audit_is_as_confined_as_the_speech_process(decoder: AuditedDecoder, tmp_path: Path) -> None:
    """More memory than its limit is not to be had: a recording of all that is allowed stays far below."""
    path = tmp_path / "voice.flac"
    path.write_bytes(b"fLaC" + bytes(30))
    assert decoder.decode(path).peak < MEMORY_BYTES
