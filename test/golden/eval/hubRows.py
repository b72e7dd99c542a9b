# Writes hub/: two made-up datasets in the Hub's layout, as pyarrow writes Parquet, for test/eval/loadTask.test.ts.
# Run with a Python that has pyarrow: python test/golden/eval/hubRows.py
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HUB = Path(__file__).parent / "hub"

QUESTIONS = {
    "question": ["Which?", "What?"],
    "subject": ["anatomy", "anatomy"],
    "choices": [["a", "b", "c", "d"], ["e", "f", "g", "h"]],
    "answer": pa.array([2, 0], pa.int64()),
}
SCIENCE = {
    "id": ["x1", "x2"],
    "question": ["Up?", "Down?"],
    "choices": [{"text": ["yes", "no"], "label": ["1", "2"]}, {"text": ["no", "yes"], "label": ["A", "B"]}],
    "answerKey": ["2", "A"],
}
MYSTERY = {
    "narrative": ["Once."],
    "question": ["Who?"],
    "choices": ["['Ann', 'Bob']"],
    "answer_index": pa.array([1], pa.int64()),
    "answer_choice": ["Bob"],
}


def write(file, columns):
    path = HUB / file
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


write("mmlu/anatomy/test-00000-of-00001.parquet", QUESTIONS)
write("mmlu/anatomy/dev-00000-of-00001.parquet", {**QUESTIONS, "question": ["Dev?", "Else?"]})
write("ai2_arc/ARC-Challenge/test-00000-of-00001.parquet", SCIENCE)
# MuSR itself is CSV; the Hub's converted copy lies on a branch of its own.
write("MuSR-converted/default/murder_mysteries/0000.parquet", MYSTERY)
(HUB / "MuSR").mkdir(exist_ok=True)
(HUB / "MuSR/murder_mystery.csv").write_text("narrative,question,choices,answer_index,answer_choice\n")
