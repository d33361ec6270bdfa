"""Training from nothing, in four stages: `python -m tools.speech_model.train SHARDS TOKENIZER OUT`."""

import argparse
import math
import pickle
import random
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tokenizers
import torch
import torch.nn.functional as F
from torch import Tensor

from tools.speech_model.batches import FRAMES_PER_SECOND, Batch, Phonemes, epoch
from tools.speech_model.model import POSITIONS, Shape, TinyWhisper
from tools.speech_model.synthesise import Window
from tools.speech_model.targets import IGNORED, Targets

# Positions that stand for the silence of a window.
SILENCE_POSITIONS = 32
WARM_UP_STEPS = 150
LAST_RATE = 0.02
# Twice as fast where the CPU has the instructions, many times slower where it has not.
HALF_PRECISION = "avx512_bf16" in Path("/proc/cpuinfo").read_text()
PHONEME_WEIGHT, ATTENTION_WEIGHT = 1.0, 0.3
# (layer, head) of the decoder that learn to look where the word is; export names the first two for word times.
GUIDED = ((-1, 0), (-1, 1), (0, 0))


@dataclass(frozen=True, slots=True)
class Stage:
    """CPU minutes, peak learning rate, share of clips joined, share with previous text, seconds of the longest window."""

    minutes: float
    rate: float
    joined: float
    previous: float
    longest: float


# Single sentences first: on joined windows alone it learns nothing in this time.
STAGES = (
    Stage(26, 2e-3, 0.0, 0.3, 10),
    Stage(15, 1.5e-3, 0.6, 0.3, 30),
    Stage(14, 1e-3, 0.6, 0.3, 30),
    Stage(13, 7e-4, 0.6, 0.55, 30),
)


def read_shards(folder: Path) -> list[Window]:
    """All windows of all shards: our own pickles, made a moment ago by `synthesise`."""
    return [window for path in sorted(folder.glob("*.pkl")) for window in pickle.loads(path.read_bytes())]  # noqa: S301


def loss_of(model: TinyWhisper, batch: Batch) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropy of tokens, of phonemes per frame, and of where guided heads look; and figures to print."""
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=HALF_PRECISION):
        memory, bias = model.encoder(batch.mel, SILENCE_POSITIONS)
        states, rows, scores = model.decoder(batch.ids, memory, bias)
        told = batch.labels != IGNORED
        logits = model.logits(states[told], rows)
        phonemes = model.phonemes(memory[:, : batch.phonemes.shape[1]])
    tokens = F.cross_entropy(logits, batch.labels[told])
    named = F.cross_entropy(
        phonemes.float().flatten(0, 1), batch.phonemes[:, : phonemes.shape[1]].flatten(), ignore_index=IGNORED
    )
    looked = _attention_loss(scores, batch)
    right = (logits.argmax(-1) == batch.labels[told]).float().mean()
    figures = {"tokens": tokens.item(), "phonemes": named.item(), "attention": looked.item(), "right": right.item()}
    return tokens + PHONEME_WEIGHT * named + ATTENTION_WEIGHT * looked, figures


def _attention_loss(scores: list[Tensor], batch: Batch) -> Tensor:
    """Minus the log of the attention that guided heads give to the positions at which a token is heard."""
    row, place, first, last = batch.heard.T
    total = torch.zeros(())
    positions = torch.arange(scores[0].shape[-1])[None]
    sounding = min(POSITIONS, batch.mel.shape[2] // 2)
    inside = (positions >= first[:, None]) & (positions <= last[:, None]) & (positions < sounding)
    known = inside.any(1)
    if not known.any():
        return total
    for layer, head in GUIDED:
        looks = scores[layer][row, head, place][known].float()
        total = total + (looks.logsumexp(-1) - looks.masked_fill(~inside[known], -1e9).logsumexp(-1)).mean()
    return total


def optimizer_for(model: TinyWhisper) -> torch.optim.AdamW:
    """AdamW; matrices decay, embeddings, biases and norms do not."""
    trained = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
    decaying = [value for name, value in trained if value.dim() > 1 and "embed" not in name and "rows" not in name]
    chosen = {id(value) for value in decaying}
    rest = [value for _, value in trained if id(value) not in chosen]
    groups = [{"params": decaying, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), eps=1e-8)


class Trainer:
    """One model, its phoneme names and its windows."""

    def __init__(self, shape: Shape, windows: list[Window], tokenizer: tokenizers.Tokenizer) -> None:
        self.model = TinyWhisper(shape)
        self.phonemes = Phonemes()
        self._windows = windows
        self._tokenizer = tokenizer

    def run(self, stage: Stage, *, most_steps: int | None = None) -> None:
        """Warm up, then follow half a cosine down to the last rate, until the stage's CPU minutes are over."""
        windows = [window for window in self._windows if window.mel.shape[1] <= stage.longest * FRAMES_PER_SECOND]
        targets = Targets(self._tokenizer, previous_share=stage.previous)
        optimizer = optimizer_for(self.model)
        begun = time.process_time()
        step = 0
        while True:
            for batch in epoch(windows, stage.joined, targets, self.phonemes):
                done = (time.process_time() - begun) / 60 / stage.minutes
                if done >= 1 or step == most_steps:
                    return
                decay = LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * done))
                for group in optimizer.param_groups:
                    group["lr"] = stage.rate * min(1, (step + 1) / WARM_UP_STEPS) * decay
                figures = self._step(optimizer, batch)
                if step % 25 == 0:
                    print(
                        f"step {step} {done:4.0%}",
                        *(f"{name} {value:.3f}" for name, value in figures.items()),
                        flush=True,
                    )
                step += 1

    def _step(self, optimizer: torch.optim.AdamW, batch: Batch) -> dict[str, float]:
        loss, figures = loss_of(self.model, batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        optimizer.step()
        return figures

    def save(self, path: Path) -> None:
        """Weights and shape."""
        torch.save({"state": self.model.state_dict(), "shape": asdict(self.model.shape)}, path)


def main() -> None:
    """All stages, with a checkpoint after each."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("shards", type=Path)
    arguments.add_argument("tokenizer")
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--most-steps", type=int, help="per stage: to see that everything runs")
    given = arguments.parse_args()
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    trainer = Trainer(Shape(), read_shards(given.shards), tokenizers.Tokenizer.from_file(given.tokenizer))
    for number, stage in enumerate(STAGES, start=1):
        print(f"stage {number} of {len(STAGES)}: {stage}", flush=True)
        trainer.run(stage, most_steps=given.most_steps)
        trainer.save(given.out)


if __name__ == "__main__":
    main()
