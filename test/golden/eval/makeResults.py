# What lm_eval 0.4.13 writes: results and samples of a group of two multiple-choice tasks and of a task with generations
# and two filters, on made-up rows, answered by its `dummy` model at random. Writes results.json beside this script.
#   pip install lm_eval[hf]==0.4.13
#   python test/golden/eval/makeResults.py
import glob
import json
import os
import random
import tempfile

import lm_eval
from lm_eval.loggers import EvaluationTracker
from lm_eval.models.dummy import DummyLM
from lm_eval.tasks import TaskManager

ROWS = {
    "colours": [
        {"question": "Which colour has the sky — “usually”?", "choices": ["blue", "grün", "red"], "answer": 0, "weights": []},
        {"question": "Which is warm?\n\tSay.", "choices": ["blue", "orange\u00a0red"], "answer": 1, "weights": [1, 2]},
        {"question": "Which is the 🟢 one?", "choices": ["red", "green", "a", "b"], "answer": 1, "weights": [3]},
    ],
    "shapes": [
        {"question": "How many corners has a square?", "choices": ["3", "4"], "answer": 1},
        {"question": "Round?", "choices": ["circle", "square"], "answer": 0},
    ],
    "sums": [
        {"question": "1 + 1?", "answer": "2, so\n#### 2"},
        {"question": "2 + 5?", "answer": "#### 7"},
        {"question": "a / \"b\" \\ c", "answer": "#### 1,000"},
    ],
}
CHOICE = """
task: {name}
task_alias: the {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {file}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}\\nAnswer:"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: answer
num_fewshot: 0
metric_list: [{{metric: acc}}, {{metric: acc_norm}}]
metadata: {{version: 1.0}}
"""
TEXT = """
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {file}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
num_fewshot: 0
generation_kwargs: {{until: ["Q:"], do_sample: false, temperature: 0.0}}
metric_list: [{{metric: exact_match, ignore_case: true, regexes_to_ignore: ["(?s).*#### "]}}]
filter_list:
  - {{name: first, filter: [{{function: regex, regex_pattern: "([0-9,]+)"}}, {{function: take_first}}]}}
  - {{name: last, filter: [{{function: regex, regex_pattern: "([0-9,]+)", group_select: -1}}, {{function: take_first}}]}}
metadata: {{version: 2.0}}
"""
GROUP = """
group: looks
group_alias: what things look like
task: [colours, shapes]
aggregate_metric_list: [{metric: acc, weight_by_size: true}, {metric: acc_norm, weight_by_size: false}]
metadata: {version: 3}
"""

folder = tempfile.mkdtemp()
for name, rows in ROWS.items():
    data = os.path.join(folder, f"{name}.jsonl")
    with open(data, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    with open(os.path.join(folder, f"{name}.yaml"), "w") as file:
        file.write((TEXT if name == "sums" else CHOICE).format(name=name, file=data))
with open(os.path.join(folder, "looks.yaml"), "w") as file:
    file.write(GROUP)


class Numbers(DummyLM):
    """A dummy that writes numbers, and likelihoods of every size."""

    def generate_until(self, requests, disable_tqdm=False):
        return [f"It is {random.randint(1, 9)}, or 2" for _ in requests]

    def loglikelihood(self, requests, disable_tqdm=False):
        return [(-random.choice([1e-5, 3.0, 0.25, 12.5, 1e16]) * random.randint(1, 3), random.random() < 0.5) for _ in requests]


tracker = EvaluationTracker(output_path=folder)
tasks = ["looks", "sums"]
evaluated = lm_eval.simple_evaluate(
    Numbers(), tasks=tasks, task_manager=TaskManager(include_path=folder), evaluation_tracker=tracker
)
samples = evaluated.pop("samples")
tracker.save_results_aggregated(results=evaluated, samples=samples)
for task in samples:
    tracker.save_results_samples(task_name=task, samples=samples[task])

written = json.load(open(glob.glob(os.path.join(folder, "**", "results_*.json"), recursive=True)[0]))
KEPT = ["results", "groups", "group_subtasks", "versions", "n-shot", "higher_is_better", "n-samples", "task_hashes"]
golden = {
    "keys": list(written),
    "results": {key: written[key] for key in KEPT},
    "samples": {
        task: [json.loads(line) for line in open(glob.glob(os.path.join(folder, "**", f"samples_{task}_*.jsonl"), recursive=True)[0])]
        for task in samples
    },
}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "results.json")
with open(path, "w", encoding="utf-8") as file:
    json.dump(golden, file, ensure_ascii=False, indent=1)
    file.write("\n")
