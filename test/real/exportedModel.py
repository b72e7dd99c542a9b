# Opens a model folder with transformers and writes what it says of some sequences; for exportedModel.real.ts.
#   exportedModel.py MODEL INPUT.json LOGITS.f32
# INPUT: {"sequences": [[id, ...], ...], "texts": [...], "chats": [[{role, content}, ...], ...]}. LOGITS gets float32
# logits, sequence after sequence, [T, V] each; stdout the texts' token ids and the rendered chats as JSON.
import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

model_folder, input_file, logits_file = sys.argv[1:]
given = json.load(open(input_file))
model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32).eval()
tokenizer = AutoTokenizer.from_pretrained(model_folder)
with torch.no_grad(), open(logits_file, "wb") as out:
    for ids in given["sequences"]:
        out.write(model(torch.tensor([ids])).logits[0].numpy().tobytes())
said = {
    "model": type(model).__name__,
    "tokenizer": type(tokenizer).__name__,
    "ids": [tokenizer(text, add_special_tokens=False)["input_ids"] for text in given["texts"]],
    "chats": [
        tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        for chat in given["chats"]
    ],
}
print(json.dumps(said))
