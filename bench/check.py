"""Writes what PyTorch makes of the benchmark's workloads, for `glia.ts --check` to compare with.

Run: /usr/bin/python3 check.py FOLDER [--only name,name] [--threads 2]

For each workload FOLDER/<name>.safetensors holds the weights before the first step (`weights.<model>.<key>`), the inputs
(`inputs.<n>`), for workloads that draw random numbers those of each step (`noise.<n>`), and what came out: the losses of
three training steps, or the output, computed in float64 (`exact`), and how far PyTorch's float32 is from that (`drift`, for
training the most of some runs whose inputs differ in the last bits). Its metadata has the number of parameters.
"""
import argparse, json, os, runpy, struct, sys

ap = argparse.ArgumentParser()
ap.add_argument("folder")
ap.add_argument("--only", default="")
ap.add_argument("--threads", default="2")
args = ap.parse_args()
here = os.path.dirname(os.path.abspath(__file__))
# torch_bench.py defines the networks; asked for no workload it knows, it only defines them.
sys.argv = ["torch_bench.py", "--threads", args.threads, "--only", "none"]
bench = runpy.run_path(os.path.join(here, "peers", "torch_bench.py"))

import torch

STEPS = 3
DTYPES = {torch.float64: "F64", torch.float32: "F32", torch.int64: "I64", torch.bool: "BOOL"}


def write_safetensors(path, tensors, metadata):
    """Eight bytes of header length, a JSON header with dtype, shape and byte range of each tensor, then the bytes."""
    header, parts, at = {"__metadata__": metadata}, [], 0
    # Widest first, so that every tensor is aligned.
    for name, t in sorted(tensors.items(), key=lambda item: -item[1].element_size()):
        data = t.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": DTYPES[t.dtype], "shape": list(t.shape), "data_offsets": [at, at + len(data)]}
        parts.append(data)
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for data in parts:
            f.write(data)


def parts_of(step):
    """What a step closes over, by name: its networks, batch and so on."""
    return {name: cell.cell_contents for name, cell in zip(step.__code__.co_freevars, step.__closure__ or ())}


class Drawing:
    """While it lasts, the functions that steps draw random numbers with note what they give, or give `draws` again."""

    def __init__(self, draws=None):
        self.given = draws and iter(draws)
        self.draws = []

    def __enter__(self):
        self.own = {name: getattr(torch, name) for name in ("randn", "randn_like")}
        for name, draw in self.own.items():
            setattr(torch, name, lambda *a, draw=draw, **k: self.next(draw, a, k))
        return self

    def next(self, draw, a, k):
        self.draws.append(next(self.given) if self.given else draw(*a, **k))
        return self.draws[-1]

    def __exit__(self, *_):
        for name, draw in self.own.items():
            setattr(torch, name, draw)


def double(value):
    """A network, tensor or tuple of tensors in float64; anything else as it is."""
    if isinstance(value, torch.nn.Module):
        return value.double()  # in place: its optimizer follows
    if isinstance(value, torch.Tensor):
        return value.double() if value.is_floating_point() else value
    return tuple(map(double, value)) if isinstance(value, tuple) else value


def inputs_of(parts):
    if "batch" in parts:
        return list(parts["batch"])
    return [parts[name] for name in ("x", "real", "a", "b") if name in parts]


def results(name, step):
    """The losses of the first steps, or the output."""
    if "_train_" in name:
        return torch.tensor([step() for _ in range(STEPS)], dtype=torch.float64)
    parts = parts_of(step)
    with torch.inference_mode():
        if "model" in parts:
            return parts["model"].eval()(parts["x"])
        if name.startswith("matmul"):
            return parts["a"] @ parts["b"]
    return torch.tensor(step(), dtype=torch.float64)


def jitter(value):
    """A tensor with its last bits changed, or a tuple of such; anything else as it is."""
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        return value * (1 + (torch.rand_like(value) - 0.5) * 2 ** -21)
    return tuple(map(jitter, value)) if isinstance(value, tuple) else value


def again(name, make, draws, change):
    """The results of the same steps with what they close over changed."""
    torch.manual_seed(0)
    step, _ = make()
    for cell in step.__closure__ or ():
        cell.cell_contents = change(cell.cell_contents)
    with Drawing([change(t) for t in draws]):
        return results(name, step)


def write(name, make):
    torch.manual_seed(0)
    step, params = make()
    parts = parts_of(step)
    models = {key: m for key, m in parts.items() if isinstance(m, torch.nn.Module)}
    tensors = {f"weights.{m}.{key}": t.clone() for m in models for key, t in models[m].state_dict().items()}
    tensors.update({f"inputs.{i}": t for i, t in enumerate(inputs_of(parts))})
    with Drawing() as drawn:
        rounded = [results(name, step)]
    tensors.update({f"noise.{i}": t for i, t in enumerate(drawn.draws)})
    exact = again(name, make, drawn.draws, double)
    if "_train_" in name:
        rounded += [again(name, make, drawn.draws, jitter) for _ in range(3)]
        tensors["drift"] = torch.stack([((r - exact) / exact).abs() for r in rounded]).max(0).values
    else:
        tensors["drift"] = ((rounded[0] - exact).abs().max() / exact.abs().max()).reshape(1)
    tensors["exact"] = exact
    write_safetensors(os.path.join(args.folder, name + ".safetensors"), tensors, {"params": str(params)})
    print(name, flush=True)


def forward_only(make):
    """Inference with the network of a training workload, on its input."""
    parts = parts_of(make()[0])
    return bench["infer"](parts["model"], parts["batch"][0])


work = dict(bench["WORK"])
work["matmul_255"] = lambda: bench["matmul"](255)
work["matmul_1023"] = lambda: bench["matmul"](1023)
work["lenet5_infer_b128"] = lambda: forward_only(work["lenet5_train_b128"])
work["gpt_mini_infer_b16"] = lambda: forward_only(work["gpt_mini_train_b16"])
only = [w for w in args.only.split(",") if w]
os.makedirs(args.folder, exist_ok=True)
for name, make in work.items():
    if not only or name in only:
        write(name, make)
