# Reads a shard of the logits cache with pyarrow alone and prints it as JSON: ids joined, infinities as null, float16
# values as the float64 they stand for. test/logits/logitsShard.test.ts compares that with what was written.
import json
import math
import sys

import numpy as np
import pyarrow as pa

with pa.OSFile(sys.argv[1], 'rb') as file:
    table = pa.ipc.open_file(file).read_all()
table.validate(full=True)


def plain(values):
    return [None if math.isinf(value) else float(value) for value in values]


rows = []
for row in table.to_pylist():
    ids = np.array(row['ids_high'], np.int64) * 65536 + np.array(row['ids_low'], np.int64)
    floats = {name: plain(row[name]) for name in row if name.startswith('log')}
    rows.append({'id': row['id'], 'k': row['k'], 'ids': ids.tolist(), **floats})
metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
types = {field.name: str(field.type) for field in table.schema}
print(json.dumps({'metadata': metadata, 'types': types, 'rows': rows}))
