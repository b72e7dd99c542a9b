# Reads a shard of the logits cache without our code: readShard.py SHARD HEAD.
# HEAD is the TypeScript module whose opening comment has the reader in Python; that very text is run here. Printed as
# JSON, infinities as null: schema, the rows as pyarrow and as polars give them, and what the reader makes of each
# position. test/logits/logitsShard.test.ts compares that with what was written.
import json
import math
import re
import sys

import polars as pl
import pyarrow as pa


def plain(value):
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and math.isinf(value) else value


shard, head = sys.argv[1:]
comment = open(head).read().split("\nimport ")[0]
reader = re.findall(r"^//   (.*)$", comment.split("In Python")[1], re.M)
assert len(reader) == 10, reader
positions = []
code = "\n".join(reader).replace("shard.arrow", shard)
code += "\n        positions.append([row['id'], p, tokens.tolist(), found.tolist()])"
exec(code)

with pa.OSFile(shard, "rb") as file:
    table = pa.ipc.open_file(file).read_all()
table.validate(full=True)
result = {
    "metadata": {key.decode(): value.decode() for key, value in table.schema.metadata.items()},
    "types": {field.name: str(field.type) for field in table.schema},
    "pyarrow": table.to_pylist(),
    "polars": pl.read_ipc(shard).to_dicts(),
    "positions": positions,
}
print(json.dumps(plain(result)))
