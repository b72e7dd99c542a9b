# Writes definitions.json: what lm_eval 0.4.13 says of its tasks and groups beside their prompts, one line each, for
# test/eval/taskCatalog.test.ts. Run with a Python that has lm_eval: python test/golden/eval/lmEvalTasks.py
import json
from pathlib import Path

from lm_eval.config.task import TaskConfig
from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml

NAMES = ["arc_challenge", "hellaswag", "mmlu", "truthfulqa_mc1", "truthfulqa_mc2", "winogrande", "gsm8k"]
NAMES += ["leaderboard_gpqa", "leaderboard_mmlu_pro", "leaderboard_musr", "leaderboard_bbh", "leaderboard_ifeval"]

index = TaskManager().task_index
tasks, groups = {}, {}


def members(name):
    """The tasks of a group; tags such as mmlu_stem_tasks are only a list of tasks by another name."""
    listed = groups[name]["tasks"]
    tags = [task for task in listed if index[task].kind.name == "TAG"]
    return listed if not tags else sorted(task for tag in tags for task in index[tag].tags)


def metric(config):
    return {key: config[key] for key in config if key in ("metric", "ignore_case", "ignore_punctuation", "regexes_to_ignore")}


def task(name):
    config = load_yaml(index[name].yaml_path, resolve_func=True)
    task = TaskConfig(**{key: value for key, value in config.items() if key != "include"})
    splits = {"train": task.training_split, "validation": task.validation_split, "test": task.test_split, "fewshot": task.fewshot_split}
    tasks[name] = {
        "alias": task.task_alias,
        "version": task.metadata["version"],
        "dataset": task.dataset_path,
        "dataset_config": task.dataset_name,
        "splits": {key: split for key, split in splits.items() if split is not None},
        "num_fewshot": task.num_fewshot,
        "sampler": task.fewshot_config.sampler,
        "delimiters": [task.target_delimiter, task.fewshot_delimiter],
        "description": task.description,
        "metrics": [metric(each) for each in task.metric_list],
        "filters": task.filter_list,
        "generation": task.generation_kwargs,
        "output_type": task.output_type,
    }


def visit(name):
    kind = index[name].kind.name
    if kind == "TASK":
        return task(name)
    if kind == "TAG":
        return [visit(each) for each in sorted(index[name].tags)]
    config = load_yaml(index[name].yaml_path, resolve_func=True)
    groups[name] = {
        "alias": config.get("group_alias"),
        "version": (config.get("metadata") or {}).get("version"),
        "tasks": config["task"],
        "metrics": [{key: each[key] for key in ("metric", "weight_by_size")} for each in config["aggregate_metric_list"]],
    }
    for each in config["task"]:
        visit(each)


for name in NAMES:
    visit(name)
groups = {name: {**group, "tasks": members(name)} for name, group in groups.items()}


def lines(entries):
    return ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries.items())


golden = f'{{\n "tasks": {{\n{lines(tasks)}\n }},\n "groups": {{\n{lines(groups)}\n }}\n}}\n'
Path(__file__).with_name("definitions.json").write_text(golden)
