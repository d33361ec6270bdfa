"""Windows into batches: joined into longer ones, sorted by length, padded, roughened."""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from tools.speech_model.model import MELS
from tools.speech_model.synthesise import Spoken, Window, cut
from tools.speech_model.targets import IGNORED, Targets

FRAMES_PER_SECOND = 100
POSITIONS_PER_SECOND = 50
# Encoder positions in a batch.
BUDGET = 6000
# Share of input tokens that are replaced, so that the decoder cannot lean on what it wrote.
WRONG_INPUTS = 0.12


@dataclass(frozen=True, slots=True)
class Batch:
    """[batch, 80, frames], [batch, tokens] twice, rows of (item, token, first and last position), [batch, positions]."""

    mel: Tensor
    ids: Tensor
    labels: Tensor
    heard: Tensor
    phonemes: Tensor


class Phonemes:
    """Numbers for the phoneme names, in the order in which they are met; 0 is silence."""

    def __init__(self, known: dict[str, int] | None = None, *, most: int = 128) -> None:
        self.known = known or {"_": 0, "_:": 0}
        self._most = most

    def labels(self, window: Window, positions: int) -> Tensor:
        """The phoneme at each position of 20 ms."""
        labels = torch.zeros(positions, dtype=torch.long)
        events = sorted(event for spoken in window.sentences for event in spoken.phonemes)
        for (start, name), (end, _) in pairwise([*events, (1e9, "")]):
            number = self._number(name.rstrip("\0"))
            labels[max(0, round(start * POSITIONS_PER_SECOND)) : min(positions, round(end * POSITIONS_PER_SECOND))] = (
                number
            )
        return labels

    def _number(self, name: str) -> int:
        if name not in self.known:
            self.known[name] = max(self.known.values()) + 1 if len(self.known) < self._most else 0
        return self.known[name]


def shift(spoken: Spoken, seconds: float) -> Spoken:
    """The same sentence, later by `seconds`."""
    return replace(
        spoken,
        start=spoken.start + seconds,
        end=None if spoken.end is None else spoken.end + seconds,
        words=[(word, start + seconds, end + seconds) for word, start, end in spoken.words],
        phonemes=[(start + seconds, name) for start, name in spoken.phonemes],
    )


def join(windows: list[Window]) -> Window:
    """One after the other, cut at 30 s."""
    sentences: list[Spoken] = []
    frames = 0
    for window in windows:
        sentences += [shift(spoken, frames / FRAMES_PER_SECOND) for spoken in window.sentences]
        frames += window.mel.shape[1]
    mel, sentences = cut(np.concatenate([window.mel for window in windows], axis=1), sentences)
    return Window("joined", mel, sentences, windows[0].language, windows[0].voice)


def join_some(windows: list[Window], share: float, *, shortest: float = 8, longest: float = 31) -> list[Window]:
    """`share` of the short clips of each voice joined into windows of `shortest` to `longest` seconds."""
    kept: list[Window] = []
    by_voice: dict[tuple[str, str | None], list[Window]] = defaultdict(list)
    for window in windows:
        take = window.kind == "short" and random.random() < share
        (by_voice[window.voice, window.language] if take else kept).append(window)
    for clips in by_voice.values():
        random.shuffle(clips)
        while clips:
            target = random.uniform(shortest, longest) * FRAMES_PER_SECOND
            parts = [clips.pop()]
            while clips and sum(part.mel.shape[1] for part in parts) < target:
                parts.append(clips.pop())
            kept.append(join(parts))
    return kept


def group(windows: list[Window]) -> list[list[Window]]:
    """Groups of about equal length whose padded size stays near the budget, in random order."""
    by_length = sorted(windows, key=lambda window: window.mel.shape[1] * random.uniform(0.9, 1.1))
    groups: list[list[Window]] = [[]]
    for window in by_length:
        groups[-1].append(window)
        if max(one.mel.shape[1] for one in groups[-1]) // 2 * len(groups[-1]) >= BUDGET:
            groups.append([])
    groups = [one for one in groups if one]
    random.shuffle(groups)
    return groups


def collate(windows: list[Window], targets: Targets, phonemes: Phonemes) -> Batch:
    """Pad a group into tensors, with features and inputs roughened."""
    frames = (max(window.mel.shape[1] for window in windows) + 1) // 2 * 2
    built = [targets.build(window) for window in windows]
    tokens = max(len(target.ids) for target in built)
    ids = torch.full((len(windows), tokens), targets.end)
    labels = torch.full((len(windows), tokens), IGNORED)
    spoken = torch.full((len(windows), frames // 2), IGNORED)
    for row, (window, target) in enumerate(zip(windows, built, strict=True)):
        ids[row, : len(target.ids)] = torch.tensor(target.ids)
        labels[row, : len(target.ids)] = torch.tensor(target.labels[: len(target.ids)])
        positions = min((window.mel.shape[1] + 1) // 2, frames // 2)
        spoken[row, :positions] = phonemes.labels(window, positions)
    heard = [
        (row, place, int(start * POSITIONS_PER_SECOND) - 1, int(end * POSITIONS_PER_SECOND) + 1)
        for row, target in enumerate(built)
        for place, start, end in target.heard
    ]
    return Batch(
        _features(windows, frames),
        _roughen(ids, labels, targets),
        labels,
        torch.tensor(heard, dtype=torch.long).reshape(-1, 4),
        spoken,
    )


def _roughen(ids: Tensor, labels: Tensor, targets: Targets) -> Tensor:
    wrong = (torch.rand(ids.shape) < WRONG_INPUTS) & (ids < targets.end) & (labels != IGNORED)
    used = torch.tensor(targets.used)
    return torch.where(wrong, used[torch.randint(0, len(used), ids.shape)], ids)


def _features(windows: list[Window], frames: int) -> Tensor:
    """Features with level and bands varied, and the scale of frequencies stretched as by another throat."""
    mel = torch.zeros(len(windows), MELS, frames)
    there = torch.zeros(len(windows), 1, frames)
    for row, window in enumerate(windows):
        values = torch.from_numpy(window.mel.astype(np.float32))[:, :frames] + random.gauss(0, 0.08)
        if random.random() < 0.4:
            band = random.randrange(MELS)
            values[band : band + random.randint(1, 10)] = values.mean()
        mel[row, :, : values.shape[1]] = values
        there[row, :, : values.shape[1]] = 1
    return _stretch(mel) * there


def _stretch(mel: Tensor) -> Tensor:
    factors = torch.empty(len(mel)).uniform_(0.92, 1.09)
    factors[torch.rand(len(mel)) < 0.4] = 1
    places = (torch.arange(MELS)[None] * factors[:, None]).clamp(0, MELS - 1)
    low = places.floor().long()
    high = (low + 1).clamp(max=MELS - 1)
    weight = (places - low)[..., None]

    def at(index: Tensor) -> Tensor:
        return mel.gather(1, index[..., None].expand(-1, -1, mel.shape[2]))

    return at(low) * (1 - weight) + at(high) * weight


def epoch(windows: list[Window], joined_share: float, targets: Targets, phonemes: Phonemes) -> Iterator[Batch]:
    """All windows once, in new company."""
    for windows_of_batch in group(join_some(windows, joined_share)):
        yield collate(windows_of_batch, targets, phonemes)
