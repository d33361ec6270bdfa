"""Drills: a world that misbehaves on purpose, and the proof that nothing is missed in it.

`play` moves a sandbox Telegram, `nemesis` breaks something, `checker` compares what was posted with what is held. See
docs/reliability.md.
"""
