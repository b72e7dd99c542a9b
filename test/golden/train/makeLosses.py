"""Values and gradients of every combination of loss, tail, clip, temperature and cross-entropy, by PyTorch autograd in
float64. The student's outcomes come from its full logits; of the teacher's tail only the mass is known (see
pipeline/train/distillationLoss.ts). Run: python test/golden/train/makeLosses.py ; writes losses.json beside this file."""
import itertools
import json
from pathlib import Path

import torch

N, V, K = 4, 64, 8
KEPT = [K, 5, V, K]  # tokens known of the teacher in each row: usual, padded, all, of a student that is close
LOSSES = [("forward_kl", 0.5), ("reverse_kl", 0.5), ("jsd", 0.5), ("jsd", 0.1)]
CLIPS = [{}, {"absolute": 4.0}, {"relative": 6.0}, {"absolute": 4.0, "relative": 6.0}]

torch.manual_seed(11)
exact = lambda x: x.float().double()  # float32 holds it
teacher = exact(3 * torch.randn(N, V, dtype=torch.float64))
student = exact(3 * torch.randn(N, V, dtype=torch.float64))
student[3] = exact(teacher[3] + 0.3 * torch.randn(V, dtype=torch.float64))
ids = [teacher[n].argsort(descending=True)[:k].tolist() for n, k in enumerate(KEPT)]
labels = [ids[0][1], 40, 3, ids[3][0]]


def bounds(z, clip):
    highest = torch.tensor(clip.get("absolute", float("inf")), dtype=torch.float64)
    lowest = torch.maximum(-highest, torch.minimum(z.max(), highest) - clip.get("relative", float("inf")))
    return lowest, highest


def teacher_outcomes(z, kept, T, clip):
    """Log-probabilities of the kept tokens and of all others together."""
    lowest, highest = bounds(z, clip)
    others = torch.ones(V, dtype=torch.bool).index_fill(0, kept, False)
    tail = torch.logsumexp(z[others] / T, 0)
    if clip and others.any():
        tail = torch.maximum(tail, others.sum().log() + lowest / T)
    outcomes = torch.cat([z[kept].clamp(lowest, highest) / T, tail[None]])
    return torch.log_softmax(outcomes, 0)


def student_outcomes(z, kept, T, clip):
    lowest, highest = bounds(z.detach(), clip)
    log_q = torch.log_softmax(z.clamp(lowest, highest) / T, 0)
    others = torch.ones(V, dtype=torch.bool).index_fill(0, kept, False)
    return torch.cat([log_q[kept], torch.logsumexp(log_q[others], 0)[None]])


def divergence(kind, beta, log_p, log_q):
    kl = lambda a, b: (a.exp() * (a - b)).sum()
    if kind == "forward_kl":
        return kl(log_p, log_q)
    if kind == "reverse_kl":
        return kl(log_q, log_p)
    mixture = (beta * log_p.exp() + (1 - beta) * log_q.exp()).log()
    return beta * kl(log_p, mixture) + (1 - beta) * kl(log_q, mixture)


def row(n, z, kind, beta, tail, clip, T):
    kept = torch.tensor(ids[n])
    log_p, log_q = teacher_outcomes(teacher[n], kept, T, clip), student_outcomes(z, kept, T, clip)
    if tail == "drop" or len(kept) == V:
        log_p, log_q = (torch.log_softmax(x[:-1], 0) for x in (log_p, log_q))
    return T * T * divergence(kind, beta, log_p, log_q)


numbers = lambda x: [float(f"{value:.7g}") for value in x.tolist()]
cases = []
for (kind, beta), tail, clip, T, weight in itertools.product(
    LOSSES, ["bucket", "drop"], CLIPS, [0.5, 1, 2], [0, 0.5]
):
    z = student.clone().requires_grad_()
    kd = torch.stack([row(n, z[n], kind, beta, tail, clip, T) for n in range(N)])
    ce = -torch.log_softmax(z, 1).gather(1, torch.tensor(labels)[:, None])[:, 0]
    (kd + weight * ce).sum().backward()
    loss = {"loss": kind, "beta": beta, "tail": tail, "clip": clip, "temperature": T, "crossEntropyWeight": weight}
    cases.append({"loss": loss, "divergence": numbers(kd), "crossEntropy": numbers(ce), "gradient": [numbers(g) for g in z.grad]})
given = {"teacher": teacher.tolist(), "student": student.tolist(), "ids": ids, "labels": labels}
lines = ",\n".join(json.dumps(case) for case in cases)
(Path(__file__).parent / "losses.json").write_text(json.dumps(given)[:-1] + ', "cases": [\n' + lines + "\n]}\n")
