"""Prints what huggingface_hub reads of a model card. Usage: python readCard.py README.md"""
import json
import sys

from huggingface_hub import ModelCard

data = ModelCard.load(sys.argv[1]).data
results = [vars(result) for result in data.eval_results or []]
named = {"license": data.license, "base_model": data.base_model, "model_name": data.model_name}
print(json.dumps({**named, "results": results}))
