"""The three networks. All take rows x [n, 784]; pixels in [-1, 1] plus noise of standard deviation sigma."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 28
CLASSES = 10
NO_CLASS = 10
DATA_DEVIATION = 0.5
SIGMA_MIN, SIGMA_MAX = 0.002, 80.0


class Features(nn.Module):
    """Sines and cosines of log(sigma) / 4, as EDM's c_noise."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.register_buffer("rates", 2.0 ** torch.linspace(-1, 4, count // 2) * math.pi / 2)

    def forward(self, sigma: Tensor) -> Tensor:
        angle = (sigma.clamp_min(1e-4).log() / 4)[:, None] * self.rates
        return torch.cat([angle.sin(), angle.cos()], 1)


class Block(nn.Module):
    """Two 3 x 3 convolutions with group norms; the condition scales and shifts between them."""

    def __init__(self, inner: int, outer: int, condition: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(8, inner), nn.GroupNorm(8, outer)
        self.conv1, self.conv2 = nn.Conv2d(inner, outer, 3, padding=1), nn.Conv2d(outer, outer, 3, padding=1)
        self.affine = nn.Linear(condition, 2 * outer)
        self.skip = nn.Identity() if inner == outer else nn.Conv2d(inner, outer, 1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, h: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.affine(condition)[:, :, None, None].chunk(2, 1)
        inside = self.norm2(self.conv1(F.silu(self.norm1(h)))) * (1 + scale) + shift
        return self.skip(h) + self.conv2(F.silu(inside))


class Attention(nn.Module):
    """Self-attention over the places of a map, one head for every 32 channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = channels // 32
        self.norm = nn.GroupNorm(8, channels)
        self.into, self.out = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, h: Tensor) -> Tensor:
        channels, side = h.shape[1], h.shape[2]
        rows = self.norm(h).flatten(2).transpose(1, 2)
        q, k, v = self.into(rows).view(-1, side * side, 3, self.heads, 32).permute(2, 0, 3, 1, 4)
        share = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(32), -1)
        mixed = self.out((share @ v).transpose(1, 2).reshape(-1, side * side, channels))
        return h + mixed.transpose(1, 2).reshape(-1, channels, side, side)


class Inner(nn.Module):
    """F of EDM: a U-Net on 2 x 2 patches, 14 x 14 and 7 x 7."""

    def __init__(self, wide: int, deep: int, condition: int) -> None:
        super().__init__()
        self.noise = Features(32)
        self.embed = nn.Linear(32, condition)
        self.label = nn.Embedding(CLASSES + 1, condition)
        self.mix = nn.Linear(condition, condition)
        self.stem = nn.Conv2d(4, wide, 3, padding=1)
        self.place = nn.Parameter(torch.zeros(1, wide, 14, 14))
        self.down = nn.Conv2d(wide, deep, 2, stride=2)
        self.deep_place = nn.Parameter(torch.zeros(1, deep, 7, 7))
        self.up = nn.Conv2d(deep, 4 * wide, 1)
        self.first = nn.ModuleList([Block(wide, wide, condition) for _ in range(2)])
        self.middle = nn.ModuleList([Block(deep, deep, condition) for _ in range(3)])
        self.attention = nn.ModuleList([Attention(deep) for _ in range(2)])
        self.last = nn.ModuleList([Block(2 * wide, wide, condition), Block(wide, wide, condition)])
        self.norm = nn.GroupNorm(8, wide)
        self.head = nn.Conv2d(wide, 4, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor, sigma: Tensor, label: Tensor) -> Tensor:
        condition = F.silu(self.mix(F.silu(self.embed(self.noise(sigma)) + self.label(label))))
        h = self.stem(F.pixel_unshuffle(x.view(-1, 1, SIDE, SIDE), 2)) + self.place
        for block in self.first:
            h = block(h, condition)
        low = self.down(h) + self.deep_place
        low = self.attention[0](self.middle[0](low, condition))
        low = self.attention[1](self.middle[1](low, condition))
        low = self.middle[2](low, condition)
        h = torch.cat([h, F.pixel_shuffle(self.up(low), 2)], 1)
        for block in self.last:
            h = block(h, condition)
        return F.pixel_shuffle(self.head(F.silu(self.norm(h))), 2).flatten(1)


class Denoiser(nn.Module):
    """E[x_0] of x = x_0 + sigma e, EDM's wrapper around the mean picture m:
    D = m + c_skip (x - m) + c_out F(c_in (x - m); sigma, label)."""

    def __init__(self, mean: Tensor, wide: int = 32, deep: int = 64, condition: int = 96) -> None:
        super().__init__()
        self.register_buffer("mean", mean.clone())
        self.inner = Inner(wide, deep, condition)

    def scalings(self, sigma: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """c_skip, c_out and c_in, [n, 1]."""
        s, a = sigma[:, None], DATA_DEVIATION
        root = (s * s + a * a).sqrt()
        return (a / root) ** 2, s * a / root, 1 / root

    def forward(self, x: Tensor, sigma: Tensor, label: Tensor) -> Tensor:
        skip, onto, into = self.scalings(sigma)
        y = x - self.mean
        return self.mean + skip * y + onto * self.inner(into * y, sigma, label)


class DigitClassifier(nn.Module):
    """Logits of the ten digits; with `noisy` for pixels with noise of a known sigma."""

    FEATURES = 64

    def __init__(self, mean: Tensor, noisy: bool) -> None:
        super().__init__()
        self.register_buffer("mean", mean.clone())
        self.conv = nn.ModuleList(
            [nn.Conv2d(1, 20, 5, 2, 2), nn.Conv2d(20, 40, 3, 2, 1), nn.Conv2d(40, 40, 3, 1, 1)]
        )
        self.noise = Features(32)
        self.affine = nn.ModuleList(
            [nn.Linear(32, 2 * layer.out_channels) for layer in self.conv] if noisy else []
        )
        self.dense = nn.Linear(7 * 7 * 40, self.FEATURES)
        self.last = nn.Linear(self.FEATURES, CLASSES)

    def scale(self, sigma: Tensor | None) -> Tensor | float:
        return 1 / DATA_DEVIATION if sigma is None else (sigma * sigma + DATA_DEVIATION**2).rsqrt()[:, None]

    def conditions(self, sigma: Tensor | None) -> list[tuple[Tensor, Tensor] | None]:
        """Scale and shift of each convolution."""
        if sigma is None:
            return [None] * len(self.conv)
        found = self.noise(sigma)
        return [affine(found)[:, :, None, None].chunk(2, 1) for affine in self.affine]

    def layers(self, x: Tensor, sigma: Tensor | None) -> tuple[list[Tensor], Tensor, Tensor]:
        """What goes into the nonlinearities, of the convolutions and of the features, and the logits."""
        h = (self.scale(sigma) * (x - self.mean)).view(-1, 1, SIDE, SIDE)
        inside = []
        for conv, affine in zip(self.conv, self.conditions(sigma)):
            u = conv(h)
            inside.append(u if affine is None else u * (1 + affine[0]) + affine[1])
            h = F.silu(inside[-1])
        features = self.dense(h.flatten(1))
        return inside, features, self.last(F.silu(features))

    def forward(self, x: Tensor, sigma: Tensor | None = None) -> Tensor:
        return self.layers(x, sigma)[2]

    def reward(
        self, x: Tensor, goal: Tensor, sigma: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits, features, r = log sum_c goal_c p(c given x) and its gradient in x, written out for the export.
        goal [n, 10] is 1 for the wanted digits and 0 for the others."""
        inside, features, logits = self.layers(x, sigma)
        told = torch.log_softmax(logits, 1)
        share = torch.where(goal > 0, told + goal.clamp_min(1e-30).log(), -1e30)
        value = share.logsumexp(1)
        slope = (torch.softmax(share, 1) - told.exp()) @ self.last.weight
        slope = ((slope * silu_slope(features)) @ self.dense.weight).view(-1, 40, 7, 7)
        for conv, affine, u in [*zip(self.conv, self.conditions(sigma), inside)][::-1]:
            slope = slope * silu_slope(u)
            if affine is not None:
                slope = slope * (1 + affine[0])
            more = conv.stride[0] - 1
            slope = F.conv_transpose2d(slope, conv.weight, None, conv.stride, conv.padding, more)
        return logits, F.silu(features), value, self.scale(sigma) * slope.flatten(1)


def silu_slope(u: Tensor) -> Tensor:
    share = u.sigmoid()
    return share * (1 + u * (1 - share))


class LevelClassifier(nn.Module):
    """log q(level given x) over a ladder of noise levels: a normal law of log sigma, normalised over the ladder.

    The noise is measured where a pixel is surely known: at first at the border, which is black in all digits, then
    wherever the network learns to look, against the pixel that it expects there."""

    def __init__(self, ladder: Tensor, border: Tensor, width: int = 24) -> None:
        super().__init__()
        self.register_buffer("log_ladder", ladder.log())
        self.register_buffer("border", border.float() / border.sum())
        self.noise = Features(32)
        self.conv = nn.ModuleList([nn.Conv2d(n, width, 3, padding=1) for n in (4, width, width)])
        self.affine = nn.ModuleList([nn.Linear(32, 2 * width) for _ in self.conv])
        self.pixel, self.trust = nn.Conv2d(width, 4, 3, padding=1), nn.Conv2d(width, 4, 3, padding=1)
        self.place = nn.Parameter(F.pixel_unshuffle(torch.where(border, 3.0, -5.0).view(1, 1, SIDE, SIDE), 2))
        self.mix = nn.Sequential(nn.Linear(width + 2 + 32, 64), nn.SiLU(), nn.Linear(64, 2))
        for layer in (self.pixel, self.trust, self.mix[2]):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def law(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation of log sigma, [n]."""
        y = x + 1
        start = (y * y @ self.border).clamp_min(1e-10).sqrt()
        told = self.noise(start)
        z = F.pixel_unshuffle(y.view(-1, 1, SIDE, SIDE), 2)
        h = z / (start * start + DATA_DEVIATION**2).sqrt()[:, None, None, None]
        for conv, affine in zip(self.conv, self.affine):
            scale, shift = affine(told)[:, :, None, None].chunk(2, 1)
            h = F.silu(conv(h) * (1 + scale) + shift)
        trust = (self.trust(h) + self.place).sigmoid()
        square = (z - self.pixel(h)).square()
        level = 0.5 * ((trust * square).sum((1, 2, 3)) / trust.sum((1, 2, 3))).clamp_min(1e-10).log()
        off, pixels = level - start.log(), trust.mean((1, 2, 3)).log()
        shift, width = self.mix(torch.cat([off[:, None], pixels[:, None], h.mean((2, 3)), told], 1)).unbind(1)
        return level + 0.1 * shift, width - 3.0

    def forward(self, x: Tensor) -> Tensor:
        mean, width = self.law(x)
        off = (self.log_ladder - mean[:, None]) * (-width)[:, None].exp()
        return torch.log_softmax(-0.5 * off * off, 1)
