# Reference of evalSpeed.ts: a task as lm-evaluation-harness 0.4.13 runs it (hf, CPU, float32) on local files. Prints the
# seconds its model took for all requests, tokenization included, and peak memory; writes requests with their answers.
import argparse
import json
import re
import tempfile
import time
from pathlib import Path

import lm_eval
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

SITE_PACKAGES = str(Path(lm_eval.__file__).parent.parent)
RENAMED = {"fewshot_pool_rows500-999": "fewshot_pool", "eval_rows0-499": "eval"}


def local_tasks(shared, folder):  # the overrides of shared/lm_eval/tasks with the paths of this machine
    for file in (shared / "lm_eval/tasks").iterdir():
        text = file.read_text().replace("KIT/venv/lib/python3.11/site-packages", SITE_PACKAGES)
        text = text.replace("KIT/data", str(shared / "data"))
        for before, after in RENAMED.items():
            text = text.replace(before, after)
        (Path(folder) / file.name).write_text(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--task", required=True)
    parser.add_argument("--shots", type=int, required=True)
    parser.add_argument("--limit", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--requests", type=Path, required=True)
    given = parser.parse_args()
    model = HFLM(pretrained=given.model, device="cpu", dtype="float32", batch_size=given.batch)
    asked = []

    def timed(answer):
        def run(requests, *args, **kwargs):
            start = time.perf_counter()
            answers = answer(requests, *args, **kwargs)
            print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)
            asked.extend({"arguments": r.args, "answer": a} for r, a in zip(requests, answers, strict=True))
            return answers

        return run

    model.loglikelihood = timed(model.loglikelihood)
    model.generate_until = timed(model.generate_until)
    with tempfile.TemporaryDirectory() as folder:
        local_tasks(given.shared.resolve(), folder)
        lm_eval.simple_evaluate(
            model=model,
            tasks=[given.task],
            num_fewshot=given.shots,
            limit=given.limit,
            task_manager=TaskManager(include_path=folder),
            bootstrap_iters=0,
        )
    given.requests.write_text(json.dumps(asked))
    peak_kib = int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
    print(json.dumps({"peakBytes": peak_kib * 1024}), flush=True)


main()
