import { PIXELS } from './networks.ts';
import type { Picture } from './png.ts';

/** Pixels of a side, and of the gap between two pictures. */
const SIDE = 28;
const GAP = 2;

/** Pictures [n, 784] side by side, ink black on white. */
export function pictureGrid(points: Float64Array, columns: number): Picture {
  const n = points.length / PIXELS;
  const [width, height] = [columns, Math.ceil(n / columns)].map((count) => count * (SIDE + GAP) - GAP) as [
    number,
    number,
  ];
  const grey = new Uint8Array(width * height).fill(255);
  for (let i = 0; i < n; i++) {
    const left = (i % columns) * (SIDE + GAP);
    const top = Math.floor(i / columns) * (SIDE + GAP);
    for (let p = 0; p < PIXELS; p++) {
      const at = (top + Math.floor(p / SIDE)) * width + left + (p % SIDE);
      grey[at] = Math.round(127.5 * (1 - Math.max(-1, Math.min(1, points[i * PIXELS + p]!))));
    }
  }
  return { width, height, grey };
}
