"""What the speech process takes away from itself, tried from inside."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import pytest

from bot.confined.seccomp import forbid_opening
from bot.speech.sound.decode import RATE
from tests.speech import audited, bent
from tests.speech.containers import mp4

CONFINED = """
import os, socket, sys, subprocess, threading, mmap
from pathlib import Path
from bot.confined.limits import allow_cpu, confine, die_with
die_with(os.getppid())
started, go = threading.Event(), threading.Event()
def attempt():
    {attempt}
outcome = []
def elsewhere():
    started.set(); go.wait()
    try:
        attempt()
    except BaseException as error:
        outcome.append(type(error).__name__)
thread = threading.Thread(target=elsewhere); thread.start(); started.wait()
confine(2_000_000_000, on_gpu=False)
go.set(); thread.join()
print(outcome)
"""


@pytest.mark.parametrize(
    ("attempt", "error"),
    [
        ("socket.socket()", "PermissionError"),
        ("socket.socket(socket.AF_UNIX)", "PermissionError"),
        ("os.execv('/bin/true', ['true'])", "PermissionError"),
        ("os.unlink(sys.argv[1])", "PermissionError"),
        ("os.rename(sys.argv[1], sys.argv[1] + '2')", "PermissionError"),
        ("os.truncate(sys.argv[1], 0)", "PermissionError"),
        ("os.mkdir(sys.argv[1] + '2')", "PermissionError"),
        ("os.symlink(sys.argv[1], sys.argv[1] + '2')", "PermissionError"),
        ("os.link(sys.argv[1], sys.argv[1] + '2')", "PermissionError"),
        ("os.mkfifo(sys.argv[1] + '2')", "PermissionError"),
        ("Path(sys.argv[1] + '3').write_text('x')", "OSError"),
        ("bytearray(3_000_000_000)", "MemoryError"),
        ("[open('/dev/null') for _ in range(100)]", "OSError"),
    ],
)
def test_what_a_confined_process_cannot_do(tmp_path_factory: pytest.TempPathFactory, attempt: str, error: str) -> None:
    """No socket, program, removal, renaming, link, folder, writing, memory or descriptor beyond its share, in any of its threads."""
    file = tmp_path_factory.mktemp("confined") / "precious"
    file.write_text("precious")
    script = CONFINED.format(attempt=attempt)
    done = subprocess.run([sys.executable, "-c", script, str(file)], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == f"['{error}']", done.stderr
    assert file.read_text() == "precious"


def test_cpu_time_ends() -> None:
    """A process that computes past its allowance is killed by SIGXCPU, whether or not anybody watches."""
    script = "from bot.confined.limits import allow_cpu\nallow_cpu(0)\nwhile True: pass"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60)
    assert done.returncode == -24


def test_an_orphan_does_not_start() -> None:
    """A child whose parent is not the one that asked for it ends at once."""
    script = "from bot.confined.limits import die_with\ndie_with(1)\nprint('still here')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "still here" not in done.stdout


def test_a_sealed_thread_opens_no_file(tmp_path: Path) -> None:
    """Nothing is opened in it, by Python or by FFmpeg told to follow a recording to another file; elsewhere all is."""
    victim = tmp_path / "victim.mov"
    audited.write_victim(victim)
    alias = tmp_path / "voice.m4a"
    alias.write_bytes(mp4.elsewhere(victim, bent.recordings()["pcm.mov"], alias=True))
    assert followed(alias) > 0.9, "the attack works where nothing stops it"
    with ThreadPoolExecutor(1, initializer=forbid_opening) as sealed:
        with pytest.raises(PermissionError):
            sealed.submit(alias.open).result()
        with pytest.raises(PermissionError):
            sealed.submit(followed, alias).result()
        with alias.open("rb") as file:
            assert sealed.submit(followed, file).result() == 0
    assert followed(alias) > 0.9, "other threads are left alone"


def followed(recording: object) -> float:
    """How much of the victim FFmpeg hears through `recording` when it is allowed to follow aliases."""
    allowed = {"enable_drefs": "1", "use_absolute_path": "1"}
    with av.open(recording, format="mov", options=allowed) as container:
        frames = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    samples = np.concatenate([np.zeros(RATE, np.int16), *frames])
    return audited.likeness(samples.astype(np.float32) / 32768)
