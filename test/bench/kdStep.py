# Reference of `make bench`: one optimizer step of offline top-64 distillation with transformers and PyTorch.
# The usual loop: float32 masters, bf16 autocast, log-softmax over all logits, KL with a tail bucket, clipping, AdamW.
# Tried on 4x256: all weights in bf16 is as fast, foreach AdamW a tenth slower, float32 less than half as fast.
import os
import tempfile
import time

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from measure import arguments, measure

TOP_K = 64


def write_cache(path, shape, vocabulary):
    """Made-up teacher output; the time of a step does not depend on its values."""
    ids = torch.rand(*shape, vocabulary // 8).topk(TOP_K).indices * 8
    log_probabilities = (torch.randn(*shape, TOP_K) * 2).log_softmax(-1).sort(descending=True).values - 0.05
    token_ids = torch.randint(vocabulary, shape)
    save_file({"token_ids": token_ids, "ids": ids.int(), "log_probabilities": log_probabilities.half()}, path)


def read_cache(path):
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def distillation_loss(logits, ids, log_p):  # [B, T, V], [B, T, K], [B, T, K] -> mean KL over B * T positions
    log_q = logits.float().log_softmax(-1).gather(-1, ids)
    p = log_p.exp()
    tail_p = 1 - p.sum(-1)
    log_tail_q = torch.log1p(-log_q.exp().sum(-1).clamp(max=1 - 1e-6))
    return ((p * (log_p - log_q)).sum(-1) + tail_p * (tail_p.log() - log_tail_q)).mean()


def main():
    given = arguments()
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(
        given.model, dtype=torch.float32, attn_implementation="sdpa"
    ).train()
    if given.recompute:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    if given.compile:
        model.compile()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4, fused=True)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "cache.safetensors")
        write_cache(path, (given.batch, given.length), model.config.vocab_size)

        def step():
            start = time.perf_counter()
            batch = read_cache(path)
            loading = time.perf_counter() - start
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(input_ids=batch["token_ids"], use_cache=False).logits
            loss = distillation_loss(logits, batch["ids"].long(), batch["log_probabilities"].float())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            return loading

        measure(step, repeats=given.repeats)


main()
