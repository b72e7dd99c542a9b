"""Whole-model gradients of the distillation loss by PyTorch autograd in float64, on the tiny models of ../shared.

Loss: mean over positions of KL(teacher || student) on 8 tokens with tail bucket, plus 0.5 times cross-entropy.
Run from the repository: python test/golden/train/makeGradients.py ; writes gradients.json beside this file."""
import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

HERE = Path(__file__).parent
SHARED = HERE.parents[2].parent / "shared" / "fixtures"
PROBS = torch.tensor([0.3, 0.2, 0.15, 0.1, 0.08, 0.05, 0.04, 0.03], dtype=torch.float64)

result = {}
for name in ["tiny-qwen2-tied", "tiny-llama3-rope-sharded", "tiny-qwen2-untied-r1distill"]:
    model = AutoModelForCausalLM.from_pretrained(SHARED / name, dtype=torch.float64, attn_implementation="eager")
    V = model.config.vocab_size
    lengths = [21, 13]
    rows = [[(7 * b + 5 * t * t + 3 * t + 11) % V for t in range(n)] for b, n in enumerate(lengths)]
    total, positions = 0.0, sum(n - 1 for n in lengths)
    for row in rows:
        logits = model(torch.tensor([row])).logits[0, :-1]
        log_q = torch.log_softmax(logits, -1)
        ids = torch.tensor([[(17 * (t + 1) + 31 * i) % V for i in range(8)] for t in range(len(row) - 1)])
        kept = log_q.gather(1, ids)
        tail = torch.log1p(-kept.exp().sum(1))
        kl = (PROBS * (PROBS.log() - kept)).sum(1) + 0.05 * (torch.log(torch.tensor(0.05, dtype=torch.float64)) - tail)
        ce = -log_q.gather(1, torch.tensor(row[1:])[:, None])[:, 0]
        total = total + (kl + 0.5 * ce).sum()
    loss = total / positions
    loss.backward()
    result[name] = {
        "rows": rows,
        "loss": loss.item(),
        "gradients": {
            n: {"norm": p.grad.norm().item(), "first": p.grad.flatten()[:8].tolist()} for n, p in model.named_parameters()
        },
    }
(HERE / "gradients.json").write_text(json.dumps(result))
