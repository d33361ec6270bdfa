"""The contenders of `earshot speech bench` answer everything that a recording asks for."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from faster_whisper import WhisperModel

from bot.errors import ChildDied
from bot.speech.commands.bench import alone, gist, together
from bot.speech.commands.plain import plain_loop
from bot.speech.local.asks import Ask, Decode, Encode
from bot.speech.local.driver import Driver
from bot.speech.local.model import Model
from bot.speech.settings import Manner
from tests.speech.conftest import MODEL, REPOSITORY, Clip

pytestmark = pytest.mark.slow


def test_pieces_of_a_recording_are_counted_alone_as_together(general: Clip) -> None:
    """Fitted pieces go one after the other when nothing goes beside them: each is told of, and all of it is written."""
    model = Model(str(MODEL), device="cpu", compute_type="int8", workers=1, threads=1)
    manner = Manner(words=False, fitted=True)
    asked: list[Ask] = []
    heard = alone(model, general.path, manner, asked.append)
    assert sum(isinstance(one, Encode) for one in asked) >= 2
    assert sum(isinstance(one, Decode) for one in asked) >= 2
    assert heard.segments[-1].end > 0.8 * general.seconds
    driver = Driver(model, workers=1, beam_size=manner.beam_size, batch=8)  # type: ignore[var-annotated]
    assert [gist(heard)] == together(driver, model, [general.path], manner)


def test_buffers_are_kept_as_the_speech_process_keeps_them() -> None:
    """After `contenders` memory that is given back stays, so that taking it again faults in no page."""
    script = (
        "import ctypes, resource, sys\n"
        "from pathlib import Path\n"
        "from bot.speech.commands.bench import contenders\n"
        "def faults():\n"
        "    c = ctypes.CDLL(None)\n"
        "    c.malloc.restype, c.malloc.argtypes, c.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]\n"
        "    seen = []\n"
        "    for _ in range(3):\n"
        "        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "        place = c.malloc(100_000_000); ctypes.memset(place, 1, 100_000_000); c.free(place)\n"
        "        seen.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)\n"
        "    return seen[-1]\n"
        "before = faults()\n"
        "contenders(Path(sys.argv[1]), device='cpu', compute_type='int8', workers=1, batch=1)\n"
        "print(before, faults())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(MODEL)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    before, after = map(int, done.stdout.split())
    assert before > 100_000_000 / resource.getpagesize() / 600
    assert after < before / 10


def test_the_loop_is_in_a_process_of_its_own(general: Clip) -> None:
    """It writes what faster-whisper writes; when its process is killed, the turn says so."""
    contender = plain_loop(MODEL, device="cpu", compute_type="int8")
    turn = contender(beam_size=1)([general.path])
    found, _ = WhisperModel(str(MODEL), device="cpu", compute_type="int8").transcribe(str(general.path), beam_size=1)
    assert ["".join(part[0] for part in one) for one in turn.heard] == ["".join(segment.text for segment in found)]
    assert min(turn.processor, turn.clock) > 0
    for child in psutil.Process().children():
        if "spawn_main" in " ".join(child.cmdline()):
            child.kill()
    with pytest.raises(ChildDied, match="too little memory"):
        contender(beam_size=1)([general.path])


def test_an_interrupt_ends_it_in_the_middle_of_a_turn(general: Clip, tmp_path: Path) -> None:
    """Both processes end, and one line is all that is said of it."""
    (tmp_path / general.path.name).symlink_to(general.path)
    command = [sys.executable, "-m", "bot", "speech", "bench", str(tmp_path), "--model", str(MODEL), "--rounds", "100"]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        assert running.stderr
        assert "round 1 of 100" in running.stderr.readline()
        children = psutil.Process(running.pid).children()
        os.killpg(running.pid, signal.SIGINT)
        said = running.stderr.read().splitlines()
    assert running.returncode == 130
    assert [line for line in said if not line.startswith("round ")] == [
        "",
        "interrupted; everything recorded so far is kept",
    ]
    assert psutil.wait_procs(children, timeout=60)[1] == []
