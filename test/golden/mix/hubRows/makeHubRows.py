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

# The columns of public datasets of R1's traces. R1's own answer is `a`; a person's, which must not follow R1's trace, is
# `human`, and what another model wrote is `other`.
texts = pa.list_(pa.string())
own = "<think>\nt\n</think>\n\na"
marked = "<|begin_of_thought|>\n\nt\n\n<|end_of_thought|>\n\n<|begin_of_solution|>\n\na\n\n<|end_of_solution|>"
asks = "Structure your response into two main sections: Thought and Solution. <|begin_of_thought|> {thought} <|end_of_thought|>"
talk = lambda answer, user="user", assistant="assistant": [{"from": user, "value": "q"}, {"from": assistant, "value": answer}]


def share_talks(*talks):
    return pa.array(talks, pa.list_(share))


write("openThoughts114k.parquet", {"system": [asks] * 2, "conversations": share_talks(talk(marked), talk("a"))}, [own, "a"])
write(
    "openThoughts114kMetadata.parquet",
    {
        "problem": ["q"] * 4, "deepseek_reasoning": ["t", None, "t", "t"], "deepseek_solution": ["a", "a", None, own],
        "ground_truth_solution": ["human"] * 4, "domain": ["math"] * 4, "source": ["numina"] * 4,
        "test_cases": nulls(4), "starter_code": nulls(4),
    },
    [own, "no_reasoning", "no_response", own],
)
write(
    "openThoughts2.parquet",
    {"conversations": share_talks(talk(own)), "question": ["q"], "source": ["x"], "id": [1]},
    [own],
)
# The shape of mlfoundations-dev, from which OpenThoughts2 and 3 were made.
write(
    "openThoughtsA1.parquet",
    {
        "instruction_seed": ["q"] * 3, "solution": [None, "human", "human"], "answer": [None, "4", "4"],
        "reasoning": ["t", "t", None], "deepseek_solution": ["a", "a", None], "__original_row_idx": [1, 2, 3],
        "final_reasoning_trace": [own] * 3, "conversations": share_talks(*[talk(own, "human", "gpt")] * 3),
    },
    [own, own, own],
)
write(
    "judgedStratos.parquet",
    {
        "problem": ["q"], "reasoning": ["t"], "deepseek_solution": ["a"], "ground_truth_solution": ["human"],
        "correct": [True], "judge_reasoning": ["other"],
    },
    [own],
)
write("stratos17k.parquet", {"system": [asks], "conversations": share_talks(talk(marked))}, [own])
write(
    "s1K.parquet",
    {
        "solution": ["human"] * 2, "question": ["q"] * 2, "cot_type": ["math"] * 2, "source_type": ["x"] * 2,
        "metadata": ["{}"] * 2, "cot": nulls(2), "thinking_trajectories": pa.array([["t"], []], texts), "attempt": ["a", "a"],
    },
    [own, "no_reasoning"],
)
write(
    "s1K11.parquet",
    {
        "solution": ["human"], "question": ["q"], "cot_type": ["math"], "source_type": ["x"], "metadata": ["{}"],
        "gemini_thinking_trajectory": ["other"], "gemini_attempt": ["other"],
        "deepseek_thinking_trajectory": ["t"], "deepseek_attempt": ["a"], "gemini_grade": ["Yes"], "deepseek_grade": ["Yes"],
    },
    [own],
)
# Messages hold the prompt alone.
write(
    "dolphinR1.parquet",
    {
        "messages": pa.array([[{"content": "q", "role": "user"}], chat("a")], pa.list_(turn)),
        "reasoning": ["t", "t"], "answer": ["a", "4"], "model": ["deepseek-reasoner"] * 2,
    },
    [own, "a"],
)
info = pa.struct([("think_content", pa.string()), ("answer_content", pa.string())])
told = pa.struct([("role", pa.string()), ("content", pa.string()), ("info", info)])
write(
    "amR1Distilled.parquet",
    {
        "messages": pa.array(
            [[{"role": "user", "content": "q", "info": None}, {"role": "assistant", "content": own, "info": {"think_content": "t", "answer_content": "a"}}]],
            pa.list_(told),
        )
    },
    [own],
)
write(
    "magpieReasoning.parquet",
    {
        "conversation_id": ["x"], "instruction": ["q"], "response": [own], "conversations": share_talks(talk(own, "human", "gpt")),
        "gen_input_configs": [{"seed": None}], "gen_response_configs": [{"seed": None}], "input_quality": ["good"],
    },
    [own],
)
write(
    "numinaCoT.parquet",
    {"source": ["x"], "problem": ["q"], "solution": ["s"], "messages": pa.array([chat("s")], pa.list_(turn))},
    ["s"],
)
# NVIDIA's code traces: `solution` is the code alone, `output` all that R1 said.
write("openCodeReasoning.parquet", {"id": ["x"], "input": ["q"], "output": [own], "solution": ["code"]}, [own])
# Several traces and answers of one prompt, in step.
write(
    "severalTraces.parquet",
    {
        "problem": ["q"], "generations": pa.array([["other", "a"]], texts), "reasoning": pa.array([[None, "t"]], texts),
    },
    [own],
)
# As pandas writes it: all rows in one group, several pages.
text = [f"text {n % 101}" if n % 7 else None for n in range(45000)]
pq.write_table(pa.table({"text": text}), here / "oneGroup.parquet", compression="zstd", row_group_size=45000, data_page_size=1 << 12)
(here / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
