# Logits of an adapter over its base, by PEFT, and of the merged model, by transformers; for exportAdapter.test.ts.
#   peftLogits.py BASE ADAPTER MERGED LOGITS.f32 ID ID ...
# LOGITS gets [2, T, V] in float32; stdout the names of what PEFT found no place for or no values of.
import sys

import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors import safe_open
from transformers import AutoModelForCausalLM

base, adapter, merged, logits_file, *ids = sys.argv[1:]
load = lambda folder: AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
peft = PeftModel.from_pretrained(load(base), adapter).eval()
ids = torch.tensor([[int(i) for i in ids]])
with torch.no_grad(), open(logits_file, "wb") as out:
    for model in (peft, load(merged)):
        out.write(model(ids).logits[0].numpy().tobytes())
with safe_open(adapter + "/adapter_model.safetensors", "pt") as file:
    print(*sorted(set(file.keys()) ^ set(get_peft_model_state_dict(peft))))
