"""Makes small Parquet files with the column types of datasets on the Hub, and what is to be read from them.
pyarrow 26: python test/golden/mix/hubRows/makeHubRows.py"""
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

here = Path(__file__).parent
turn = pa.struct([("content", pa.string()), ("role", pa.string())])
trace = "<think>\nOkay, 2+2.\n</think>\n\nThe answer is 4."
chat = lambda answer: [{"content": "q", "role": "user"}, {"content": answer, "role": "assistant"}]
expected = {}


def write(name, columns, conversations, **options):
    """`conversations`: of each row the response, or the reason why there is none; the prompt is always q."""
    pq.write_table(pa.table(columns), here / name, **options)
    expected[name] = conversations


nulls = lambda n: pa.nulls(n)  # columns of type null, as the Hub has them where nothing is known
write(
    "r1DistillV0.parquet",
    {
        "id": ["a", "b", "c"], "reannotated_assistant_content": [trace, None, ""], "problem": ["q", "q", "q"],
        "source": ["x", "y", "z"], "solution": ["4", "4", None], "verified": nulls(3), "quality_metrics": nulls(3),
    },
    [trace, "no_response", "no_response"],
    compression="snappy",
)
write(
    "r1DistillV1.parquet",
    {
        "reannotated_messages": pa.array([chat(trace), None, chat(None), []], pa.list_(turn)),
        "problem": ["q"] * 4, "reannotated_assistant_content": [trace, "from the content", None, None],
        "verified": pa.array([True, None, False, None]), "quality_metrics": pa.array([{"reward": 0.5}, None, {"reward": None}, None]),
    },
    [trace, "from the content", "no_response", "no_response"],
    row_group_size=2,
    compression="zstd",
)
write(
    "openR1.parquet",
    {
        "problem": ["q", "q", "q"], "solution": ["s", "s", "s"], "answer": ["4", "4", "4"],
        "generations": pa.array([[None, trace], [], None], pa.list_(pa.string())),
        "correctness_math_verify": pa.array([[False, True], [], None], pa.list_(pa.bool_())),
        "messages": pa.array([chat("other"), chat("a"), None], pa.list_(turn)),
    },
    [trace, "a", "s"],
    compression="snappy",
    data_page_version="2.0",
)
share = pa.struct([("from", pa.string()), ("value", pa.string())])
write(
    "shareGpt.parquet",
    {"conversations": pa.array([[{"from": "human", "value": "q"}, {"from": "gpt", "value": trace}]], pa.large_list(share)), "n": [2**40]},
    [trace],
    compression="gzip",
)
# As pandas writes it: all rows in one group, several pages.
text = [f"text {n % 101}" if n % 7 else None for n in range(45000)]
pq.write_table(pa.table({"text": text}), here / "oneGroup.parquet", compression="zstd", row_group_size=45000, data_page_size=1 << 12)
(here / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
