# What Python's re and lm_eval 0.4.13's filters and metrics make of small texts. Writes scores.json beside this script.
#   pip install lm_eval==0.4.13
#   python test/golden/eval/makeScores.py
import json
import os
import re

import numpy as np
import regex
from lm_eval.api.metrics import exact_match_hf_evaluate
from lm_eval.filters.extraction import RegexFilter, WhitespaceFilter
from lm_eval.tasks.truthfulqa.utils import process_results_mc2

TEXTS = [
    "It is 5.\nSo:\n#### 1,234.5\n",
    "#### -12\n#### 13",
    "$4, no: -7 or 3.",
    "costs ... $",
    "no number",
    "",
    "a.\n",
    "x² ½ ४२ ٣٤ naïve न​म",
    " \u2028padded\u00a0\x1c",
    "St. Louis {2} [a] (b) a-b\\c /d",
    "ſtraße STRASSE K k",
    "tab\tnew\r\nline\u0085end",
]
PATTERNS = [
    r"#### (\-?[0-9\.\,]+)",
    r"(-?[$0-9.,]{2,})|(-?[0-9]+)",
    r"(?s).*#### ",
    r"\.$",
    r"^\s*\S+",
    r"(?m)^.",
    r"(?m).$",
    r"\d+",
    r"\w+",
    r"\W",
    r"\s+",
    r"\bs\w*\b",
    r"(?i)[sk]",
    r"[^\w\s]",
    r"[]a-b\-]",
    r"St\. \w+ \{2}|a{b|s{1,2}",
    r"\[.*?\]|\(.\)",
    r"[\\/]",
    r"(?P<first>\S)(?:\S)",
    r"\Ax|\Z",
    r"a{1,}|b{,2}",
    r"é|.ï",
]
FILTERS = [
    {"regex_pattern": r"#### (\-?[0-9\.\,]+)"},
    {"regex_pattern": r"(-?[$0-9.,]{2,})|(-?[0-9]+)", "group_select": -1},
    {"regex_pattern": r"(z)?(y)?no", "fallback": "none"},
    {"regex_pattern": r"\s.*\s"},
]
EXACT = [
    {"regexes_to_ignore": [",", r"\$", "(?s).*#### ", r"\.$"], "ignore_case": True, "ignore_punctuation": False},
    {"ignore_case": True, "ignore_punctuation": True},
    {},
]
PAIRS = [("#### 1,234", "so\n#### 1234."), ("$5.\n", "5"), ("It's 'A'!", "its a"), ("A", "a"), ("x_y", "xy"), ("é", "É"), ("", "")]


def choices(texts, likelihoods, gold):
    """process_results of a multiple-choice task, as in lm_eval/api/task.py."""
    lls = np.array(likelihoods)
    lengths = np.array([float(len(text)) for text in texts])
    sizes = np.array([float(len(text.encode("utf-8"))) for text in texts])
    return {
        "choices": texts,
        "likelihoods": likelihoods,
        "gold": gold,
        "scores": {
            "acc": 1.0 if np.argmax(lls) == gold else 0.0,
            "acc_norm": 1.0 if np.argmax(lls / lengths) == gold else 0.0,
            "acc_bytes": 1.0 if np.argmax(lls / sizes) == gold else 0.0,
        },
    }


MASSES = [([-1.0, -2.0, -3.5], [1, 0, 1]), ([-400.0, -401.0], [0, 1]), ([-0.5], [1])]
golden = {
    "regex": [
        {"pattern": pattern, "dialect": name, "found": [module.findall(pattern, text) for text in TEXTS]}
        for name, module in (("re", re), ("regex", regex))
        for pattern in PATTERNS
    ],
    "texts": TEXTS,
    "filters": [
        {"step": {"function": "regex", **step}, "filtered": [RegexFilter(**step).apply([[text]], [{}])[0][0] for text in TEXTS]}
        for step in FILTERS
    ]
    + [{"step": {"function": "remove_whitespace"}, "filtered": [WhitespaceFilter().apply([[text]], [{}])[0][0] for text in TEXTS]}],
    "exact": [
        {"options": options, "prediction": a, "reference": b, "score": float(exact_match_hf_evaluate([a], [b], **options)["exact_match"])}
        for options in EXACT
        for a, b in PAIRS
    ],
    "choices": [
        choices(["ab", "abcd", "a"], [-3.0, -5.0, -2.0], 1),
        choices(["ab", "abcd", "a"], [-3.0, -5.0, -2.0], 2),
        choices(["🟢🟢🟢", "abcdef"], [-3.0, -5.5], 0),
        choices(["🟢🟢🟢", "abcdef"], [-3.0, -5.5], 1),
        choices(["éé", "aaa"], [-4.0, -4.0], 0),
        choices(["éé", "aaa"], [-4.0, -4.0], 1),
        choices(["a", "b"], [-1.0, -1.0], 1),
        choices(["a", "b"], [-1.0, -1.0], -100),
    ],
    "mc2": [
        {"likelihoods": lls, "labels": labels, "score": float(process_results_mc2({"mc2_targets": {"labels": labels}}, [(ll, False) for ll in lls])["acc"])}
        for lls, labels in MASSES
    ],
}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scores.json")
with open(path, "w", encoding="utf-8") as file:
    json.dump(golden, file, ensure_ascii=False, indent=1)
    file.write("\n")
