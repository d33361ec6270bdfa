"""Whisper on this machine: a confined child process, and the way through the model."""
