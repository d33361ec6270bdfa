"""What the C library is asked to do with memory that was given back."""

import ctypes

# mallopt(3), glibc. The attention of the largest model over 30 s is 180 MB.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_KEPT_BYTES = 256 * 1024 * 1024
# Recordings after which what is kept is given back once.
GIVE_BACK_AFTER = 16


def keep_buffers() -> None:
    """Have it kept: else every layer of the encoder gives its buffers to the kernel and faults them in again.

    For a model as `tiny` that was a quarter of the encoder's processor time. With a heap for each thread the process grew
    by 13 MB from the 20th to the 80th note, with one for all by 0.3. Other C libraries than glibc have no such setting, and
    go on as they do.
    """
    setting = getattr(ctypes.CDLL(None), "mallopt", None)
    if setting is not None:
        setting(_M_ARENA_MAX, 1)
        setting(_M_MMAP_THRESHOLD, _KEPT_BYTES)
        setting(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def give_buffers_back() -> None:
    """Have the kernel take all pages that nothing stands on (malloc_trim(3)), until they are needed again.

    It halves what the process holds while it waits. What it holds at most while it works still grows, by some 50 MB over
    500 notes (docs/performance.md): the heap has gaps, more of them with time.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
