# What both references print for bench.ts: a JSON line {"seconds"} a repetition after one warm-up, then {"peakBytes"}.
import json
import re
import time


def measure(step, repeats):
    step()
    for _ in range(repeats):
        start = time.perf_counter()
        step()
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)
    with open("/proc/self/status") as status:
        peak_kib = int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1])
    print(json.dumps({"peakBytes": peak_kib * 1024}), flush=True)
