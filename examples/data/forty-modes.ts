import { readFileSync } from 'node:fs';
import type { NormalMixture } from 'ensample';

interface File {
  readonly means: readonly (readonly [number, number])[];
  readonly standardDeviation: number;
  readonly cubeCellMasses: readonly number[];
}

const file = new URL('forty-modes.json', import.meta.url);
const { means, standardDeviation, cubeCellMasses } = JSON.parse(readFileSync(file, 'utf8')) as File;
/** Coordinates are divided by this, as diffusion models like them. */
const SCALE = 50;
const centers = means.map(([x, y]) => [x / SCALE, y / SCALE] as const);
const variance = (standardDeviation / SCALE) ** 2;

/** Forty modes of equal weight and width, in units of 50. */
export const forty: NormalMixture = {
  means: centers,
  covariances: centers.map(() => [
    [variance, 0],
    [0, variance],
  ]),
};

/** Masses under the cube of that law of the cells of points nearest to each mode, [40]. */
export const cellMasses: readonly number[] = cubeCellMasses;

/** The cell of row i of points [n, 2]. */
export function cellOf(points: ArrayLike<number>, i: number): number {
  const far = centers.map(([x, y]) => (points[2 * i]! - x) ** 2 + (points[2 * i + 1]! - y) ** 2);
  return far.indexOf(Math.min(...far));
}
