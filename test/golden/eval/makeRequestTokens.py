# Writes requestTokens.json: what lm-evaluation-harness 0.4.13's own code makes of contexts and continuations with the
# tokenizers of ../mix (tiny-r1 puts a BOS in front). Needs `pip install lm_eval==0.4.13 torch transformers`.
#   python test/golden/eval/makeRequestTokens.py
import json
from pathlib import Path
from types import SimpleNamespace

from lm_eval.models.huggingface import HFLM
from transformers import PreTrainedTokenizerFast

HERE = Path(__file__).parent
PAIRS = [
    ("Question: 2 + 2 =", " 4"),
    ("Question: 2 + 2 = ", "4"),
    ("ends in white space\n\n", "Answer"),
    ("ends in\u3000\u00a0", "wide spaces"),
    ("not space to Python\ufeff", " zero width"),
    ("space to Python\x1c\x85", " separators"),
    ("The quick brown", " fox jumps"),
    ("The quick bro", "wn fox"),
    ("", "no context at all"),
    ("", "BOS begins it"),
    ("BOS begins the context", " twice?"),
    ("EOS begins the context", " twice?"),
    ("Ünïcödé 字", " 漢字 🙂"),
]
CONTEXTS = ["plain", "BOS begins it", " leading and trailing ", "a longer one: " + "word " * 20]
MAX_LENGTH = 24


def requests_of(folder):
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    model = HFLM.__new__(HFLM)
    model.tokenizer, model.backend = tokenizer, "causal"
    model.add_bos_token, model.custom_prefix_token_id, model.enable_thinking = None, None, False
    model._loglikelihood_tokens = lambda requests, **_: requests
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    named = lambda text: text.replace("BOS", tokenizer.bos_token or "BOS").replace("EOS", tokenizer.eos_token)
    pairs = [(named(context), named(continuation)) for context, continuation in PAIRS]
    tokens = model.loglikelihood([SimpleNamespace(args=pair) for pair in pairs], disable_tqdm=True)
    likelihoods = [
        {
            "context": context,
            "continuation": continuation,
            # as _loglikelihood_tokens cuts them
            "ids": (context_ids + continuation_ids)[-(MAX_LENGTH + 1) :],
            "targets": len(continuation_ids),
        }
        for (context, continuation), (_, context_ids, continuation_ids) in zip(pairs, tokens, strict=True)
    ]
    generations = [
        {
            "context": named(context),
            "ids": model.tok_batch_encode([named(context)], left_truncate_len=MAX_LENGTH - 8)[0][0].tolist(),
        }
        for context in CONTEXTS
    ]
    return {"likelihoods": likelihoods, "generations": generations}


goldens = {name: requests_of(HERE / "../mix" / name) for name in ["tiny-chatml", "tiny-r1"]}
text = json.dumps({"maxLength": MAX_LENGTH, "maxNewTokens": 8, **goldens}, indent=1, ensure_ascii=True)
(HERE / "requestTokens.json").write_text(text + "\n")
