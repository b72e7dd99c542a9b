"""Makes the tiny tokenizers, the small data files and the expected values in this folder.
transformers 5.23, tokenizers 0.23, pyarrow 26: python test/golden/mix/makeGoldens.py"""
import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from tokenizers import AddedToken
from transformers import PreTrainedTokenizerFast

here = Path(__file__).parent

# --- tokenizers -------------------------------------------------------------------------------------------------
corpus = """A farmer has 12 hens and 7 ducks. How many birds does the farmer have in total?
Write a function that returns the sum of a list of numbers. def total(numbers): return sum(numbers)
Okay, so I need to find the number of birds. Let me think. The answer is 19. Therefore, the answer is 19.
You are a helpful assistant. Please reason step by step, and put the final answer last.
If the train leaves at 9 and takes 3 hours, then it arrives at 12. Wait, is that right? Yes, it is.
There are three apples, four pears and five plums in the basket; she eats two of them every day.""".split("\n")

chatml = """{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system
You are a helpful assistant<|im_end|>
' }}{% endif %}{{'<|im_start|>' + message['role'] + '
' + message['content'] + '<|im_end|>' + '
'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant
' }}{% endif %}"""

# The shape of the R1 distills' template: history loses its thinking, the generation prompt opens the next one.
r1 = """{%- set ns = namespace(system='') -%}
{%- for message in messages -%}{%- if message['role'] == 'system' -%}{%- set ns.system = message['content'] -%}{%- endif -%}{%- endfor -%}
{{ bos_token }}{{ ns.system }}
{%- for message in messages -%}
  {%- if message['role'] == 'user' -%}{{ '<｜User｜>' + message['content'] }}{%- endif -%}
  {%- if message['role'] == 'assistant' -%}
    {%- set content = message['content'] -%}
    {%- if '</think>' in content -%}{%- set content = content.split('</think>')[-1] -%}{%- endif -%}
    {{ '<｜Assistant｜>' + content + '<｜end▁of▁sentence｜>' }}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<｜Assistant｜><think>\\n' }}{%- endif -%}"""


def train(special, plain, digits):
    tokenizer = Tokenizer(models.BPE())
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = (
        pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level]) if digits else byte_level
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=380, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in plain])
    return tokenizer


def save(folder, tokenizer, config, files):
    folder = here / folder
    folder.mkdir(exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    (folder / "tokenizer_config.json").write_text(json.dumps(config, ensure_ascii=False, indent=1) + "\n")
    for name, text in files.items():
        (folder / name).write_text(text)


save(
    "tiny-chatml",
    train(["<|endoftext|>", "<|im_start|>", "<|im_end|>"], [], digits=True),
    {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "chat_template": chatml},
    {},
)
r1_tokenizer = train(
    ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>"], ["<think>", "</think>"], digits=False
)
r1_tokenizer.post_processor = processors.TemplateProcessing(
    single="<｜begin▁of▁sentence｜> $A", special_tokens=[("<｜begin▁of▁sentence｜>", 0)]
)
special = lambda content: {"__type": "AddedToken", "content": content, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
save(
    "tiny-r1",
    r1_tokenizer,
    {"bos_token": special("<｜begin▁of▁sentence｜>"), "eos_token": special("<｜end▁of▁sentence｜>")},
    {"chat_template.jinja": r1},
)

texts = [
    "Hello world", "", " 12 hens,\n\n7 ducks", "naïve 😀 日本語\t\r\n", "def f(x):\n    return x  # ok", "a<|im_end|>b",
    "<think>\nhm\n</think>\n\n19", "1234567.89", "\u2028 line", "  <｜User｜> x",
]
user = lambda content: {"role": "user", "content": content}
assistant = lambda content: {"role": "assistant", "content": content}
system = lambda content: {"role": "system", "content": content}
chats = [
    [user("hi")],
    [system("Be brief."), user("How many birds?")],
    [user("2+2?"), assistant("4"), user("and 3+3?")],
    [user("2+2?"), assistant("<think>\nhm\n</think>\n\n4"), user("and 3+3?"), assistant("6")],
]
# What a training sample must hold: rendered prompt, raw response, the template's end token.
samples = [
    {"messages": [user("2+2?")], "response": "4"},
    {"messages": [user("2+2?")], "response": "<think>\nOkay, so 2+2 is 4.\n</think>\n\nThe answer is 4."},
    {"messages": [user("2+2?")], "response": "Okay, so 2+2 is 4.\n</think>\n\nThe answer is 4."},
    {"messages": [system("Be brief."), user("a"), assistant("<think>x</think>b"), user("c")], "response": "<think>y</think>d"},
    {"messages": [user("naïve 😀?")], "response": "日本語 \n"},
]


def sample(tokenizer, end, messages, response, opens_thinking):
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    if opens_thinking and "</think>" not in response:
        prompt = prompt.removesuffix("<think>\n")
    elif opens_thinking:
        response = response.removeprefix("<think>").removeprefix("\n") if response.startswith("<think>") else response
    given, learned = (tokenizer.encode(text, add_special_tokens=False) for text in (prompt, response))
    ids = given + learned + [end]
    mask = [0] * len(given) + [1] * (len(learned) + 1)
    digest = hashlib.sha256(b"".join(i.to_bytes(4, "little", signed=True) for i in ids) + bytes(mask)).hexdigest()
    return {"prompt": prompt, "response": response, "tokenIds": ids, "lossMask": mask, "id": digest[:32]}


goldens = {}
for folder, opens_thinking in (("tiny-chatml", False), ("tiny-r1", True)):
    config = json.loads((here / folder / "tokenizer_config.json").read_text())
    content = lambda token: token["content"] if isinstance(token, dict) else token
    template = here / folder / "chat_template.jinja"
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(here / folder / "tokenizer.json"),
        bos_token=content(config["bos_token"]),
        eos_token=content(config["eos_token"]),
        chat_template=template.read_text() if template.exists() else config["chat_template"],
    )
    raw = Tokenizer.from_file(str(here / folder / "tokenizer.json"))
    end = tokenizer.eos_token_id
    goldens[folder] = {
        "vocabularySize": raw.get_vocab_size(with_added_tokens=True),
        "endOfTurn": tokenizer.eos_token,
        "texts": [
            {
                "text": text,
                "ids": raw.encode(text, add_special_tokens=False).ids,
                "idsWithSpecial": raw.encode(text).ids,
                "decoded": raw.decode(raw.encode(text, add_special_tokens=False).ids, skip_special_tokens=False),
                "decodedSkipSpecial": raw.decode(raw.encode(text).ids, skip_special_tokens=True),
            }
            for text in texts
        ],
        "chats": [
            {
                "messages": messages,
                "addGenerationPrompt": generate,
                "text": tokenizer.apply_chat_template(messages, add_generation_prompt=generate, tokenize=False),
                "ids": tokenizer.apply_chat_template(messages, add_generation_prompt=generate, return_dict=False),
            }
            for messages in chats
            for generate in (False, True)
        ],
        "samples": [{**case, "expected": sample(tokenizer, end, **case, opens_thinking=opens_thinking)} for case in samples],
    }
(here / "tokenizers.json").write_text(json.dumps(goldens, ensure_ascii=False) + "\n")

# --- data files -------------------------------------------------------------------------------------------------
rows = here / "rows"
rows.mkdir(exist_ok=True)
expected = {}


def parquet(name, table, **options):
    pq.write_table(table, rows / name, **options)
    expected[name] = table.to_pylist()


question = [f"How many legs have {n} hens?" if n % 7 else None for n in range(40)]
answer = [["It is even.", "", None, "Two each."][n % 4] for n in range(40)]
parquet("orca.parquet", pa.table({"question": question, "answer": answer}), row_group_size=16, compression="snappy")
parquet(
    "numina.parquet",
    pa.table({"problem": ["p1", "p2 é", None], "reasoning": ["r1", None, "r3"], "solution": ["s1", "s2", "s3"], "n": [1, 2, 3]}),
    compression="zstd",
)
turn = pa.struct([("content", pa.string()), ("role", pa.string())])
turns = pa.array(
    [
        [user("q1"), assistant("<think>\nt\n</think>\n\na1")],
        [],
        None,
        [user("q4"), {"role": "assistant", "content": None}],
        [None, user("q5")],
        [system("s"), user("q6"), assistant("a6"), user("q7"), assistant("a7")],
    ],
    pa.list_(turn),
)
parquet(
    "r1.parquet",
    pa.table({"reannotated_messages": turns, "problem": pa.array(["p"] * 6).dictionary_encode(), "source": ["x", "y", "x", "y", "x", None]}),
    row_group_size=4,
    compression="gzip",
)
parquet(
    "plain.parquet",
    pa.table({"a": ["x" * 300, "日本語 😀", ""], "b": [True, None, False], "c": [0.5, None, -1.0]}),
    use_dictionary=False,
    compression="none",
    data_page_version="2.0",
)

meta = [{"query": f"What is {n}+1? é😀", "response": f"It is {n + 1}.\n\"quoted\" \\ \u2028", "type": None} for n in range(12)]
(rows / "meta.json").write_text(json.dumps(meta, indent=4))
(rows / "evol.json").write_text("  " + json.dumps(meta[:3], ensure_ascii=False) + "\n")
lines = [json.dumps(row, ensure_ascii=False) for row in meta[:4]]
(rows / "lines.jsonl").write_text(lines[0] + "\n\n" + lines[1] + "\r\n" + lines[2] + "\n" + lines[3])
(rows / "linesNamedJson.json").write_text("\n".join(lines) + "\n")
expected |= {"meta.json": meta, "evol.json": meta[:3], "lines.jsonl": meta[:4], "linesNamedJson.json": meta[:4]}
(rows / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")
