"""Whisper on a server that speaks OpenAI's interface."""
