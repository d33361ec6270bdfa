"""The kernel's own no: who decodes what strangers post has no use for sockets, programs and files of his own choice.

Seccomp filters (kernel.org, userspace-api/seccomp_filter): system calls named here fail with EPERM, for ever. Numbers are
the kernel's, per architecture.
"""

import ctypes
import platform
import struct

# socket, connect, bind, execve, execveat, ptrace, process_vm_readv, process_vm_writev, io_uring_setup,
# unlinkat, renameat, renameat2, linkat, symlinkat, mkdirat, mknodat, truncate; then those that arm64 never had: unlink,
# rename, link, symlink, mkdir, mknod, fork, vfork
_FORBIDDEN = {
    "x86_64": (
        0xC000003E,
        317,
        (
            *(41, 42, 49, 59, 322, 101, 310, 311, 425, 263, 264, 316, 265, 266, 258, 259, 76),
            *(87, 82, 86, 88, 83, 133, 57, 58),
        ),
    ),
    "aarch64": (
        0xC00000B7,
        277,
        (198, 203, 200, 221, 281, 117, 270, 271, 425, 35, 38, 276, 37, 36, 34, 33, 45),
    ),
}
# open, openat, openat2, open_by_handle_at, creat; arm64 never had open and creat
_OPENING = {"x86_64": (2, 257, 437, 304, 85), "aarch64": (56, 437, 265)}
# Numbers from here on are x32's second names for the same calls.
_X32 = 0x40000000

_LOAD, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _EPERM, _KILL_PROCESS = 0x7FFF0000, 0x00050001, 0x80000000
_OFFSET_NUMBER, _OFFSET_ARCHITECTURE = 0, 4
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_PR_SET_NO_NEW_PRIVS = 38


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def forbid_sockets_and_programs() -> bool:
    """Install the filter in every thread; False where the architecture is unknown here or the kernel has no seccomp.

    The caller must have set PR_SET_NO_NEW_PRIVS.
    """
    if platform.machine() not in _FORBIDDEN:
        return False
    return _install(_FORBIDDEN[platform.machine()][2], _EPERM, _ALL_THREADS)


def forbid_opening(*, deadly: bool = False) -> bool:
    """From now on this thread, and those that it starts, open no file; False as above.

    `deadly`: trying to, or asking for a socket or a program, ends the process with SIGSYS, so that an audit sees it.
    """
    if platform.machine() not in _FORBIDDEN:
        return False
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    opening = _OPENING[platform.machine()]
    return (
        _install((*opening, *_FORBIDDEN[platform.machine()][2]), _KILL_PROCESS, 0)
        if deadly
        else _install(opening, _EPERM, 0)
    )


def _install(numbers: tuple[int, ...], denial: int, flags: int) -> bool:
    architecture, seccomp, _ = _FORBIDDEN[platform.machine()]
    code = _assemble(architecture, numbers, denial)
    program = _Program(len(code) // 8, code)
    libc = ctypes.CDLL(None)
    libc.syscall.restype = ctypes.c_long
    return bool(libc.syscall(seccomp, _SET_MODE_FILTER, flags, ctypes.byref(program)) == 0)


def _assemble(architecture: int, numbers: tuple[int, ...], denial: int) -> bytes:
    """Classic BPF: each instruction is code, two jump distances and an operand."""
    deny = len(numbers) + 1
    steps = [
        (_LOAD, 0, 0, _OFFSET_ARCHITECTURE),
        (_JUMP_EQUAL, 0, deny + 2, architecture),
        (_LOAD, 0, 0, _OFFSET_NUMBER),
        (_JUMP_GREATER_EQUAL, deny, 0, _X32),
        *((_JUMP_EQUAL, deny - 1 - index, 0, number) for index, number in enumerate(numbers)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, denial),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
