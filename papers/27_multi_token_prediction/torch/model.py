r"""A trunk and n heads as PyTorch modules, paper 27 (Gloeckle et al., 2024).

    2    P(x_{t+i} | x_t ... x_1) = softmax(f_u(f_{h_i}(f_s(x_t ... x_1)))),  i = 1 ... n
    (2)  L_n = - sum_t sum_i log P(x_{t+i} | z_t)
    B    causal: head i reads head i - 1;  anticausal: head i reads head i + 1

    symbol    name here                     symbol     name here
    f_s       embedding, trunk              n          future
    f_{h_i}   heads[i - 1]                  d, V       model, vocabulary
    f_u       norm, unembedding             W_1, W_3   feed_forward.gate, .inner; W_2 .outer

`backward_head_by_head` is the order of figure 2, which keeps one head's logits at a time.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON, BASE = 1e-5, 10000.0


def rotate(x: Tensor) -> Tensor:
    """Each pair (x_2i, x_{2i+1}) of x (..., time, d_k), as one complex number, times exp(1j t base^(-2i/d_k))."""
    time, width = x.shape[-2:]
    rate = BASE ** (-torch.arange(0, width, 2, dtype=x.dtype) / width)
    angle = torch.outer(torch.arange(time, dtype=x.dtype), rate)  # (time, d_k / 2)
    turn = torch.polar(torch.ones_like(angle), angle)
    return torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous()) * turn).flatten(-2)


class Attention(nn.Module):
    """Causal self-attention with rotary positions."""

    def __init__(self, model: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.output = (nn.Linear(model, model, bias=False) for _ in range(4))

    def forward(self, y: Tensor) -> Tensor:
        query, key, value = (
            part(y).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )  # (batch, head, time, d_k)
        # softmax(R q (R k)^T / sqrt(d_k)) v
        mixed = F.scaled_dot_product_attention(rotate(query), rotate(key), value, is_causal=True)
        return self.output(mixed.transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    def __init__(self, model: int, inner: int) -> None:
        super().__init__()
        self.gate, self.inner = nn.Linear(model, inner, bias=False), nn.Linear(model, inner, bias=False)
        self.outer = nn.Linear(inner, model, bias=False)

    def forward(self, y: Tensor) -> Tensor:
        # W_2 (silu(W_1 y) * W_3 y)
        return self.outer(F.silu(self.gate(y)) * self.inner(y))


class Layer(nn.Module):
    """Of the trunk, or a head: pre-norm, as in Llama."""

    def __init__(self, model: int, inner: int, attention_heads: int) -> None:
        super().__init__()
        self.attention_norm, self.feed_forward_norm = nn.RMSNorm(model, EPSILON), nn.RMSNorm(model, EPSILON)
        self.attention, self.feed_forward = Attention(model, attention_heads), FeedForward(model, inner)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.attention_norm(x))
        return x + self.feed_forward(self.feed_forward_norm(x))


class Model(nn.Module):
    """Raises ValueError where the sizes do not fit or a name is unknown, and when called where no sequence has a next token."""

    def __init__(self, vocabulary: int, model: int, inner: int, attention_heads: int, layers: int, future: int, head: str,
                 arrangement: str) -> None:  # fmt: skip
        super().__init__()
        if model % (2 * attention_heads):
            raise ValueError(f"model {model} does not split into {attention_heads} heads of pairs")
        if future < 1:
            raise ValueError(f"future {future}: there must be a head for the next token")
        kinds = {
            "layer": lambda: Layer(model, inner, attention_heads),
            "linear": lambda: nn.Linear(model, model, bias=False),
            "unembedding": nn.Identity,
        }
        if head not in kinds or arrangement not in ("parallel", "causal", "anticausal"):
            raise ValueError(f"no such architecture: head {head}, arrangement {arrangement}")
        self.embedding = nn.Embedding(vocabulary, model)
        self.trunk = nn.Sequential(*(Layer(model, inner, attention_heads) for _ in range(layers)))
        self.heads = nn.ModuleList(kinds[head]() for _ in range(future))
        self.norm = nn.RMSNorm(model, EPSILON)
        matrices = [nn.Linear(model, vocabulary, bias=False) for _ in range(future if head == "unembedding" else 1)]
        self.unembedding = nn.ModuleList(matrices) if head == "unembedding" else matrices[0]
        self.future, self.arrangement = future, arrangement

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs that `numpy_checks.forward` names."""
        z = self.trunk(self.embedding(batch["tokens"]))  # (batch, time, model)
        x = self.read(z)
        logits = torch.stack([self.unembed(i, x_i) for i, x_i in enumerate(x)], 1)  # (batch, future, time, vocabulary)
        losses = torch.stack([self.head_loss(i, logits[:, i], **batch) for i in range(self.future)])
        # L_n = - sum_t sum_i log P(x_{t+i} | z_t)
        return {"trunk": z, "heads": torch.stack(x, 1), "logits": logits, "head_losses": losses, "loss": losses.sum()}

    def read(self, z: Tensor) -> list[Tensor]:
        """What each head makes of the trunk, (batch, time, model) each."""
        if self.arrangement == "parallel":
            return [head(z) for head in self.heads]
        backward = self.arrangement == "anticausal"
        found = []
        for head in reversed(self.heads) if backward else self.heads:
            z = head(z)
            found.append(z)
        return found[::-1] if backward else found

    def unembed(self, i: int, x: Tensor) -> Tensor:
        """f_u, (batch, time, vocabulary)."""
        matrix = self.unembedding[i] if isinstance(self.unembedding, nn.ModuleList) else self.unembedding
        return matrix(self.norm(x))

    def head_loss(self, i: int, logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """- sum_t log P(x_{t+1+i} | z_t) over the real targets of head i = 0 ... n - 1, by the number of real next tokens."""
        if not (count := mask[:, 1:].sum()):
            raise ValueError("no sequence has a next token: there is nothing to predict")
        # the label at t is x_{t+1+i}; PyTorch leaves out the labels -100, such as those beyond the end
        labels = F.pad(tokens.masked_fill(~mask, -100), (0, i + 1), value=-100)[:, i + 1 :]  # (batch, time)
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum") / count

    def backward_head_by_head(self, batch: dict[str, Tensor]) -> Tensor:
        """Figure 2, for parallel heads: the trunk forward once; each head forward and backward by itself, its logits freed before the
        next head's are made, its gradient at z accumulated; the trunk backward once. Adds to `.grad`; head_losses (future,)."""
        z = self.trunk(self.embedding(batch["tokens"]))
        leaf, losses = z.detach().requires_grad_(), []  # dL / dz gathers here
        for i, head in enumerate(self.heads):
            loss = self.head_loss(i, self.unembed(i, head(leaf)), **batch)
            loss.backward()
            losses.append(loss.detach())
            del loss
        z.backward(leaf.grad)
        return torch.stack(losses)
