"""Whisper's architecture in a size that a CPU can train, with Hugging Face's parameter names.

Three liberties, all gone at export: the silence that fills the 30 s window is stood for by a sample of its positions; the
rows of the time stamp tokens are a linear map of the encoder's sinusoids; a linear layer names phonemes frame by frame.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MELS = 80
POSITIONS = 1500
TIMESTAMPS = 1501
TARGET_POSITIONS = 448


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes; `text_tokens` counts all tokens below the time stamps, `phonemes` the classes of the helper layer."""

    width: int = 128
    heads: int = 4
    encoder_layers: int = 3
    decoder_layers: int = 2
    feed_forward: int = 512
    text_tokens: int = 2690
    phonemes: int = 130
    # Tokens of the whole vocabulary that never occur: one shared row stands for all of them in the softmax.
    unused_tokens: int = 47_674


def sinusoids(length: int, channels: int) -> Tensor:
    """Whisper's fixed positions, [length, channels]."""
    step = math.log(10_000) / (channels // 2 - 1)
    angles = torch.arange(length)[:, None] * torch.exp(-step * torch.arange(channels // 2))[None]
    return torch.cat([angles.sin(), angles.cos()], 1)


class Attention(nn.Module):
    """Multi-head attention that can show its scores before the softmax."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, queries: Tensor, memory: Tensor, bias: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Returns output [batch, queries, width] and scores [batch, heads, queries, memory]."""
        query, key, value = (
            layer(source).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, source in ((self.q_proj, queries), (self.k_proj, memory), (self.v_proj, memory))
        )
        scores = query * query.shape[-1] ** -0.5 @ key.transpose(-1, -2)
        if bias is not None:
            scores = scores + bias.to(scores.dtype)
        mixed = torch.softmax(scores, -1).to(value.dtype) @ value
        return self.out_proj(mixed.transpose(1, 2).flatten(2)), scores


class EncoderLayer(nn.Module):
    """Self-attention and feed-forward, each behind a layer norm."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self_attn = Attention(shape.width, shape.heads)
        self.self_attn_layer_norm = nn.LayerNorm(shape.width)
        self.fc1 = nn.Linear(shape.width, shape.feed_forward)
        self.fc2 = nn.Linear(shape.feed_forward, shape.width)
        self.final_layer_norm = nn.LayerNorm(shape.width)

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """[batch, positions, width] to the same."""
        normed = self.self_attn_layer_norm(x)
        x = x + self.self_attn(normed, normed, bias)[0]
        return x + self.fc2(F.gelu(self.fc1(self.final_layer_norm(x))))


class DecoderLayer(EncoderLayer):
    """The same with attention to the encoder between."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.encoder_attn = Attention(shape.width, shape.heads)
        self.encoder_attn_layer_norm = nn.LayerNorm(shape.width)

    def decode(self, x: Tensor, causal: Tensor, memory: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
        """Output, and the scores of attention to `memory`."""
        normed = self.self_attn_layer_norm(x)
        x = x + self.self_attn(normed, normed, causal)[0]
        heard, scores = self.encoder_attn(self.encoder_attn_layer_norm(x), memory, bias)
        x = x + heard
        return x + self.fc2(F.gelu(self.fc1(self.final_layer_norm(x)))), scores


class Encoder(nn.Module):
    """Log-mel frames to positions of 20 ms."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(MELS, shape.width, 3, padding=1)
        self.conv2 = nn.Conv1d(shape.width, shape.width, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(POSITIONS, shape.width)
        self.embed_positions.weight.data = sinusoids(POSITIONS, shape.width)
        self.embed_positions.weight.requires_grad_(False)
        self.layers = nn.ModuleList(EncoderLayer(shape) for _ in range(shape.encoder_layers))
        self.layer_norm = nn.LayerNorm(shape.width)

    def forward(self, mel: Tensor, silence: int) -> tuple[Tensor, Tensor | None]:
        """`mel` [batch, 80, frames] without the padding to 30 s, of which `silence` positions are drawn.

        Returns the memory, and the bias that lets each drawn position count for as many as it stands for.
        """
        length = mel.shape[-1] // 2
        if length >= POSITIONS:
            x, bias = self._convolve(mel)[:, :POSITIONS] + self.embed_positions.weight, None
        else:
            x, bias = self._with_silence(self._convolve(F.pad(mel, (0, 6))), length, min(silence, POSITIONS - length))
        for layer in self.layers:
            x = layer(x, bias)
        return self.layer_norm(x), bias

    def _convolve(self, mel: Tensor) -> Tensor:
        return F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2)

    def _with_silence(self, x: Tensor, length: int, drawn: int) -> tuple[Tensor, Tensor]:
        places = self.embed_positions.weight
        rest = POSITIONS - length
        chosen = torch.randperm(rest)[:drawn].sort()[0] + length
        # The position after the next sees nothing but padding: every silent position looks like it.
        silent = x[:, length + 1 : length + 2].expand(-1, drawn, -1) + places[chosen]
        bias = torch.zeros(length + drawn)
        bias[length:] = math.log(rest / drawn)
        return torch.cat([x[:, :length] + places[:length], silent], 1), bias[None, None, None]


class Decoder(nn.Module):
    """Tokens to tokens, listening to the encoder's memory."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        # The last row is shared by all unused tokens.
        self.text_rows = nn.Parameter(torch.randn(shape.text_tokens + 1, shape.width) * 0.04)
        self.stamp_map = nn.Linear(shape.width, shape.width)
        self.stamp_map.weight.data.normal_(0, 0.02)
        self.register_buffer("stamps", sinusoids(TIMESTAMPS, shape.width), persistent=False)
        self.embed_positions = nn.Embedding(TARGET_POSITIONS, shape.width)
        self.embed_positions.weight.data = sinusoids(TARGET_POSITIONS, shape.width) * 0.04
        self.layers = nn.ModuleList(DecoderLayer(shape) for _ in range(shape.decoder_layers))
        self.layer_norm = nn.LayerNorm(shape.width)

    def embedding(self) -> Tensor:
        """[text tokens + time stamps, width], tied to the output."""
        return torch.cat([self.text_rows[:-1], self.stamp_map(self.stamps).float()], 0)

    def forward(self, ids: Tensor, memory: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor, list[Tensor]]:
        """States [batch, tokens, width], output rows (embedding and shared row), attention scores per layer."""
        rows = self.embedding()
        tokens = ids.shape[1]
        x = F.embedding(ids, rows) + self.embed_positions.weight[:tokens]
        causal = torch.full((tokens, tokens), -1e4).triu(1)
        scores = []
        for layer in self.layers:
            x, heard = layer.decode(x, causal, memory, bias)
            scores.append(heard)
        return self.layer_norm(x), torch.cat([rows, self.text_rows[-1:]], 0), scores


class TinyWhisper(nn.Module):
    """Encoder, decoder, and the helper that names phonemes."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder = Encoder(shape)
        self.decoder = Decoder(shape)
        self.phonemes = nn.Linear(shape.width, shape.phonemes)
        for module in self.modules():
            if isinstance(module, nn.Linear) and module is not self.decoder.stamp_map:
                nn.init.normal_(module.weight, 0, 0.7 * module.in_features**-0.5)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def logits(self, states: Tensor, rows: Tensor) -> Tensor:
        """[..., tokens + 1]; the last column is worth as much as all unused tokens together."""
        logits = F.linear(states, rows).float()
        return torch.cat([logits[..., :-1], logits[..., -1:] + math.log(self.shape.unused_tokens)], -1)
