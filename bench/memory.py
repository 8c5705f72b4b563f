"""Peak memory of torch_bench.py's workloads beyond that of PyTorch itself, as memory.ts measures Glia's. Linux only.

Run: /usr/bin/python3 memory.py [--only name,name] [--threads 2]
"""
import argparse, json, os, re, runpy, sys

ap = argparse.ArgumentParser()
ap.add_argument("--only", default="resnet18_train_b16_64px")
ap.add_argument("--threads", default="2")
args = ap.parse_args()
sys.argv = ["torch_bench.py", "--threads", args.threads, "--only", "none"]
bench = runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers", "torch_bench.py"))
import torch, torchvision


def resident(field):
    with open("/proc/self/status") as f:
        return int(re.search(rf"^{field}:\s+(\d+) kB", f.read(), re.M).group(1)) * 1024


for name in args.only.split(","):
    if name not in bench["WORK"]:
        continue
    # Starts the high-water mark anew.
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")
    before = resident("VmRSS")
    step, _ = bench["WORK"][name]()
    for _ in range(10):
        step()
    print(json.dumps({"workload": name, "peer": "torch " + torch.__version__, "threads": int(args.threads),
                      "before": before, "peak": resident("VmHWM") - before}), flush=True)
