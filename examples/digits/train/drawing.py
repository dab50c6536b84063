"""Pages of digits as grey PNG files."""

import struct
import zlib
from pathlib import Path

import torch
from torch import Tensor

from data import SIDE


def page(rows: Tensor, file: Path, across: int = 10, zoom: int = 2) -> None:
    """Digits [n, 784], `across` a line; what is not a whole line is left out."""
    down, cell = len(rows) // across, SIDE + 2
    grid = torch.zeros(down * cell, across * cell)
    for k, row in enumerate(rows[: down * across]):
        y, x = k // across * cell + 1, k % across * cell + 1
        grid[y : y + SIDE, x : x + SIDE] = row.view(SIDE, SIDE)
    grey = ((grid.clamp(-1, 1) + 1) * 127.5).byte().repeat_interleave(zoom, 0).repeat_interleave(zoom, 1)
    lines = b"".join(b"\0" + bytes(line.tolist()) for line in grey)
    head = struct.pack(">IIBBBBB", grey.shape[1], grey.shape[0], 8, 0, 0, 0, 0)
    chunks = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
