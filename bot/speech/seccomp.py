"""The kernel's own no: a process that decodes what strangers post has no use for sockets and programs.

A seccomp filter (kernel.org, userspace-api/seccomp_filter): system calls named here fail with EPERM, in every thread and
for ever. Numbers are the kernel's, per architecture.
"""

import ctypes
import platform
import struct

# socket, connect, bind, execve, execveat, ptrace, process_vm_readv, process_vm_writev, io_uring_setup,
# unlinkat, renameat, renameat2, linkat, symlinkat; then those that arm64 never had: unlink, rename, fork, vfork
_FORBIDDEN = {
    "x86_64": (
        0xC000003E,
        317,
        (41, 42, 49, 59, 322, 101, 310, 311, 425, 263, 264, 316, 265, 266, 87, 82, 57, 58),
    ),
    "aarch64": (0xC00000B7, 277, (198, 203, 200, 221, 281, 117, 270, 271, 425, 35, 38, 276, 37, 36)),
}
# Numbers from here on are x32's second names for the same calls.
_X32 = 0x40000000

_LOAD, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _EPERM = 0x7FFF0000, 0x00050001
_OFFSET_NUMBER, _OFFSET_ARCHITECTURE = 0, 4
_SET_MODE_FILTER, _ALL_THREADS = 1, 1


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def forbid_sockets_and_programs() -> bool:
    """Install the filter; False where the architecture is not known here or the kernel has no seccomp.

    The caller must have set PR_SET_NO_NEW_PRIVS.
    """
    if platform.machine() not in _FORBIDDEN:
        return False
    architecture, seccomp, numbers = _FORBIDDEN[platform.machine()]
    code = _assemble(architecture, numbers)
    program = _Program(len(code) // 8, code)
    libc = ctypes.CDLL(None)
    libc.syscall.restype = ctypes.c_long
    return bool(libc.syscall(seccomp, _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(program)) == 0)


def _assemble(architecture: int, numbers: tuple[int, ...]) -> bytes:
    """Classic BPF: each instruction is code, two jump distances and an operand."""
    deny = len(numbers) + 1
    steps = [
        (_LOAD, 0, 0, _OFFSET_ARCHITECTURE),
        (_JUMP_EQUAL, 0, deny + 2, architecture),
        (_LOAD, 0, 0, _OFFSET_NUMBER),
        (_JUMP_GREATER_EQUAL, deny, 0, _X32),
        *((_JUMP_EQUAL, deny - 1 - index, 0, number) for index, number in enumerate(numbers)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _EPERM),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
