"""Prints what huggingface_hub reads of a model card. Usage: python readCard.py README.md"""
import json
import sys

from huggingface_hub import ModelCard

data = ModelCard.load(sys.argv[1]).data
results = [[r.dataset_type, r.metric_type, r.metric_value] for r in data.eval_results or []]
named = {"license": data.license, "base_model": data.base_model, "model_name": data.model_name}
print(json.dumps({**named, "results": results}))
