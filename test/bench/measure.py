# What both references take from bench.ts and print for it: a JSON line {"seconds"} a repetition after two to warm up,
# with the {"loadingSeconds"} among them that a step gives back, then {"peakBytes"}, the most memory the process ever had.
import argparse
import json
import re
import time


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--length", type=int, required=True)
    parser.add_argument("--repeats", type=int, required=True)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--hqq", action="store_true")
    parser.add_argument("--recompute", action="store_true")
    return parser.parse_args()


def measure(step, repeats):
    for _ in range(2):
        step()
    for _ in range(repeats):
        start = time.perf_counter()
        loading = step()
        seconds = {"seconds": time.perf_counter() - start}
        print(json.dumps(seconds if loading is None else {**seconds, "loadingSeconds": loading}), flush=True)
    with open("/proc/self/status") as status:
        peak_kib = int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1])
    print(json.dumps({"peakBytes": peak_kib * 1024}), flush=True)
