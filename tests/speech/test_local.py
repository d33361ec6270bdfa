"""The speech process may die in every way; the transcriber does not."""

import asyncio
import os
import platform
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bot.errors import ChildDied, HeardBefore, MediaRefused, ModelMissing
from bot.speech import LocalTranscriber, SpeechSettings
from bot.speech.local.transcriber import is_partial
from tests.speech.conftest import REPOSITORY, Clip


async def transcribe(transcriber: LocalTranscriber, clip: Clip) -> str:
    heard = await transcriber.transcribe(clip.path, language="ru", declared_seconds=clip.seconds)
    return heard.text


async def child_of(transcriber: LocalTranscriber) -> psutil.Process:
    await transcriber.start()
    assert transcriber.pid is not None
    return psutil.Process(transcriber.pid)


async def gone(pid: int) -> bool:
    """Whether the process ends within ten seconds."""
    for _ in range(200):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        await asyncio.sleep(0.05)
    return False


@pytest.mark.slow
async def test_a_child_killed_in_the_middle_of_a_job(
    transcriber: LocalTranscriber, general: Clip, clips: list[Clip]
) -> None:
    """SIGKILL during a job raises ChildDied naming the signal; the next job has a new child and succeeds."""
    child = await child_of(transcriber)
    job = asyncio.create_task(transcribe(transcriber, general))
    await asyncio.sleep(0.3)
    child.send_signal(signal.SIGKILL)
    with pytest.raises(ChildDied, match="SIGKILL"):
        await job
    assert "должности" in await transcribe(transcriber, clips[1])
    assert transcriber.pid != child.pid


@pytest.mark.slow
async def test_a_child_killed_with_several_jobs(transcriber: LocalTranscriber, clips: list[Clip]) -> None:
    """When it is nobody's fault, all of them are done by its successor, and nobody is told of the death."""
    child = await child_of(transcriber)
    jobs = [asyncio.create_task(transcribe(transcriber, clip)) for clip in clips[:4]]
    await asyncio.sleep(0.3)
    child.send_signal(signal.SIGKILL)
    texts = await asyncio.gather(*jobs)
    assert "офицеры" in texts[0]
    assert "должности" in texts[1]
    assert all(texts)
    assert transcriber.pid != child.pid


@pytest.mark.slow
async def test_one_recording_that_kills_is_no_others_fault(
    settings: SpeechSettings, tmp_path: Path, clips: list[Clip]
) -> None:
    """Of several at once, the one that takes more memory than there is fails; the others are done."""
    from tests.speech import hostile

    path = tmp_path / "long"
    path.write_bytes(hostile.hours_of_silence(2))
    transcriber = LocalTranscriber(replace(settings, memory_bytes=1_000_000_000, max_seconds=3 * 3600))
    bad = asyncio.create_task(transcriber.transcribe(path, language="ru", declared_seconds=None))
    texts = await asyncio.gather(*(transcribe(transcriber, clip) for clip in clips[:3]))
    with pytest.raises((MediaRefused, ChildDied)):
        await bad
    assert ["офицеры" in texts[0], "должности" in texts[1], "приказ" in texts[2]] == [True] * 3
    await transcriber.close()


@pytest.mark.slow
async def test_a_known_recording_is_not_heard(transcriber: LocalTranscriber, clips: list[Clip]) -> None:
    """Who says that a fingerprint is known is left alone; the others go on meanwhile."""
    seen: list[bytes] = []

    async def known(voice: bytes) -> bool:
        seen.append(voice)
        await asyncio.sleep(0.1)
        return True

    first = transcriber.transcribe(clips[1].path, language=None, declared_seconds=None, heard_before=known)
    told, text = await asyncio.gather(first, transcribe(transcriber, clips[1]), return_exceptions=True)
    assert isinstance(told, HeardBefore)
    assert len(seen) == 1
    assert "должности" in str(text)
    assert "должности" in await transcribe(transcriber, clips[1])


@pytest.mark.slow
async def test_a_child_killed_between_jobs(transcriber: LocalTranscriber, clips: list[Clip]) -> None:
    """A child that died while idle is replaced, at no recording's expense."""
    child = await child_of(transcriber)
    child.send_signal(signal.SIGKILL)
    assert await gone(child.pid)
    await asyncio.sleep(0.2)
    assert "должности" in await transcribe(transcriber, clips[1])


@pytest.mark.slow
async def test_a_job_that_takes_too_long(settings: SpeechSettings, general: Clip) -> None:
    """A child that does not answer in time is killed, with everything it started."""
    transcriber = LocalTranscriber(replace(settings, timeout_floor=0.5, timeout_factor=0.01))
    child = await child_of(transcriber)
    child.send_signal(signal.SIGSTOP)
    with pytest.raises(ChildDied, match="in time"):
        await transcribe(transcriber, general)
    assert transcriber.pid is None
    assert await gone(child.pid)
    await transcriber.close()


@pytest.mark.slow
async def test_the_child_ends_with_its_parent(settings: SpeechSettings, general: Clip, tmp_path: Path) -> None:
    """SIGKILL to the daemon takes the speech process with it, even in the middle of a job, and no file is left of either."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    script = tmp_path / "daemon.py"
    script.write_text(
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from bot.speech import SpeechSettings, LocalTranscriber\n"
        "async def main():\n"
        "    t = LocalTranscriber(SpeechSettings(model=sys.argv[1], models_folder=Path('.'), device='cpu', threads=1))\n"
        "    await t.start()\n"
        "    print('PID', t.pid, flush=True)\n"
        "    while True:\n"
        "        await t.transcribe(Path(sys.argv[2]), language=None, declared_seconds=None)\n"
        "asyncio.run(main())\n"
    )
    daemon = await asyncio.create_subprocess_exec(
        *(sys.executable, str(script), settings.model, str(general.path)),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(scratch)},
    )
    assert daemon.stdout is not None
    while not (line := await daemon.stdout.readline()).startswith(b"PID"):
        assert line
    pid = int(line.split()[1])
    child = psutil.Process(pid)
    assert (child.cwd(), child.environ()["TMPDIR"]) == ("/", "/nonexistent")
    daemon.kill()
    await daemon.wait()
    assert await gone(pid)
    assert list(scratch.iterdir()) == []


@pytest.mark.slow
async def test_a_cancelled_job_leaves_no_process(transcriber: LocalTranscriber, general: Clip) -> None:
    """Cancelling ends the child: nothing goes on working for an answer that nobody awaits."""
    child = await child_of(transcriber)
    job = asyncio.create_task(transcribe(transcriber, general))
    await asyncio.sleep(0.2)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert transcriber.pid is None
    assert await gone(child.pid)


@pytest.mark.slow
async def test_closing_in_the_middle_of_a_job(transcriber: LocalTranscriber, general: Clip) -> None:
    """Close ends a running job with ChildDied, leaves no process, and may be repeated."""
    child = await child_of(transcriber)
    job = asyncio.create_task(transcribe(transcriber, general))
    await asyncio.sleep(0.2)
    await transcriber.close()
    with pytest.raises(ChildDied):
        await job
    await transcriber.close()
    assert await gone(child.pid)


@pytest.mark.slow
async def test_a_child_is_replaced_after_its_jobs(settings: SpeechSettings, clips: list[Clip]) -> None:
    """After `jobs_per_child` jobs the next one is done by a new child."""
    transcriber = LocalTranscriber(settings, jobs_per_child=2)
    seen = []
    for _ in range(3):
        await transcriber.start()
        seen.append(transcriber.pid)
        await transcribe(transcriber, clips[2])
    assert seen[0] == seen[1] != seen[2]
    await transcriber.close()


@pytest.mark.slow
async def test_jobs_wait_for_each_other(transcriber: LocalTranscriber, clips: list[Clip]) -> None:
    """Jobs asked for at once are done one after the other, and each gets its own answer."""
    texts = await asyncio.gather(*(transcribe(transcriber, clip) for clip in clips[:4]))
    assert ["офицеры" in texts[0], "должности" in texts[1], "приказ" in texts[2], "обстановку" in texts[3]] == [
        True
    ] * 4


@pytest.mark.slow
async def test_the_child_has_nothing_to_betray(transcriber: LocalTranscriber, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no token in its environment, no descriptor but its pipes, no socket, and its own session and limits."""
    monkeypatch.setenv("EARSHOT_BOT_TOKEN", "123:secret")
    with open(os.devnull, "rb") as file:
        os.set_inheritable(file.fileno(), True)
        child = await child_of(transcriber)
    assert not any("EARSHOT" in name or "TOKEN" in name or "secret" in value for name, value in child.environ().items())
    assert child.environ()["HF_HUB_OFFLINE"] == "1"
    assert child.net_connections() == []
    assert [file.path for file in child.open_files() if not file.path.startswith(("/dev", "/sys"))] == []
    assert os.getsid(child.pid) == child.pid
    assert child.rlimit(psutil.RLIMIT_AS) == (1_500_000_000, 1_500_000_000)
    assert child.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
    assert child.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    assert child.rlimit(psutil.RLIMIT_NOFILE)[0] <= 64
    status = Path(f"/proc/{child.pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status
    assert platform.machine() not in ("x86_64", "aarch64") or "Seccomp:\t2" in status


@pytest.mark.slow
async def test_too_little_memory_for_the_model(settings: SpeechSettings) -> None:
    """A limit that the model does not fit into is said at the start, and is no recording's fault."""
    transcriber = LocalTranscriber(replace(settings, memory_bytes=350_000_000))
    with pytest.raises((ModelMissing, ChildDied)):
        await transcriber.start()
    assert transcriber.pid is None


@pytest.mark.slow
async def test_too_little_memory_for_the_recording(settings: SpeechSettings, tmp_path: Path, clips: list[Clip]) -> None:
    """A recording that would take more memory than allowed ends its job; the next one is done."""
    from tests.speech import hostile

    path = tmp_path / "long"
    path.write_bytes(hostile.hours_of_silence(2))
    transcriber = LocalTranscriber(replace(settings, memory_bytes=1_000_000_000, max_seconds=3 * 3600))
    with pytest.raises((MediaRefused, ChildDied)):
        await transcriber.transcribe(path, language="ru", declared_seconds=None)
    assert "должности" in await transcribe(transcriber, clips[1])
    await transcriber.close()


@pytest.mark.slow
async def test_an_unknown_language_hint_is_ignored(transcriber: LocalTranscriber, clips: list[Clip]) -> None:
    """A hint that Whisper does not know makes it listen instead."""
    heard = await transcriber.transcribe(clips[1].path, language="xx", declared_seconds=None)
    assert heard.language == "ru"
    assert heard.parameters["language"] == "heard, hint xx"


@pytest.mark.slow
async def test_a_partial_recording_says_so(transcriber: LocalTranscriber, tmp_path: Path, general: Clip) -> None:
    """Half a download is transcribed, and marked as partial."""
    path = tmp_path / "half"
    path.write_bytes(general.path.read_bytes()[:35_000])
    heard = await transcriber.transcribe(path, language=None, declared_seconds=general.seconds)
    assert heard.partial
    assert heard.duration < 0.6 * general.seconds
    assert "должности" in heard.text


@pytest.mark.slow
async def test_a_child_with_nothing_to_do_gives_its_buffers_back(transcriber: LocalTranscriber, general: Clip) -> None:
    """What it kept for speed while it worked is the machine's again when it waits."""
    child = await child_of(transcriber)
    at_rest = child.memory_info().rss
    await asyncio.gather(*(transcribe(transcriber, general) for _ in range(4)))
    told = Path(f"/proc/{child.pid}/status").read_text().split("\n")
    most = 1024 * int(next(line for line in told if line.startswith("VmHWM")).split()[1])
    await asyncio.sleep(0.5)
    assert child.pid == transcriber.pid
    assert child.memory_info().rss - at_rest < (most - at_rest) / 3


def test_the_child_loads_nothing_of_the_daemon() -> None:
    """What logs, waits and keeps rows is not loaded with it; the room gives every name that it lists all the same."""
    script = (
        "import sys\nimport bot.speech.local.child\n"
        "print(sorted({'structlog', 'rich', 'sqlalchemy', 'bot.speech.worker', 'bot.confined.process'} & set(sys.modules)))\n"
        "import bot.speech\n"
        "print([name for name in bot.speech.__all__ if getattr(bot.speech, name) is None])\n"
        "print(hasattr(bot.speech, 'Nobody'))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout.split("\n") == ["[]", "[]", "False", ""]


@pytest.mark.parametrize(
    ("decoded", "declared", "partial"),
    [
        (10, None, False),
        (10, 10, False),
        (9.5, 10, False),
        (9.4, 10, True),
        (98.9, 100, False),
        (97.9, 100, True),
        (12, 10, False),
    ],
)
def test_partial(decoded: float, declared: float | None, partial: bool) -> None:
    """More than 2 % and more than half a second must be missing."""
    assert is_partial(decoded, declared) is partial
