"""What the doctor concludes from what it sees."""

from pathlib import Path

import pytest

from bot.speech.commands.doctor import Found, Machine, Measured, choices, look, parse_quota, recommend, size_of


def machine(*, memory: int | None = 16_000, limit: int | None = None, gpus: int = 0) -> Machine:
    return Machine(
        cores=4,
        instructions=("avx2",),
        compute_types=("int8",),
        gpus=gpus,
        gpu_compute_types=("float16",) if gpus else (),
        memory_megabytes=memory,
        free_megabytes=memory,
        limit_megabytes=limit,
    )


def found(name: str) -> Found:
    return Found(name=name, folder=Path("models") / name, megabytes=100.0, fingerprint="0" * 12)


def measured(speed: float) -> Measured:
    return Measured(sound=24.0, start_seconds=1.0, seconds=30.0, together=8, seconds_each=24.0 / speed)


def test_this_machine_is_seen() -> None:
    """Cores, memory and compute types are what this process may use."""
    seen = look()
    assert seen.cores > 0
    assert "int8" in seen.compute_types
    assert seen.usable_megabytes is not None
    assert seen.usable_megabytes > 500


@pytest.mark.parametrize(
    ("text", "cores"), [("max 100000", None), ("150000 100000", 1.5), (None, None), ("", None), ("50000 100000\n", 0.5)]
)
def test_a_quota_is_read_as_cores(text: str | None, cores: float | None) -> None:
    """As the control group writes it."""
    assert parse_quota(text) == cores


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("small", "small"),
        ("turbo", "large-v3-turbo"),
        ("Systran/faster-whisper-base.en", "base"),
        ("/srv/models/medium", "medium"),
        ("openai/something-else", None),
    ],
)
def test_sizes_are_known_by_name(name: str, size: str | None) -> None:
    """A name, an id or a folder; what is none of Whisper's sizes cannot be scaled."""
    known = size_of(found(name))
    assert (known.name if known else None) == size


def test_the_best_that_keeps_up_is_recommended() -> None:
    """Speeds follow from the one that was measured; a model that is slower than twice real time is not for a queue."""
    offered = choices(machine(), found("small"), measured(8.0))
    by_name = {one.model.name: one for one in offered}
    assert by_name["small"].speed == pytest.approx(8.0)
    assert by_name["tiny"].speed == pytest.approx(39.2)
    assert [one.model.name for one in offered if one.keeps_up] == ["tiny", "base", "small", "medium"]
    chosen, why = recommend(machine(), offered)
    assert chosen == {"model": "medium", "device": "cpu", "compute_type": "int8"}
    assert "2.6 s of sound in a second" in why


def test_what_does_not_fit_is_not_recommended() -> None:
    """The limit of the control group counts, not the memory of the machine."""
    offered = choices(machine(limit=1200), found("small"), measured(100.0))
    assert [one.model.name for one in offered if one.fits] == ["tiny", "base"]
    assert recommend(machine(limit=1200), offered)[0]["model"] == "base"


def test_where_nothing_fits_one_note_is_heard_at_a_time() -> None:
    """The advice is about memory then, however quick the processor is."""
    offered = choices(machine(limit=600), found("small"), measured(100.0))
    assert not any(one.fits for one in offered)
    chosen, why = recommend(machine(limit=600), offered)
    assert (chosen["model"], chosen["batch"]) == ("tiny", 1)
    assert "memory" in why


def test_a_slow_machine_is_told_so() -> None:
    """Where nothing keeps up, the smallest model and a server are named."""
    offered = choices(machine(), found("tiny"), measured(0.5))
    chosen, why = recommend(machine(), offered)
    assert chosen["model"] == "tiny"
    assert "speech.server" in why


def test_a_model_of_no_known_size_tells_nothing_of_others() -> None:
    """Then there are no speeds, and the advice says so."""
    offered = choices(machine(), found("/srv/own"), measured(9.0))
    assert {one.speed for one in offered} == {None}
    assert "measure again with --model small" in recommend(machine(), offered)[1]


def test_a_gpu_carries_the_large_one() -> None:
    """Whatever the processor does."""
    gpu = machine(gpus=1)
    chosen, _ = recommend(gpu, choices(gpu, found("tiny"), measured(1.0)))
    assert chosen == {"model": "large-v3-turbo", "device": "cuda", "compute_type": "float16"}
