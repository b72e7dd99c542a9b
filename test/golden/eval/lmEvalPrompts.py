# What lm_eval 0.4.13 asks a model: its own task objects on local files, without a model. Reads cases, writes for each the
# items of its tasks. How prompts.json is made (in the root of the repository, with a Python that has lm_eval[hf]):
#   python test/golden/eval/lmEvalPrompts.py test/golden/eval/cases.json test/golden/eval/prompts.json
import itertools
import json
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

# A cache of its own, emptied for each case: GPQA's shuffled rows are kept in it, and would be taken for another run's.
cache = tempfile.TemporaryDirectory()
os.environ.update(HF_HOME=cache.name, HF_HUB_OFFLINE="1", TQDM_DISABLE="1")

from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

manager = TaskManager()


def data_files(case, task):
    """The files of a task, which a case may name for a group by the beginning of its tasks' names."""
    config = task.removeprefix("leaderboard_bbh_").removeprefix("mmlu_")
    files = next(files for name, files in case["data"].items() if task.startswith(name))
    return {split: str(Path(file.replace("{{dataset_config}}", config)).resolve()) for split, file in files.items()}


def load(case, name):
    files = {"data_files": data_files(case, name)}
    local = {"dataset_path": "json", "dataset_name": None, "dataset_kwargs": files}
    task = manager._factory.build(manager.task_index[name], overrides=local, registry=manager.task_index)
    own = task.get_config("num_fewshot")
    if own != 0:  # 0 in a task's file is not overridden
        task.set_config("num_fewshot", case.get("numFewshot", own or 0))
    task.set_fewshot_seed(1234)
    return task


def chat_template(case):
    """HFLM's own method, with a tokenizer that has nothing but the template."""
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), bos_token="<s>", eos_token="</s>")
    tokenizer.chat_template = Path(case["template"]).read_text()
    stub = SimpleNamespace(tokenizer=tokenizer, chat_template_args={})
    return lambda messages, **kwargs: HFLM.apply_chat_template(stub, messages, **kwargs)


def items(case, task):
    task.build_all_requests(
        limit=case.get("limit"),
        system_instruction=case.get("systemPrompt"),
        apply_chat_template="template" in case,
        fewshot_as_multiturn=case.get("fewshotAsMultiturn", True),
        chat_template=chat_template(case) if "template" in case else None,
    )
    for _, group in itertools.groupby(task.instances, lambda instance: instance.doc_id):
        group = list(group)
        generates = task.OUTPUT_TYPE == "generate_until"
        yield {
            "target": str(task.doc_to_target(group[0].doc)),
            "requests": [instance.args[:1] if generates else instance.args for instance in group],
        }


def run(case):
    shutil.rmtree(Path(cache.name) / "datasets", ignore_errors=True)
    random.seed(0)  # as simple_evaluate does before it loads the tasks
    tasks = {name: load(case, name) for name in case["tasks"]}
    return [{"task": name, "items": list(items(case, task))} for name, task in tasks.items()]


cases = json.loads(Path(sys.argv[1]).read_text())
results = {case["name"]: run(case) for case in cases}
Path(sys.argv[2]).write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n")
