r"""The Transformer as PyTorch modules, paper 13 (Vaswani et al., 2017), post-norm as in section 3.1.

    (1)    Attention(Q, K, V) = softmax(Q K^T / sqrt(d_k)) V
    3.2.2  MultiHead(Q, K, V) = Concat(head_1, ..., head_h) W^O,  head_i = Attention(Q W_i^Q, K W_i^K, V W_i^V)
    (2)    FFN(x) = max(0, x W_1 + b_1) W_2 + b_2
    3.1    every sub-layer becomes LayerNorm(x + Sublayer(x))
    3.4    x = sqrt(d_model) E[token] + PE;  logits = x E^T
    3.5    PE(pos, 2i) = sin(pos / 10000^(2i/d_model)),  PE(pos, 2i+1) = cos(pos / 10000^(2i/d_model))
    5.4    cross-entropy against (1 - eps) onehot(label) + eps / vocabulary

    symbol   name here                        symbol   name here
    h        heads                            E        embedding.weight
    W^Q_i    block i of query.weight's rows   z        memory, the encoder's output
    W^O      output.weight                    W_1 b_1  feed_forward.inner;  W_2 b_2: feed_forward.outer

Masks are boolean, true = may attend. Four switches, all on in the paper: `encoder_positions` and `decoder_positions` add
PE to the source and to the target, `scaled` divides by sqrt(d_k), `causal` hides later target positions.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class MultiHeadAttention(nn.Module):
    """Section 3.2.2. `memory` gives keys and values: it is x itself in self-attention."""

    def __init__(self, d_model: int, heads: int, scaled: bool) -> None:
        super().__init__()
        if d_model % heads:
            raise ValueError(f"d_model {d_model} does not split into {heads} heads")
        self.heads, self.scale = heads, 1 / math.sqrt(d_model // heads) if scaled else 1.0
        self.query, self.key, self.value, self.output = (nn.Linear(d_model, d_model, bias=False) for _ in range(4))

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Raises ValueError where `mask` leaves a query without any key, such as a source of padding alone."""
        if not mask.any(-1).all():
            raise ValueError("attention: a query may attend to no key: its mask row is false throughout")
        query, key, value = self.split(self.query(x)), self.split(self.key(memory)), self.split(self.value(memory))
        # A = softmax(Q K^T / sqrt(d_k)), where a forbidden score is -inf
        scores = (query @ key.mT * self.scale).masked_fill(~mask, -math.inf)  # (batch, head, query, key)
        weights = scores.softmax(-1)
        # Concat(head_1, ..., head_h) W^O
        return self.output((weights @ value).transpose(1, 2).flatten(2)), weights  # (batch, query, model)

    def split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (batch, head, time, d_k)


class FeedForward(nn.Module):
    """Equation (2), applied to each position separately and identically."""

    def __init__(self, d_model: int, d_ff: int) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)

    def forward(self, x: Tensor) -> Tensor:
        # FFN(x) = max(0, x W_1 + b_1) W_2 + b_2
        return self.outer(F.relu(self.inner(x)))


class EncoderLayer(nn.Module):
    def __init__(self, d_model: int, d_ff: int, heads: int, scaled: bool) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(d_model, heads, scaled)
        self.feed_forward = FeedForward(d_model, d_ff)
        self.attention_norm, self.feed_forward_norm = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        # LayerNorm(x + Sublayer(x)), twice
        mixed, weights = self.attention(x, x, mask)
        x = self.attention_norm(x + mixed)
        return self.feed_forward_norm(x + self.feed_forward(x)), weights


class DecoderLayer(nn.Module):
    def __init__(self, d_model: int, d_ff: int, heads: int, scaled: bool) -> None:
        super().__init__()
        self.self_attention = MultiHeadAttention(d_model, heads, scaled)
        self.cross_attention = MultiHeadAttention(d_model, heads, scaled)
        self.feed_forward = FeedForward(d_model, d_ff)
        self.self_attention_norm, self.cross_attention_norm = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.feed_forward_norm = nn.LayerNorm(d_model)

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor, memory_mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        # LayerNorm(x + Sublayer(x)), three times
        mixed, own = self.self_attention(x, x, mask)
        x = self.self_attention_norm(x + mixed)
        mixed, cross = self.cross_attention(x, memory, memory_mask)
        x = self.cross_attention_norm(x + mixed)
        return self.feed_forward_norm(x + self.feed_forward(x)), own, cross


class Model(nn.Module):
    def __init__(self, vocabulary: int, d_model: int, d_ff: int, heads: int, layers: int, smoothing: float = 0.1,
                 encoder_positions: bool = True, decoder_positions: bool = True, scaled: bool = True,
                 causal: bool = True) -> None:  # fmt: skip
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, d_model)
        nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that sqrt(d_model) E has unit variance
        self.encoder = nn.ModuleList(EncoderLayer(d_model, d_ff, heads, scaled) for _ in range(layers))
        self.decoder = nn.ModuleList(DecoderLayer(d_model, d_ff, heads, scaled) for _ in range(layers))
        self.encoder_positions, self.decoder_positions = encoder_positions, decoder_positions
        self.smoothing, self.causal = smoothing, causal

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs that `numpy_checks.forward` names."""
        memory, encoder_attention = self.encode(batch["source"], batch["source_mask"])
        logits, decoder_attention, cross_attention = self.decode(
            batch["target_input"], batch["target_mask"], memory, batch["source_mask"]
        )
        # -mean over real tokens of sum_k q_k log p_k;  PyTorch leaves out the labels -100
        labels = batch["target_output"].masked_fill(~batch["target_mask"], -100)  # (batch, target)
        loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), label_smoothing=self.smoothing)
        return {
            "encoder_attention": encoder_attention, "memory": memory, "decoder_attention": decoder_attention,
            "cross_attention": cross_attention, "logits": logits, "loss": loss,
        }  # fmt: skip

    def encode(self, source: Tensor, source_mask: Tensor) -> tuple[Tensor, Tensor]:
        """memory (batch, source, model) and its attention (batch, layer, head, source, source)."""
        x, seen = self.embed(source, self.encoder_positions), []
        for layer in self.encoder:
            x, weights = layer(x, source_mask[:, None, None, :])
            seen.append(weights)
        return x, torch.stack(seen, 1)

    def decode(self, target: Tensor, target_mask: Tensor, memory: Tensor, source_mask: Tensor) -> tuple[Tensor, ...]:
        """logits (batch, target, vocabulary), decoder attention and cross-attention (batch, layer, head, target, key)."""
        mask = target_mask[:, None, None, :]  # (batch, 1, 1, target)
        if self.causal:
            mask = mask & mask.new_ones(target.shape[1], target.shape[1]).tril()  # (batch, 1, target, target)
        x, seen, aligned = self.embed(target, self.decoder_positions), [], []
        for layer in self.decoder:
            x, own, cross = layer(x, memory, mask, source_mask[:, None, None, :])
            seen.append(own)
            aligned.append(cross)
        # logits = x E^T
        return F.linear(x, self.embedding.weight), torch.stack(seen, 1), torch.stack(aligned, 1)

    def embed(self, tokens: Tensor, positions: bool) -> Tensor:
        # x = sqrt(d_model) E[token] + PE
        x = self.embedding(tokens) * math.sqrt(self.embedding.embedding_dim)  # (batch, time, model)
        return x + sinusoids(x.shape[1], x.shape[2], x) if positions else x


def sinusoids(length: int, d_model: int, like: Tensor) -> Tensor:
    """Section 3.5: PE (length, d_model), sines at even features and cosines at odd ones, in the dtype of `like`."""
    if d_model % 2:
        raise ValueError(f"d_model {d_model} is odd: sines and cosines come in pairs")
    time, feature = torch.arange(length).to(like), torch.arange(0, d_model, 2).to(like)
    # angle = pos / 10000^(2i / d_model)
    angle = time[:, None] / 10000 ** (feature / d_model)  # (time, d_model / 2)
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)
