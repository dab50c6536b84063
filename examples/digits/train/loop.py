"""One training loop for all networks: constant rate with a linear end, averaged weights, exact resumption."""

import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

RATE = 1e-3
WARMUP = 200
AVERAGE = 0.999


def rate_at(step: int, steps: int, cooldown: int) -> float:
    return RATE * min(1, (step + 1) / WARMUP) * min(1, (steps - step) / max(1, cooldown))


def train(
    net: nn.Module,
    loss: Callable[[nn.Module, torch.Generator], Tensor],
    measure: Callable[[nn.Module], dict[str, float]],
    file: Path,
    seed: int,
    steps: int,
    cooldown: int,
    every: int,
) -> nn.Module:
    """The network with weights averaged over training. Random numbers of a step depend on seed and step alone, so
    a run that was stopped goes on from `file` as if it had not been; how long it is may still be chosen."""
    average = torch.optim.swa_utils.AveragedModel(
        net, avg_fn=lambda old, new, count: old + (new - old) * max(1 - AVERAGE, 9 / (10 + int(count)))
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE, betas=(0.9, 0.99))
    start, seconds = 0, 0.0
    device = torch.get_default_device()
    if file.exists():
        saved = torch.load(file, map_location=device)
        net.load_state_dict(saved["net"])
        average.load_state_dict(saved["average"])
        optimizer.load_state_dict(saved["optimizer"])
        start, seconds = saved["step"], saved["seconds"]
    generator, total, clock = torch.Generator(device), 0.0, time.process_time()
    for step in range(start, steps):
        generator.manual_seed(seed * 1_000_003 + step)
        optimizer.param_groups[0]["lr"] = rate_at(step, steps, cooldown)
        optimizer.zero_grad()
        value = loss(net, generator)
        value.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        average.update_parameters(net)
        total += value.item()
        if (step + 1) % every and step + 1 < steps:
            continue
        spent = seconds + time.process_time() - clock
        with torch.no_grad():
            found = measure(average.module.eval())
        average.module.train()
        recent, total = total / ((step % every) + 1), 0.0
        told = "  ".join(f"{name} {number:.4f}" for name, number in found.items())
        print(f"step {step + 1}  {spent:.0f} s  loss {recent:.4f}  {told}", flush=True)
        states = {"net": net, "average": average, "optimizer": optimizer}
        part = file.with_suffix(".part")
        torch.save(
            {name: s.state_dict() for name, s in states.items()} | {"step": step + 1, "seconds": spent}, part
        )
        part.replace(file)
    return average.module.eval()
