"""What this machine can do with speech: cores, instructions, memory, GPUs, the model at hand, and how long it takes."""

import asyncio
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

import ctranslate2

from bot.speech.models import fingerprint, locate_model
from bot.speech.port import Transcriber
from bot.speech.settings import SpeechSettings

_CGROUP = Path("/sys/fs/cgroup")
_FLAGS = ("avx2", "avx512f", "avx512_vnni", "amx_int8")
# Of a machine's memory and processor, that a model may take: Telegram, the store and the kernel live there too.
_SHARE = 0.7
# A machine keeps up with itself when a second of sound takes half a second; the other half is for the busy hour.
_LEAST_SPEED = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What a model costs, int8 on a processor; beam 5, exact mode.

    `cost`: a note of 10 s against tiny (measured: docs/performance.md has how; for medium and large-v3 reckoned from their
    layers and width). `megabytes`: resident at most, with two cores at work and eight notes decoded together; measured
    with the smallest three, reckoned for the others from what they hold alone and their width.
    """

    name: str
    cost: float
    megabytes: int
    # Parameters: openai/whisper, README. More of them hear better.
    millions: int


# tiny 925, base 1755, small 4500, turbo 19200 processor ms on a Zen 4 core.
MODELS = (
    Model(name="tiny", cost=1.0, megabytes=530, millions=39),
    Model(name="base", cost=1.9, megabytes=760, millions=74),
    Model(name="small", cost=4.9, megabytes=1330, millions=244),
    Model(name="medium", cost=15.0, megabytes=2350, millions=769),
    Model(name="large-v3-turbo", cost=20.8, megabytes=2500, millions=809),
    Model(name="large-v3", cost=31.0, megabytes=3500, millions=1550),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What there is; None where it cannot be told."""

    # By affinity and by the control group's quota.
    cores: float
    instructions: tuple[str, ...]
    compute_types: tuple[str, ...]
    gpus: int
    gpu_compute_types: tuple[str, ...]
    memory_megabytes: int | None
    free_megabytes: int | None
    # Of the control group.
    limit_megabytes: int | None

    @property
    def usable_megabytes(self) -> int | None:
        """What a process may come to take: the least of what is known."""
        known = [value for value in (self.memory_megabytes, self.limit_megabytes) if value is not None]
        return min(known, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The configured model; `folder` None: not there yet."""

    name: str
    folder: Path | None
    megabytes: float | None
    fingerprint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A recording of `sound` seconds: by the clock alone, and each of `together` at a time."""

    sound: float
    start_seconds: float
    seconds: float
    together: int
    seconds_each: float

    @property
    def speed(self) -> float:
        """Seconds of sound in a second, when there is a queue."""
        return self.sound / self.seconds_each


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A model as it would do here; `speed`: seconds of sound in a second, None where nothing tells."""

    model: Model
    speed: float | None
    fits: bool

    @property
    def keeps_up(self) -> bool:
        """Whether it can be recommended."""
        return self.fits and self.speed is not None and self.speed >= _LEAST_SPEED


def look() -> Machine:
    """This machine, as far as this process may use it."""
    gpus = ctranslate2.get_cuda_device_count()
    memory = _meminfo()
    return Machine(
        cores=min(len(os.sched_getaffinity(0)), _quota() or float("inf")),
        instructions=_instructions(),
        compute_types=tuple(sorted(ctranslate2.get_supported_compute_types("cpu"))),
        gpus=gpus,
        gpu_compute_types=tuple(sorted(ctranslate2.get_supported_compute_types("cuda"))) if gpus else (),
        memory_megabytes=memory.get("MemTotal"),
        free_megabytes=memory.get("MemAvailable"),
        limit_megabytes=_limit(),
    )


def find(settings: SpeechSettings) -> Found:
    """The configured model. ModelMissing when it is nowhere and never will be."""
    folder = locate_model(settings.model, settings.models_folder)
    if folder is None:
        return Found(name=settings.model, folder=None, megabytes=None, fingerprint=None)
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    return Found(name=settings.model, folder=folder, megabytes=size / 1e6, fingerprint=fingerprint(folder))


async def measure(transcriber: Transcriber, note: Path) -> Measured:
    """How long a recording takes, and several at once. Raises what the transcriber raises."""
    begun = time.perf_counter()
    await transcriber.start()
    start = time.perf_counter() - begun
    begun = time.perf_counter()
    transcript = await transcriber.transcribe(note, language=None, declared_seconds=None)
    alone = time.perf_counter() - begun
    together = max(1, min(transcriber.capacity, 8))
    begun = time.perf_counter()
    await asyncio.gather(*(transcriber.transcribe(note, language=None, declared_seconds=None) for _ in range(together)))
    return Measured(
        sound=transcript.duration,
        start_seconds=start,
        seconds=alone,
        together=together,
        seconds_each=(time.perf_counter() - begun) / together,
    )


def size_of(found: Found) -> Model | None:
    """Which of Whisper's sizes it is, by its name; None for anything else."""
    name = Path(found.name).name.removeprefix("faster-whisper-").removesuffix(".en")
    named = {"turbo": "large-v3-turbo", "large": "large-v3", "large-v1": "large-v3", "large-v2": "large-v3"}
    return next((model for model in MODELS if model.name == named.get(name, name)), None)


def choices(machine: Machine, found: Found, measured: Measured) -> list[Choice]:
    """Each model as it would do on the processor here, by the one that was measured; speeds None when that has no size."""
    size = size_of(found)
    room = machine.usable_megabytes
    return [
        Choice(
            model=model,
            speed=measured.speed * size.cost / model.cost if size else None,
            fits=room is None or model.megabytes <= _SHARE * room,
        )
        for model in MODELS
    ]


def recommend(machine: Machine, found: list[Choice]) -> tuple[dict[str, object], str]:
    """Settings (of the speech section) and why."""
    if machine.gpus:
        compute = "float16" if "float16" in machine.gpu_compute_types else "default"
        return (
            {"model": "large-v3-turbo", "device": "cuda", "compute_type": compute},
            "a GPU carries the model that is next to the best, and several times as fast as that",
        )
    if not any(choice.fits for choice in found):
        return (
            {"model": "tiny", "device": "cpu", "compute_type": "int8", "batch": 1},
            "the memory holds no model with eight notes decoded together, so one is heard at a time; more memory or a "
            "server of your team's own (speech.server) would do better",
        )
    keeping = [choice for choice in found if choice.keeps_up]
    if keeping:
        best = keeping[-1]
        why = f"the best model that hears {best.speed:.1f} s of sound in a second here (2 or more keep up with a busy hour)"
        return {"model": best.model.name, "device": "cpu", "compute_type": "int8"}, why
    if all(choice.speed is None for choice in found):
        return (
            {"model": "small", "device": "cpu", "compute_type": "int8"},
            "the model that was measured is none of Whisper's sizes, so this is a usual choice for two to four cores: "
            "measure again with --model small",
        )
    return (
        {"model": "tiny", "device": "cpu", "compute_type": "int8"},
        "no model keeps up here; a server of your team's own (speech.server) or more cores would",
    )


def wider(settings: SpeechSettings) -> SpeechSettings:
    """The settings of a measurement: as configured, but no longer than a look may take."""
    return replace(settings, timeout_floor=300.0)


def _instructions() -> tuple[str, ...]:
    try:
        words = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return ()
    return tuple(flag for flag in _FLAGS if flag in words)


def _meminfo() -> dict[str, int]:
    """Megabytes by name: proc(5)."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return {}
    return {line.partition(":")[0]: int(line.split()[1]) * 1024 // 1_000_000 for line in lines if line.endswith("kB")}


def _quota() -> float | None:
    """Cores that the control group (version 2) grants; None without a limit."""
    return parse_quota(_read("cpu.max"))


def _limit() -> int | None:
    text = _read("memory.max")
    return int(text) // 1_000_000 if text is not None and text.isdigit() else None


def parse_quota(text: str | None) -> float | None:
    """`cpu.max` as cores: `150000 100000` is one and a half; `max` is no limit."""
    parts = (text or "max").split()
    return int(parts[0]) / int(parts[1]) if len(parts) == 2 and parts[0].isdigit() else None


def _read(name: str) -> str | None:
    """A file of the control group that this process is in, or of the next one above that has it."""
    try:
        own = Path("/proc/self/cgroup").read_text().strip().rpartition("::")[2].strip("/")
    except OSError:
        return None
    for folder in (_CGROUP / own, *(_CGROUP / own).parents):
        if folder == _CGROUP.parent:
            break
        try:
            return (folder / name).read_text().strip()
        except OSError:
            continue
    return None
