"""Ten steps of torch.optim.AdamW in float32 on seeded values. Writes adamW.json beside this file."""
import json
from pathlib import Path

import torch

torch.manual_seed(5)
weight = torch.nn.Parameter(torch.randn(6, 5))
start = weight.detach().flatten().tolist()
options = {"lr": 3e-3, "betas": (0.9, 0.95), "eps": 1e-8, "weight_decay": 0.1}
optimizer = torch.optim.AdamW([weight], **options)
gradients = []
for _ in range(10):
    weight.grad = torch.randn(6, 5) * 10 ** torch.randint(-4, 2, (6, 5)).float()
    gradients.append(weight.grad.flatten().tolist())
    optimizer.step()
golden = {"options": options, "start": start, "gradients": gradients, "end": weight.detach().flatten().tolist()}
(Path(__file__).parent / "adamW.json").write_text(json.dumps(golden))
