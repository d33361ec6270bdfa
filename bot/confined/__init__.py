"""A process of ours that takes everything from itself which it does not need, and the pipes to it.

For native libraries that work on what strangers post: a crash or a hang of theirs ends a process, never the daemon.
"""
