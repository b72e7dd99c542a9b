# Aggregates of lm_eval 0.4.13's own code: tasks from made-up items, groups from these tasks. Writes aggregation.json
# beside this script.
#   pip install lm_eval==0.4.13
#   python test/golden/eval/makeAggregation.py
import json
import os
import random

from lm_eval.api.group import Group
from lm_eval.api.metrics import mean
from lm_eval.api.task import Task
from lm_eval.config.group import AggMetricConfig
from lm_eval.evaluator_utils import _compute_task_aggregations
from lm_eval.tasks.leaderboard.ifeval.utils import agg_inst_level_acc

rnd = random.Random(0)


class Named(Task):
    """As much of a task as a group looks at."""

    task_name = None

    def __init__(self, name, aggregation):
        self.task_name = name
        self.functions = aggregation

    def aggregation(self):
        return self.functions

    has_training_docs = has_validation_docs = has_test_docs = doc_to_text = doc_to_target = None
    construct_requests = process_results = higher_is_better = None


def task(name, metrics, size):
    """metrics: {key: how an item's value is drawn}"""
    items = [{key: draw() for key, draw in metrics.items()} for _ in range(size)]
    functions = {key.split(",")[0]: agg_inst_level_acc if "inst_level" in key else mean for key in metrics}
    raw = {tuple(key.split(",")): [item[key] for item in items] for key in metrics}
    made = Named(name, functions)
    scores, sample_len = _compute_task_aggregations(made, raw)
    return made, {"name": name, "items": items, "scores": scores, "size": sample_len}


def group(tasks, metrics):
    made = Group("group", aggregate_metric_list=[AggMetricConfig(**metric) for metric in metrics])
    for each, _ in tasks:
        made.add(each)
    flat = {record["name"]: {"sample_len": record["size"], **record["scores"]} for _, record in tasks}
    aggregate = made.aggregate(flat)
    scores = {key: value for key, value in aggregate.items() if "," in key}
    return {"members": [record["name"] for _, record in tasks], "metrics": metrics, "scores": scores}


def right(chance):
    return lambda: float(rnd.random() < chance)


def verdicts():
    return [rnd.random() < 0.6 for _ in range(rnd.randint(1, 3))]


tasks = [
    task("small", {"acc,none": right(0.3), "acc_norm,none": right(0.4)}, 7),
    task("large", {"acc,none": right(0.6), "acc_norm,none": right(0.5)}, 40),
    task("norm_only", {"acc_norm,none": right(0.9)}, 12),
    task("same", {"acc,none": right(1)}, 5),
    task("single", {"acc,none": right(0.5)}, 1),
    task("filters", {"exact_match,strict-match": right(0.2), "exact_match,flexible-extract": right(0.4)}, 15),
    task("mass", {"acc,none": rnd.random}, 11),
    task(
        "ifeval",
        {
            "prompt_level_strict_acc,none": right(0.5),
            "inst_level_strict_acc,none": verdicts,
            "inst_level_loose_acc,none": verdicts,
        },
        9,
    ),
]
named = {record["name"]: (made, record) for made, record in tasks}
pick = lambda *names: [named[name] for name in names]
groups = [
    group(pick("small", "large", "same", "mass"), [{"metric": "acc", "weight_by_size": True}]),
    group(pick("small", "large", "same", "mass"), [{"metric": "acc", "weight_by_size": False}]),
    group(pick("small", "large", "norm_only"), [{"metric": "acc_norm"}, {"metric": "acc"}]),
    group(pick("small", "single"), [{"metric": "acc"}]),
    group(pick("filters", "ifeval"), [{"metric": "exact_match"}, {"metric": "inst_level_strict_acc"}, {"metric": "prompt_level_strict_acc"}]),
]
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "aggregation.json")
with open(path, "w") as file:
    json.dump({"tasks": [record for _, record in tasks], "groups": groups}, file, indent=1, default=float)
    file.write("\n")
