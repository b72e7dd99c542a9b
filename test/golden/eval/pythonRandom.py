# Writes pythonRandom.json: what CPython's random draws, for test/eval/pythonRandom.test.ts.
# Run with any CPython 3.9 to 3.13: python test/golden/eval/pythonRandom.py
import json
import random
from pathlib import Path

# Small and big populations (a pool, a set of places), k on both sides of 5, and all of a population.
SHAPES = [(1234, 7473, 5), (1234, 40, 6), (1234, 86, 6), (1234, 84, 6), (1234, 22, 5), (1234, 21, 5), (7, 500, 26), (0, 9, 9), (4294967295, 3, 0)]


def draws(seed, n, k):
    stream = random.Random(seed)
    return {"seed": seed, "n": n, "k": k, "draws": [stream.sample(range(n), k) for _ in range(6)]}


def shuffles(seed, n):
    stream = random.Random(seed)
    orders = []
    for _ in range(3):
        items = list(range(n))
        stream.shuffle(items)
        orders.append(items)
    return {"seed": seed, "n": n, "orders": orders}


bits = random.Random(0)
below = random.Random(1234)
golden = {
    "sample": [draws(*shape) for shape in SHAPES],
    "shuffle": [shuffles(0, 4), shuffles(42, 20)],
    "getrandbits": [[k, bits.getrandbits(k)] for k in [32, 1, 7, 31, 32, 13] * 120],
    "randrange": [[n, below.randrange(n)] for n in [1, 2, 3, 100, 7473, 4294967295]],
}
Path(__file__).with_suffix(".json").write_text(json.dumps(golden) + "\n")
