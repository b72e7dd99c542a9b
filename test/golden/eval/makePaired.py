# Paired differences by scipy: percentile bootstrap intervals (100,000 resamples) and exact two-sided binomial tests.
# Writes paired.json beside this script.
#   pip install scipy==1.17.1
#   python test/golden/eval/makePaired.py
import json
import os

import numpy as np
from scipy import stats

rng = np.random.default_rng(0)


def accuracies(n, right, gain, loss):
    before = (rng.random(n) < right).astype(int)
    flips = rng.random(n)
    after = np.where(before == 1, flips >= loss, flips < gain).astype(int)
    return before, after


def case(before, after):
    def mean_difference(b, a, axis=-1):
        return np.mean(a, axis=axis) - np.mean(b, axis=axis)

    interval = stats.bootstrap(
        (before, after), mean_difference, paired=True, vectorized=True, n_resamples=100_000, batch=1000,
        method="percentile", random_state=np.random.default_rng(1),
    ).confidence_interval
    difference = after - before
    return {
        "before": before.tolist(),
        "after": after.tolist(),
        "difference": float(difference.mean()),
        "stderr": float(difference.std() / np.sqrt(len(difference))),
        "interval": [float(interval.low), float(interval.high)],
    }


cases = [case(*accuracies(400, 0.6, 0.2, 0.05)), case(*accuracies(100, 0.5, 0.1, 0.1)), case(rng.random(150), rng.random(150))]
tests = [
    {"gained": gained, "lost": lost, "p": float(stats.binomtest(gained, gained + lost, 0.5).pvalue) if gained + lost else 1.0}
    for gained, lost in [(0, 0), (1, 0), (5, 5), (10, 2), (2, 10), (121, 80), (700, 560), (3000, 2000), (40, 41)]
]
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "paired.json")
with open(path, "w") as file:
    json.dump({"cases": cases, "tests": tests}, file)
    file.write("\n")
