r"""A trunk and n heads in tinygrad, paper 27 (Gloeckle et al., 2024). What is made is stored at many places
(`contiguous`), since the cost of a graph is that of its largest kernels.

    2    P(x_{t+i} | x_t ... x_1) = softmax(f_u(f_{h_i}(f_s(x_t ... x_1)))),  i = 1 ... n
    (2)  L_n = - sum_t sum_i log P(x_{t+i} | z_t)
    B    causal: head i reads head i - 1;  anticausal: head i reads head i + 1

    symbol    name here                     symbol     name here
    f_s       embedding, trunk              n          future
    f_{h_i}   heads[i - 1]                  d, V       model, vocabulary
    f_u       norm, unembedding             W_1, W_3   feed_forward.gate, .inner; W_2 .outer

Where no sequence has a next token the loss is NaN, or an error where the mask is at hand.
"""

from __future__ import annotations

import math

from tinygrad import Tensor, dtypes, nn

EPSILON, BASE = 1e-5, 10000.0


class Norm:
    """RMSNorm: x / sqrt(mean x^2 + eps) * gain."""

    def __init__(self, model: int) -> None:
        self.weight = Tensor.ones(model)

    def __call__(self, x: Tensor) -> Tensor:
        return (x * (x.square().mean(-1, keepdim=True) + EPSILON).rsqrt() * self.weight).contiguous()


class Attention:
    def __init__(self, model: int, heads: int) -> None:
        self.query, self.key, self.value, self.output = (nn.Linear(model, model, bias=False) for _ in range(4))
        self.heads = heads

    def __call__(self, y: Tensor) -> Tensor:
        query, key, value = (
            part(y).reshape(*y.shape[:2], self.heads, -1).transpose(1, 2).contiguous()
            for part in (self.query, self.key, self.value)
        )  # (batch, head, time, d_k)
        # softmax(R q (R k)^T / sqrt(d_k)) v
        scores = (rotate(query) @ rotate(key).transpose(-1, -2)) * query.shape[-1] ** -0.5  # (batch, head, time, time)
        past = Tensor.ones(*scores.shape[-2:], dtype=dtypes.bool).tril()
        mixed = past.where(scores.contiguous(), -math.inf).softmax(-1).contiguous() @ value
        return self.output(mixed.transpose(1, 2).flatten(2).contiguous())


class FeedForward:
    def __init__(self, model: int, inner: int) -> None:
        self.gate, self.inner = nn.Linear(model, inner, bias=False), nn.Linear(model, inner, bias=False)
        self.outer = nn.Linear(inner, model, bias=False)

    def __call__(self, y: Tensor) -> Tensor:
        # W_2 (silu(W_1 y) * W_3 y)
        return self.outer((self.gate(y).contiguous().silu() * self.inner(y)).contiguous())


class Layer:
    """Of the trunk, or a head: pre-norm, as in Llama."""

    def __init__(self, model: int, inner: int, attention_heads: int) -> None:
        self.attention_norm, self.feed_forward_norm = Norm(model), Norm(model)
        self.attention, self.feed_forward = Attention(model, attention_heads), FeedForward(model, inner)

    def __call__(self, x: Tensor) -> Tensor:
        x = (x + self.attention(self.attention_norm(x))).contiguous()
        return (x + self.feed_forward(self.feed_forward_norm(x))).contiguous()


def rotate(x: Tensor) -> Tensor:
    """x (..., time, d_k), the pair (x_2i, x_{2i+1}) at place t turned by t base^(-2i/d_k): x cos + (-x_{2i+1}, x_2i) sin, where a matrix
    exchanges each pair, and the sines are those of Python's `math`."""
    time, width = x.shape[-2:]
    angles = [[t * BASE ** (-(k - k % 2) / width) for k in range(width)] for t in range(time)]
    cosine, sine = (Tensor([[wave(a) for a in row] for row in angles]) for wave in (math.cos, math.sin))  # (time, d_k)
    quarter = Tensor(
        [[(1.0 if k % 2 else -1.0) * (l == k ^ 1) for k in range(width)] for l in range(width)]
    )  # (d_k, d_k)
    return (x * cosine + (x @ quarter) * sine).contiguous()


class Model:
    """Raises ValueError where the sizes do not fit or a name is unknown."""

    def __init__(self, vocabulary: int, model: int, inner: int, attention_heads: int, layers: int, future: int, head: str,
                 arrangement: str) -> None:  # fmt: skip
        if model % (2 * attention_heads):
            raise ValueError(f"model {model} does not split into {attention_heads} heads of pairs")
        if future < 1:
            raise ValueError(f"future {future}: there must be a head for the next token")
        if head not in ("layer", "linear", "unembedding") or arrangement not in ("parallel", "causal", "anticausal"):
            raise ValueError(f"no such architecture: head {head}, arrangement {arrangement}")
        self.embedding = nn.Embedding(vocabulary, model)
        self.trunk = [Layer(model, inner, attention_heads) for _ in range(layers)]
        if head == "layer":
            self.heads = [Layer(model, inner, attention_heads) for _ in range(future)]
        if head == "linear":
            self.heads = [nn.Linear(model, model, bias=False) for _ in range(future)]
        self.norm = Norm(model)
        matrices = [nn.Linear(model, vocabulary, bias=False) for _ in range(future if head == "unembedding" else 1)]
        self.unembedding = matrices if head == "unembedding" else matrices[0]
        self.future, self.head, self.arrangement, self.vocabulary = future, head, arrangement, vocabulary

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs that `numpy_checks.forward` names."""
        tokens, mask = batch["tokens"], batch["mask"]
        z = self.embedding(tokens)  # (batch, time, model)
        for layer in self.trunk:
            z = layer(z)
        x = Tensor.stack(*self.read(z), dim=1).contiguous()  # (batch, future, time, model)
        logits = self.unembed(self.norm(x)).contiguous()  # (batch, future, time, vocabulary)
        count = mask[:, 1:].cast(logits.dtype).sum()
        losses = Tensor.stack(*(self.lost(logits[:, i], tokens, mask, i + 1) for i in range(self.future))) / count
        # L_n = - sum_t sum_i log P(x_{t+i} | z_t)
        return {"trunk": z, "heads": x, "logits": logits, "head_losses": losses, "loss": losses.sum()}

    def read(self, z: Tensor) -> list[Tensor]:
        """f_{h_i} of z, of the head before it, or of the head after it, each (batch, time, model)."""
        if self.head == "unembedding":
            return [z] * self.future
        if self.arrangement == "parallel":
            return [head(z) for head in self.heads]
        backward, found = self.arrangement == "anticausal", []
        for head in self.heads[::-1] if backward else self.heads:
            z = head(z)
            found.append(z)
        return found[::-1] if backward else found

    def unembed(self, x: Tensor) -> Tensor:
        """f_u of what is normalised already: the same for all heads, or an unembedding for each."""
        if self.head == "unembedding":
            return Tensor.stack(*(matrix(x[:, i]) for i, matrix in enumerate(self.unembedding)), dim=1)
        return self.unembedding(x)

    def lost(self, logits: Tensor, tokens: Tensor, mask: Tensor, i: int) -> Tensor:
        """- sum_t log P(x_{t+i} | z_t) over the real targets of head i = 1 ... n, none where the sequences are no longer than i."""
        time = tokens.shape[1]
        if time <= i:
            return Tensor.zeros(())
        label = tokens[:, i:].one_hot(self.vocabulary)  # (batch, time - i, vocabulary)
        return -((logits[:, : time - i].log_softmax() * label).sum(-1) * mask[:, i:].cast(logits.dtype)).sum()
