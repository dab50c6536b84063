import { normalQuantile } from '../../../engine/wasm/twins/normal.ts';
import type { RunFrame } from '../../../estimators/smc/smoothing/run-frame.ts';
import type { DensityModel } from '../../../estimators/smc/smoothing/transition-tile.ts';

/** Transition matrices of a chain on 0, 1, 2, at even and at odd steps. */
export const TABLES: readonly (readonly (readonly number[])[])[] = [
  [
    [0.7, 0.2, 0.1],
    [0.25, 0.5, 0.25],
    [0.05, 0.3, 0.65],
  ],
  [
    [0.3, 0.6, 0.1],
    [0.1, 0.3, 0.6],
    [0.6, 0.15, 0.25],
  ],
];
const START = [0.5, 0.3, 0.2];
/** g_t(y | x): the same reading of a state at every step, tilted by the step. */
const READING = [
  [0.9, 0.4, 0.2],
  [0.2, 0.8, 0.3],
  [0.3, 0.2, 0.9],
  [0.6, 0.3, 0.5],
];

export const SMALL_STEPS: number = READING.length;
export const smallObservations: readonly number[] = READING.map(() => 0);

/** Probability of a step of the chain, by the table of the step at which it arrives. */
export function stepProbability(step: number, from: number, to: number): number {
  return TABLES[step % 2]![from]?.[to] ?? Number.NaN;
}

/** A Markov chain on three states whose law of motion alternates, with a bound that is reached. */
export const smallModel: DensityModel & { logTransitionBound(step: number): number } = {
  dimension: 1,
  initial(z, x) {
    for (let i = 0; i < x.length; i++) x[i] = stateAt(START, z[i]!);
  },
  transition(step, parent, z, x) {
    for (let i = 0; i < x.length; i++) x[i] = stateAt(TABLES[step % 2]![parent[i]!]!, z[i]!);
  },
  logObservation(step, _, x, out) {
    for (let i = 0; i < out.length; i++) out[i] = Math.log(READING[step]![x[i]!]!);
  },
  logTransition(step, parent, x, out) {
    for (let i = 0; i < out.length; i++) out[i] = Math.log(stepProbability(step, parent[i]!, x[i]!));
  },
  logTransitionBound: (step) => Math.log(step % 2 === 0 ? 0.7 : 0.6),
};

function stateAt(row: readonly number[], z: number): number {
  if (z < normalQuantile(row[0]!)) return 0;
  return z < normalQuantile(row[0]! + row[1]!) ? 1 : 2;
}

/** Particles with weights and parents. */
export function frameOf(
  x: readonly number[],
  weight: readonly number[],
  parent: readonly number[] = x.map((_, i) => i),
): RunFrame {
  return {
    x: Float64Array.from(x),
    logWeight: Float64Array.from(weight, Math.log),
    parentOf: (slot) => parent[slot]!,
  };
}

/** B_t(j, .): the law of the parent of a state at step + 1 among the particles of `parents`. */
export function backwardLaw(step: number, parents: RunFrame, state: number): number[] {
  const weight = Array.from(parents.logWeight, (lw, i) =>
    lw === -Infinity ? 0 : Math.exp(lw) * stepProbability(step + 1, parents.x[i]!, state),
  );
  const total = weight.reduce((sum, w) => sum + w, 0);
  return weight.map((w) => w / total);
}

/** Law after `moves` independent Metropolis steps from `start`, proposals by weight, towards the backward law. */
export function metropolisLaw(
  step: number,
  parents: RunFrame,
  state: number,
  start: number,
  moves: number,
): number[] {
  const n = parents.x.length;
  const mass = parents.logWeight.reduce((sum, lw) => sum + Math.exp(lw), 0);
  const propose = Array.from(parents.logWeight, (lw) => Math.exp(lw) / mass);
  const f = Array.from(parents.x, (from) => stepProbability(step + 1, from, state));
  let law: number[] = Array.from({ length: n }, (_, i) => (i === start ? 1 : 0));
  for (let move = 0; move < moves; move++) {
    const next = new Array<number>(n).fill(0);
    for (let i = 0; i < n; i++) {
      for (let to = 0; to < n; to++) {
        const accept = Math.min(1, f[to]! / f[i]!);
        next[to]! += law[i]! * propose[to]! * accept;
        next[i]! += law[i]! * propose[to]! * (1 - accept);
      }
    }
    law = next;
  }
  return law;
}
