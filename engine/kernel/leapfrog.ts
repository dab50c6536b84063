import type { KernelContext } from './kernel.ts';
import { type Block, blockRows } from './mover.ts';
import { correlateRow, squaredNorm } from './shape.ts';
import { whitenedScore } from './whitened-score.ts';

/** Leapfrog trajectories of one block of chains. */
export interface Trajectories {
  /** Run all chains for `steps` steps of size e U(0.8, 1.2); the ends are the candidates. */
  run(block: Block, lower: Float64Array, e: number, steps: number): Promise<void>;
  /** Kinetic energy lost by the chain of a row: what the momenta add to its log ratio; -Infinity of one that diverged. */
  correction(row: number): number;
}

/**
 * Energy above which a trajectory counts as diverged: its acceptance would be e^-1000. The rule looks at the largest energy
 * on the way against the smaller one of the two ends, the same from both, so it keeps detailed balance.
 */
const DIVERGED = 1000;

/** Arrays of a block, [rows] or [rows, d]. */
interface Flight {
  readonly d: number;
  /** v - v_0, the way so far. */
  readonly way: Float64Array;
  /** Gradient of the log target in v. */
  readonly score: Float64Array;
  /** Step size of each chain. */
  readonly e: Float64Array;
  /** Kinetic energy at the start, and energies at the start, now, and at most. */
  readonly kinetic: Float64Array;
  readonly start: Float64Array;
  readonly now: Float64Array;
  readonly most: Float64Array;
  readonly correction: Float64Array;
}

export function makeTrajectories(context: KernelContext): Trajectories {
  const { dimension: d } = context;
  const rows = blockRows(context);
  const flight: Flight = {
    d,
    way: new Float64Array(rows * d),
    score: new Float64Array(rows * d),
    e: new Float64Array(rows),
    kinetic: new Float64Array(rows),
    start: new Float64Array(rows),
    now: new Float64Array(rows),
    most: new Float64Array(rows),
    correction: new Float64Array(rows),
  };
  return {
    async run(block, lower, e, steps) {
      begin(flight, block, lower, e);
      for (let k = 0; k < steps; k++) {
        drift(flight, block, lower);
        await block.candidates.evaluate(block.target, block.count);
        kick(flight, block, lower);
      }
      finish(flight, block);
    },
    correction: (row) => flight.correction[row]!,
  };
}

/** Momenta are the normals of the block, and stay in their array. */
function begin(flight: Flight, block: Block, lower: Float64Array, e: number): void {
  const { d, way, score, kinetic, start, now, most } = flight;
  const { states, lo, count, target, normals, candidates } = block;
  way.fill(0, 0, count * d);
  candidates.out.fill(0, 0, count);
  for (let i = 0; i < count; i++) {
    whitenedScore(states, lo + i, target.slope, lower, d, score, i * d);
    kinetic[i] = 0.5 * squaredNorm(normals, i * d, d);
    const energy = kinetic[i]! - states.logPrior[lo + i]! - target.factor(states.logLikelihood[lo + i]!);
    start[i] = energy;
    now[i] = energy;
    most[i] = energy;
    flight.e[i] = e * (0.8 + 0.4 * block.extra(i));
  }
}

/** Half a kick and a whole drift. */
function drift({ d, way, score, e }: Flight, block: Block, lower: Float64Array): void {
  const { states, lo, count, normals: p, candidates } = block;
  const { x, out } = candidates;
  for (let i = 0; i < count; i++) {
    if (out[i] === 1) continue;
    const at = i * d;
    for (let c = at; c < at + d; c++) {
      p[c] = p[c]! + 0.5 * e[i]! * score[c]!;
      way[c] = way[c]! + e[i]! * p[c]!;
    }
    correlateRow(lower, d, way, at, x, at);
    for (let c = 0; c < d; c++) x[at + c] = states.x[lo * d + at + c]! + x[at + c]!;
  }
}

/** The other half, with the energy; a chain that cannot be accepted any more goes no further. */
function kick({ d, score, e, start, now, most }: Flight, block: Block, lower: Float64Array): void {
  const { count, normals: p, candidates, target } = block;
  const { out, logPrior, logLikelihood } = candidates;
  for (let i = 0; i < count; i++) {
    if (out[i] === 1) continue;
    const potential = logPrior[i] === -Infinity ? -Infinity : logPrior[i]! + target.factor(logLikelihood[i]!);
    if (potential === -Infinity) {
      out[i] = 1;
      continue;
    }
    const at = i * d;
    whitenedScore(candidates, i, target.slope, lower, d, score, at);
    for (let c = at; c < at + d; c++) p[c] = p[c]! + 0.5 * e[i]! * score[c]!;
    const energy = 0.5 * squaredNorm(p, at, d) - potential;
    now[i] = energy;
    if (energy > most[i]!) most[i] = energy;
    if (!(energy - start[i]! <= DIVERGED)) out[i] = 1;
  }
}

function finish({ d, kinetic, start, now, most, correction }: Flight, block: Block): void {
  const { count, normals: p, candidates } = block;
  for (let i = 0; i < count; i++) {
    const lost = candidates.out[i] === 1 || !(most[i]! - Math.min(start[i]!, now[i]!) <= DIVERGED);
    correction[i] = lost ? -Infinity : kinetic[i]! - 0.5 * squaredNorm(p, i * d, d);
  }
}
