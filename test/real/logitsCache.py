# Reads a logits cache with pyarrow and compares positions of it with torch's top-k; for logitsCache.real.ts.
#   logitsCache.py FOLDER POSITIONS.json LOGITS.f32
# POSITIONS: {"top_k", "mass", "min_k", "positions": [{"id": sample, "position": p}, ...]}, the first three as in
# logits.yaml; LOGITS: the teacher's float32 logits there, [positions, V].
# All files under FOLDER are opened and validated; prints figures as JSON.
import json
import pathlib
import sys

import numpy as np
import pyarrow as pa
import torch

# By how much float32 log-probabilities differ from one shape of a product to another: tokens closer than that may change
# places.
LAST_DIGITS = 1e-5


def token_ids(row, vocabulary):
    bits = max(0, (vocabulary - 1).bit_length() - 16)
    low = np.array(row["ids_low"], np.int64)
    high = np.unpackbits(np.array(row.get("ids_high", []), np.uint8), count=bits * len(low), bitorder="little")
    return low + high.reshape(len(low), bits) @ (65536 << np.arange(bits))


def log_probabilities(row):
    values = np.array(row["logprobs"], np.float64)
    if "logprob_step" not in row:
        return values
    return np.repeat(row["logprob_high"], row["k"]) - np.repeat(row["logprob_step"], row["k"]) * values


folder, positions_file, logits_file = sys.argv[1:]
files = sorted(pathlib.Path(folder).glob("**/*.arrow"))
rows, entries, faults = {}, 0, 0
for path in files:
    with pa.OSFile(str(path), "rb") as file:
        table = pa.ipc.open_file(file).read_all()
    table.validate(full=True)
    vocabulary = int(table.schema.metadata[b"redistill.vocabulary_size"])
    for row in table.to_pylist():
        rows[row["id"]] = row
        ids, log_probs = token_ids(row, vocabulary), log_probabilities(row)
        starts = np.cumsum(row["k"]) - row["k"]
        within = np.ones(len(ids), bool)
        within[starts] = False  # the first of each position follows nothing
        rises = (np.diff(log_probs, prepend=np.inf) > 0) & within
        total_mass = np.add.reduceat(np.exp(log_probs), starts) + np.exp(np.array(row["log_tail_mass"], np.float64))
        faults += int(rises.sum() + (ids >= vocabulary).sum() + (abs(total_mass - 1) > 2e-3).sum())
        entries += len(ids)

wanted = json.load(open(positions_file))
positions, mass, min_k, top_k = (wanted[key] for key in ("positions", "mass", "min_k", "top_k"))
logits = torch.from_numpy(np.fromfile(logits_file, np.float32)).reshape(len(positions), -1)
log_softmax = torch.log_softmax(logits.double(), -1)
ordered = total = shared = fewest = 0
worst = {"log_prob": 0.0, "log_sum_exp": 0.0, "log_tail_mass": 0.0}
divergence = 0.0
for n, place in enumerate(positions):
    row, p = rows[place["id"]], place["position"]
    k, end = row["k"][p], sum(row["k"][: p + 1])
    ids = torch.from_numpy(token_ids(row, vocabulary)[end - k : end])
    log_probs = torch.from_numpy(log_probabilities(row)[end - k : end])
    tail = torch.tensor(row["log_tail_mass"][p], dtype=torch.float64)
    top = torch.topk(logits[n], k)
    total += k
    live = log_softmax[n]
    in_place = (live[ids] - live[top.indices]).abs() <= LAST_DIGITS
    ordered += int(in_place.sum()) if len(ids.unique()) == k else 0
    shared += int(torch.isin(ids, top.indices).sum())
    reaches = int((1 - live.exp().sort(descending=True).values.cumsum(0) > 1 - mass).sum()) + 1
    fewest += int(k == min(max(reaches, min_k), top_k))
    outside = live.clone()
    outside[ids] = -torch.inf
    live_tail = torch.logsumexp(outside, 0)
    differences = {
        "log_prob": (log_probs - live[top.indices]).abs().max(),
        "log_sum_exp": (row["logsumexp"][p] - torch.logsumexp(logits[n].double(), -1)).abs(),
        "log_tail_mass": (tail - live_tail).abs(),
    }
    worst = {name: max(value, float(differences[name])) for name, value in worst.items()}
    kept = live[ids]
    divergence += float((kept.exp() * (kept - log_probs)).sum() + live_tail.exp() * (live_tail - tail))
figures = {
    "files": len(files),
    "samples": len(rows),
    "entries": entries,
    "faults": faults,
    "positions": len(positions),
    "right_k": fewest,
    "ids": total,
    "ordered_ids": ordered,
    "shared_ids": shared,
    "largest_difference": worst,
    "mean_kl": divergence / len(positions),
}
print(json.dumps(figures))
