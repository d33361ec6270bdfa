"""What such a process takes away from itself before it looks at anything that came from outside."""

import ctypes
import os
import resource
import signal
import sys

from bot.confined.seccomp import forbid_sockets_and_programs

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
# Three pipes, one recording, and what the libraries hold open: about ten were seen.
_OPEN_FILES = 64


def die_with(parent: int) -> None:
    """Be killed when the process `parent` is gone; leave at once if it is gone already."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the daemon is gone")


def confine(memory_bytes: int, *, on_gpu: bool) -> None:
    """No core dump, nothing written to any file, few descriptors, `memory_bytes` at most; no socket, no other program.

    CUDA reserves address space by the hundred gigabytes, so on a GPU the limit counts writable private memory instead;
    and its driver may talk through sockets, so there the system call filter stays away.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    kind = resource.RLIMIT_DATA if on_gpu else resource.RLIMIT_AS
    resource.setrlimit(kind, (memory_bytes, memory_bytes))
    if not on_gpu and not forbid_sockets_and_programs():
        sys.stderr.write("no system call filter: this kernel or architecture has none that is known here\n")


def allow_cpu(seconds: float) -> None:
    """Be killed (SIGXCPU) after that many more CPU seconds: the backstop, should the daemon's own timer be stuck."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
