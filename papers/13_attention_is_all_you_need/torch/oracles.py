"""PyTorch's own Transformer, which this room's must equal (paper 13)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from s30.room import Array, Forward, Oracle, Problem, sibling

Model = sibling(__file__, "model.py").Model


def oracles() -> list[Oracle]:
    return [
        Oracle("encoder_stack", "the memory is that of PyTorch's post-norm encoder layers", "torch.nn.TransformerEncoderLayer", encoder),
        Oracle("decoder_stack", "the logits are those of PyTorch's post-norm decoder layers", "torch.nn.TransformerDecoderLayer", decoder),
        Oracle(
            "multi_head_attention", "attention weights of each head, first encoder layer", "torch.nn.MultiheadAttention", multi_head,
            ("large_scores",),
        ),
        Oracle(
            "attention", "the first encoder layer's attention, without W^O", "F.scaled_dot_product_attention", attention, ("large_scores",),
        ),
        Oracle(
            "divergence", "the loss is the divergence from the smoothed target plus its entropy", "F.kl_div and torch.special.entr",
            divergence, ("large_logits",),
        ),
    ]  # fmt: skip


def build(problem: Problem) -> tuple[Any, dict[str, Tensor]]:
    model = Model(**problem.config)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in problem.params.items()})
    return model, {name: torch.from_numpy(value) for name, value in problem.batch.items()}


def packed(attention: nn.Module) -> dict[str, Tensor]:
    """The state of nn.MultiheadAttention that equals the room's attention: projections stacked, biases zero."""
    stacked = torch.cat([attention.query.weight, attention.key.weight, attention.value.weight])
    out = attention.output.weight
    zeros = {"in_proj_bias": torch.zeros(len(stacked)), "out_proj.bias": torch.zeros(len(out))}
    return {"in_proj_weight": stacked, "out_proj.weight": out, **zeros}


def layer_state(layer: nn.Module, attentions: dict[str, str], norms: list[str]) -> dict[str, Tensor]:
    state = {f"{theirs}.{n}": v for ours, theirs in attentions.items() for n, v in packed(getattr(layer, ours)).items()}
    for number, norm in enumerate(norms, 1):
        state |= {f"norm{number}.{n}": v for n, v in getattr(layer, norm).state_dict().items()}
    inner, outer = layer.feed_forward.inner.state_dict(), layer.feed_forward.outer.state_dict()
    return state | {f"linear1.{n}": v for n, v in inner.items()} | {f"linear2.{n}": v for n, v in outer.items()}


def sizes(problem: Problem) -> tuple[int, int, int]:
    return problem.config["d_model"], problem.config["heads"], problem.config["d_ff"]


@torch.no_grad()
def encoder(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    model, batch = build(problem)
    x = model.embed(batch["source"], positions=True)
    for layer in model.encoder:
        theirs = nn.TransformerEncoderLayer(*sizes(problem), dropout=0.0, batch_first=True, norm_first=False)
        theirs.load_state_dict(layer_state(layer, {"attention": "self_attn"}, ["attention_norm", "feed_forward_norm"]))
        x = theirs(x, src_key_padding_mask=~batch["source_mask"])
    real = problem.batch["source_mask"]  # PyTorch's fast path leaves zeros in the place of padding
    return forward(problem.params, problem.batch)["memory"][real], x.numpy()[real]


@torch.no_grad()
def decoder(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    model, batch = build(problem)
    outputs = forward(problem.params, problem.batch)
    memory, x = torch.from_numpy(outputs["memory"]), model.embed(batch["target_input"], positions=True)
    future = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
    for layer in model.decoder:
        theirs = nn.TransformerDecoderLayer(*sizes(problem), dropout=0.0, batch_first=True, norm_first=False)
        attentions = {"self_attention": "self_attn", "cross_attention": "multihead_attn"}
        norms = ["self_attention_norm", "cross_attention_norm", "feed_forward_norm"]
        theirs.load_state_dict(layer_state(layer, attentions, norms))
        x = theirs(x, memory, tgt_mask=future, tgt_key_padding_mask=~batch["target_mask"],
                   memory_key_padding_mask=~batch["source_mask"])  # fmt: skip
    return outputs["logits"], (x @ model.embedding.weight.mT).numpy()


@torch.no_grad()
def multi_head(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    model, batch = build(problem)
    x = model.embed(batch["source"], positions=True)
    theirs = nn.MultiheadAttention(*sizes(problem)[:2], batch_first=True)
    theirs.load_state_dict(packed(model.encoder[0].attention))
    _, weights = theirs(x, x, x, key_padding_mask=~batch["source_mask"], average_attn_weights=False)
    return forward(problem.params, problem.batch)["encoder_attention"][:, 0], weights.numpy()


@torch.no_grad()
def attention(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    model, batch = build(problem)
    block, x, mask = (
        model.encoder[0].attention,
        model.embed(batch["source"], positions=True),
        batch["source_mask"][:, None, None],
    )
    query, key, value = (block.split(part(x)) for part in (block.query, block.key, block.value))
    weights = torch.from_numpy(forward(problem.params, problem.batch)["encoder_attention"][:, 0])
    return (weights @ value).numpy(), F.scaled_dot_product_attention(query, key, value, mask).numpy()


@torch.no_grad()
def divergence(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    outputs, real = forward(problem.params, problem.batch), problem.batch["target_mask"]
    logits, labels = (torch.from_numpy(a[real]) for a in (outputs["logits"], problem.batch["target_output"]))
    words, epsilon = logits.shape[-1], problem.config["smoothing"]
    target = (1 - epsilon) * F.one_hot(labels, words) + epsilon / words
    found = F.kl_div(logits.log_softmax(-1), target, reduction="batchmean") + torch.special.entr(target).sum(-1).mean()
    return outputs["loss"], np.asarray(found)
