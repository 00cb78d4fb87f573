r"""The Transformer in tinygrad, paper 13 (Vaswani et al., 2017): the smallest program with its own gradients.

    (1)    Attention(Q, K, V) = softmax(Q K^T / sqrt(d_k)) V
    3.2.2  MultiHead(Q, K, V) = Concat(head_1, ..., head_h) W^O,  head_i = Attention(Q W_i^Q, K W_i^K, V W_i^V)
    (2)    FFN(x) = max(0, x W_1 + b_1) W_2 + b_2
    3.1    every sub-layer becomes LayerNorm(x + Sublayer(x))
    3.4    x = sqrt(d_model) E[token] + PE;  logits = x E^T
    3.5    PE(pos, 2i) = sin(pos / 10000^(2i/d_model)),  PE(pos, 2i+1) = cos(pos / 10000^(2i/d_model))
    5.4    loss = -mean over tokens of sum_k q_k log p_k,  q = (1 - eps) onehot(label) + eps / vocabulary

    symbol   name here                        symbol   name here
    h        heads                            E        embedding.weight
    W^Q_i    block i of query.weight's rows   z        memory, the encoder's output

Masks are boolean, true = may attend; a row that may attend to nothing gives NaN. The positions are a table computed
by Python's `math`, since tinygrad's own sine loses digits for large arguments.
"""

from __future__ import annotations

import math

from tinygrad import Tensor, dtypes, nn


class MultiHeadAttention:
    """Section 3.2.2. `memory` gives keys and values: it is x itself in self-attention."""

    def __init__(self, d_model: int, heads: int, scaled: bool) -> None:
        if d_model % heads:
            raise ValueError(f"d_model {d_model} does not split into {heads} heads")
        self.heads, self.scale = heads, 1 / math.sqrt(d_model // heads) if scaled else 1.0
        self.query, self.key, self.value, self.output = (nn.Linear(d_model, d_model, bias=False) for _ in range(4))

    def __call__(self, x: Tensor, memory: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        query, key, value = self.split(self.query(x)), self.split(self.key(memory)), self.split(self.value(memory))
        # A = softmax(Q K^T / sqrt(d_k)), where a forbidden score is -inf
        scores = query @ key.transpose(-1, -2) * self.scale  # (batch, head, query, key)
        weights = mask.where(scores, -math.inf).softmax(-1)
        # Concat(head_1, ..., head_h) W^O
        return self.output((weights @ value).transpose(1, 2).flatten(2)), weights  # (batch, query, model)

    def split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)  # (batch, head, time, d_k)


class FeedForward:
    """Equation (2), applied to each position separately and identically."""

    def __init__(self, d_model: int, d_ff: int) -> None:
        self.inner, self.outer = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)

    def __call__(self, x: Tensor) -> Tensor:
        # FFN(x) = max(0, x W_1 + b_1) W_2 + b_2
        return self.outer(self.inner(x).relu())


class LayerNorm:
    """(x - mean) / sqrt(variance + eps) * gain + bias over the last axis, with the biased variance."""

    def __init__(self, d_model: int) -> None:
        self.weight, self.bias = Tensor.ones(d_model), Tensor.zeros(d_model)

    def __call__(self, x: Tensor) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        return centred * (centred.square().mean(-1, keepdim=True) + 1e-5).rsqrt() * self.weight + self.bias


class EncoderLayer:
    def __init__(self, d_model: int, d_ff: int, heads: int, scaled: bool) -> None:
        self.attention = MultiHeadAttention(d_model, heads, scaled)
        self.feed_forward = FeedForward(d_model, d_ff)
        self.attention_norm, self.feed_forward_norm = LayerNorm(d_model), LayerNorm(d_model)

    def __call__(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        # LayerNorm(x + Sublayer(x)), twice
        mixed, weights = self.attention(x, x, mask)
        x = self.attention_norm(x + mixed)
        return self.feed_forward_norm(x + self.feed_forward(x)), weights


class DecoderLayer:
    def __init__(self, d_model: int, d_ff: int, heads: int, scaled: bool) -> None:
        self.self_attention = MultiHeadAttention(d_model, heads, scaled)
        self.cross_attention = MultiHeadAttention(d_model, heads, scaled)
        self.feed_forward = FeedForward(d_model, d_ff)
        self.self_attention_norm, self.cross_attention_norm = LayerNorm(d_model), LayerNorm(d_model)
        self.feed_forward_norm = LayerNorm(d_model)

    def __call__(self, x: Tensor, memory: Tensor, mask: Tensor, memory_mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        # LayerNorm(x + Sublayer(x)), three times
        mixed, own = self.self_attention(x, x, mask)
        x = self.self_attention_norm(x + mixed)
        mixed, cross = self.cross_attention(x, memory, memory_mask)
        x = self.cross_attention_norm(x + mixed)
        return self.feed_forward_norm(x + self.feed_forward(x)), own, cross


class Model:
    def __init__(self, vocabulary: int, d_model: int, d_ff: int, heads: int, layers: int, smoothing: float = 0.1,
                 encoder_positions: bool = True, decoder_positions: bool = True, scaled: bool = True,
                 causal: bool = True) -> None:  # fmt: skip
        self.embedding = nn.Embedding(vocabulary, d_model)
        self.encoder = [EncoderLayer(d_model, d_ff, heads, scaled) for _ in range(layers)]
        self.decoder = [DecoderLayer(d_model, d_ff, heads, scaled) for _ in range(layers)]
        self.vocabulary, self.d_model, self.smoothing = vocabulary, d_model, smoothing
        self.encoder_positions, self.decoder_positions, self.causal = encoder_positions, decoder_positions, causal

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs that `numpy_checks.forward` names."""
        source_mask, target_mask = batch["source_mask"][:, None, None, :], batch["target_mask"][:, None, None, :]
        if self.causal:
            time = batch["target_input"].shape[1]
            target_mask = target_mask & Tensor.ones(time, time, dtype=dtypes.bool).tril()  # (batch, 1, target, target)

        memory, encoder_attention = self.embed(batch["source"], self.encoder_positions), []  # (batch, source, model)
        for encoder_layer in self.encoder:
            memory, weights = encoder_layer(memory, source_mask)
            encoder_attention.append(weights)
        x, decoder_attention, cross_attention = self.embed(batch["target_input"], self.decoder_positions), [], []
        for decoder_layer in self.decoder:
            x, own, cross = decoder_layer(x, memory, target_mask, source_mask)
            decoder_attention.append(own)
            cross_attention.append(cross)

        # logits = x E^T
        logits = x @ self.embedding.weight.T  # (batch, target, vocabulary)
        # q = (1 - eps) onehot(label) + eps / vocabulary;  loss = -mean over real tokens of sum_k q_k log p_k
        label = batch["target_output"].one_hot(self.vocabulary)
        smoothed = label * (1 - self.smoothing) + self.smoothing / self.vocabulary
        token_loss = -(smoothed * logits.log_softmax()).sum(-1)  # (batch, target)
        real = batch["target_mask"].cast(token_loss.dtype)
        return {
            "encoder_attention": Tensor.stack(*encoder_attention, dim=1),
            "memory": memory,
            "decoder_attention": Tensor.stack(*decoder_attention, dim=1),
            "cross_attention": Tensor.stack(*cross_attention, dim=1),
            "logits": logits,
            "loss": (token_loss * real).sum() / real.sum(),
        }

    def embed(self, tokens: Tensor, positions: bool) -> Tensor:
        # x = sqrt(d_model) E[token] + PE
        x = self.embedding(tokens) * math.sqrt(self.d_model)  # (batch, time, model)
        return x + Tensor(sinusoids(x.shape[1], self.d_model)) if positions else x


def sinusoids(length: int, d_model: int) -> list[list[float]]:
    """Section 3.5: PE (length, d_model), sines at even features and cosines at odd ones."""
    if d_model % 2:
        raise ValueError(f"d_model {d_model} is odd: sines and cosines come in pairs")
    # angle = pos / 10000^(2i / d_model)
    angles = [[time / 10000 ** (2 * i / d_model) for i in range(d_model // 2)] for time in range(length)]
    return [[wave(angle) for angle in row for wave in (math.sin, math.cos)] for row in angles]
