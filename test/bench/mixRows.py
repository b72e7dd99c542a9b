# The inputs of mixScale.ts: rows like those of orca-math in Parquet (20,000 a row group), and a JSON array like that of
# MetaMathQA.   python test/bench/mixRows.py FOLDER ROWS JSON_MB
import json
import random
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

folder, rows, megabytes = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
folder.mkdir(parents=True, exist_ok=True)
draw = random.Random(0)
words = [w for w in "a the if each of then hens ducks sum total number price sells more less twice half day week gives "
         "takes finds how many what is left Therefore Step Let x y find calculate multiply divide add subtract".split()]


def text(low, high):
    length = draw.randint(low, high)
    return " ".join(draw.choices(words, k=length)) + f" {draw.randint(0, 10**9)}."


# Texts are drawn in pieces and put together anew, as a million drawn word by word would take minutes.
questions, answers = [text(10, 25) for _ in range(20000)], [text(20, 60) for _ in range(20000)]
schema = pa.schema([("question", pa.string()), ("answer", pa.string())])
for codec in ("snappy", "zstd"):
    with pq.ParquetWriter(folder / f"{codec}.parquet", schema, compression=codec) as writer:
        for start in range(0, rows, 20000):
            count = min(20000, rows - start)
            columns = [[f"{draw.choice(texts)} {draw.choice(texts)} ({start + n})" for n in range(count)] for texts in (questions, answers)]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=20000)
with open(folder / "array.json", "w") as file:
    file.write("[")
    while file.tell() < megabytes * 1e6:
        question = draw.choice(questions)
        row = {
            "query": f"{question} {draw.randint(0, 10**9)}", "response": f"{draw.choice(answers)}\n{draw.choice(answers)}\nThe answer is: \"{draw.random()}\" \u00e9",
            "type": draw.choice(["GSM_SV", "MATH_AnsAug", "GSM_Rephrased"]), "original_question": question,
        }
        file.write(("" if file.tell() < 2 else ",\n") + json.dumps(row, indent=4))
    file.write("]\n")
