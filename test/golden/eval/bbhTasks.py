# Writes pipeline/eval/tasks/leaderboard_bbh.yaml: the 24 tasks of BIG-Bench Hard that the Open LLM Leaderboard has, with
# the benchmark's descriptions, choices and shots (Suzgun et al. 2022, github.com/suzgunmirac/BIG-Bench-Hard, MIT).
# Run with a Python that has lm_eval 0.4.13, in the root of the repository: python test/golden/eval/bbhTasks.py
import json
from pathlib import Path

import lm_eval
import yaml

HEAD = """\
# BIG-Bench Hard (Suzgun et al. 2022, arXiv 2210.09261) as on the Open LLM Leaderboard: 24 tasks with choices, no chain of
# thought, three shots of the benchmark's own. Written by test/golden/eval/bbhTasks.py.
dataset: SaylorTwift/bbh
splits: { test: test }
num_fewshot: 3
sampler: first_n
kind: multiple_choice
prompt: "Q: {{input}}\\nA:"
answer: { field: target }
metrics: [{ metric: acc_norm }]
version: 1.0
tasks:
"""

tasks = Path(lm_eval.__file__).parent / "tasks/leaderboard/bbh_mc"
names = yaml.safe_load((tasks / "_leaderboard_bbh.yaml").read_text())["task"]


def quoted(text):
    """A double-quoted scalar of YAML, which JSON's strings are too."""
    return json.dumps(text, ensure_ascii=False)


def task_lines(name):
    config = yaml.safe_load((tasks / f"{name.removeprefix('leaderboard_bbh_')}.yaml").read_text())
    yield f"  {name}:"
    yield f"    dataset_config: {config['dataset_name']}"
    yield f"    description: {quoted(config['description'])}"
    yield f"    choices: [{', '.join(map(quoted, config['doc_to_choice']))}]"
    yield "    samples:"
    for sample in config["fewshot_config"]["samples"]:
        yield f"      - input: {quoted(sample['input'])}"
        yield f"        target: {quoted(sample['target'])}"


lines = [line for name in names for line in task_lines(name)]
group = ["groups:", "  leaderboard_bbh:", "    tasks:", *[f"      - {name}" for name in names]]
group.append("    metrics: [{ metric: acc_norm, weight_by_size: true }]")
Path("pipeline/eval/tasks/leaderboard_bbh.yaml").write_text(HEAD + "\n".join(lines + group) + "\n")
