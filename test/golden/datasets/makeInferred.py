"""Which files Python's `datasets` gives to which split, by their names alone: writes inferred.json beside this file.

Run with `datasets` installed (5.2.0 was): python test/golden/datasets/makeInferred.py
"""

import json
import os
import random
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
import datasets

FOLDERS = ["", "", "", "data", "train", "dev-x", "v1", "my_test", "evaluations", "_val", ".hid", "__x"]
FOLDERS += ["data/train2", "v1/a.valid", "deep/er/testing"]
NAMES = ["train", "training", "trainer", "x.test", "test_1", "valid", "a", "b-dev", "eval 2", "evaluate"]
NAMES += ["1train1", "my-val", "TRAIN", "contest", "0test", "validation.x", "latest-train"]
SHARDS = ["data/train", "data/dev", "data/foo", "data/x.y"]


def made_up_names():
    paths = {os.path.join(random.choice(FOLDERS), random.choice(NAMES) + ".jsonl") for _ in range(random.randint(1, 6))}
    if random.random() < 0.2:
        paths |= {f"{stem}-00000-of-00001.jsonl" for stem in random.sample(SHARDS, 2)}
    return sorted(paths)


def splits_of(names):
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text('{"a": 1}\n')
        try:
            found = datasets.load_dataset_builder(folder).config.data_files
        except FileNotFoundError:  # nothing but hidden files
            return {}
        return {str(split): sorted({os.path.relpath(file, folder) for file in files}) for split, files in found.items()}


random.seed(0)
layouts = [{"names": names, "splits": splits_of(names)} for names in (made_up_names() for _ in range(120))]
lines = ",\n".join(json.dumps(layout) for layout in layouts)
Path(__file__).with_name("inferred.json").write_text(f"[\n{lines}\n]\n")
