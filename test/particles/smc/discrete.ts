import { jsBackend } from '../../../engine/backend/js.ts';
import type { FeynmanKac, SmcRun } from '../../../engine/particles/smc/feynman-kac.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import type { SmcOptions } from '../../../engine/particles/smc/types.ts';
import { TAG } from '../../../engine/random/purpose.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { normalQuantile } from '../../../engine/wasm/twins/normal.ts';
import type { Replicates } from '../../support/law.ts';

/** A chain on states 0, 1, 2 with potentials of its states: everything about it is known by enumeration. */
export interface Discrete {
  readonly first: readonly number[];
  readonly move: readonly (readonly number[])[];
  /** [T, 3] */
  readonly potential: readonly (readonly number[])[];
}

export const CHAIN: Discrete = {
  first: [0.5, 0.3, 0.2],
  move: [
    [0.8, 0.15, 0.05],
    [0.1, 0.7, 0.2],
    [0.05, 0.25, 0.7],
  ],
  potential: [
    [0.9, 0.3, 0.1],
    [0.1, 0.8, 0.2],
    [0.05, 0.2, 0.9],
    [0.7, 0.2, 0.2],
  ],
};

export type DiscreteFields = { readonly x: { readonly components: 1 } };
export const FIELDS: DiscreteFields = { x: { components: 1 } };

/** Unnormalised law of the last state, [3]: sums over paths of the probability times the potentials. */
export function unnormalisedLaw({ first, move, potential }: Discrete): number[] {
  let law = first.map((p, s) => p * potential[0]![s]!);
  for (const g of potential.slice(1))
    law = g.map((w, s) => w * law.reduce((sum, q, from) => sum + q * move[from]![s]!, 0));
  return law;
}

function drawn(row: readonly number[], z: number): number {
  let above = 0;
  for (let s = 0; s < row.length - 1; s++) {
    above += row[s]!;
    if (above > 0 && (above >= 1 || z < normalQuantile(above))) return s;
  }
  return row.length - 1;
}

/** The chain as a model; `eta` [3] is what it looks ahead by, if anything. */
export function discreteModel(chain: Discrete, eta?: readonly number[]): FeynmanKac<DiscreteFields> {
  const each = (
    run: SmcRun<DiscreteFields>,
    out: Float64Array,
    lo: number,
    hi: number,
    g: readonly number[],
  ) => {
    const x = run.field('x');
    for (let i = lo; i < hi; i++) out[i] = Math.log(g[x[i]!]!);
  };
  return {
    fields: FIELDS,
    steps: chain.potential.length,
    noise: 1,
    init(run, lo, hi) {
      for (let i = lo; i < hi; i++) run.field('x')[i] = drawn(chain.first, run.normals[i]!);
    },
    mutate(_, run, lo, hi) {
      for (let i = lo; i < hi; i++)
        run.field('x')[i] = drawn(chain.move[run.parent('x')[i]!]!, run.normals[i]!);
    },
    logPotential: (t, run, out, lo, hi) => each(run, out, lo, hi, chain.potential[t]!),
    ...(eta === undefined
      ? {}
      : {
          logLookahead: (
            _: number,
            run: SmcRun<DiscreteFields>,
            out: Float64Array,
            lo: number,
            hi: number,
          ): void => each(run, out, lo, hi, eta),
        }),
  };
}

export interface DiscreteRuns {
  readonly logNormalizer: Float64Array;
  /** log normalizing constants that book the log-mean weight of every step as it is, without `base`. */
  readonly withoutBase: Float64Array;
  /** [runs, 3] normalised law of the last state. */
  readonly law: Float64Array;
  readonly resamplings: number;
}

/** Independent runs of N particles side by side. */
export async function discreteRuns(
  model: FeynmanKac<DiscreteFields>,
  runs: number,
  seed: number,
  options: Partial<SmcOptions<DiscreteFields>> & { readonly particles: number },
): Promise<DiscreteRuns> {
  const rng = rngFromSeed(seed);
  const rngs = Array.from({ length: runs }, (_, r) => rng.child(TAG.replicate, r));
  const smc = makeSmc({ where: 'test', backend: jsBackend(), model, rngs, ...options });
  const withoutBase = new Float64Array(runs);
  const since = new Float64Array(runs);
  while (!smc.finished) {
    await smc.advance();
    for (const [r, state] of smc.runs.entries()) {
      since[r] = (state.resampled ? 0 : since[r]!) + state.increment;
      withoutBase[r] = withoutBase[r]! + since[r]!;
    }
  }
  const law = new Float64Array(3 * runs);
  for (let r = 0; r < runs; r++) {
    const x = smc.population(r).field('x');
    const weight = smc.weight(r);
    const { sum } = smc.summary(r);
    for (let i = 0; i < x.length; i++) law[3 * r + x[i]!]! += sum === 0 ? 0 : weight[i]! / sum;
  }
  const resamplings = smc.runs.reduce((total, state) => total + state.resamplings, 0);
  return {
    logNormalizer: Float64Array.from(smc.runs, (s) => s.logNormalizer),
    withoutBase,
    law,
    resamplings,
  };
}

const LAW = unnormalisedLaw(CHAIN);
export const EVIDENCE: number = LAW.reduce((a, b) => a + b, 0);

/** Z-hat and the unnormalised law of the last state, each over its exact value, [runs, 4]. */
export function ratios(log: Float64Array, law: Float64Array): Replicates {
  const values = new Float64Array(4 * log.length);
  for (let r = 0; r < log.length; r++) {
    values[4 * r] = Math.exp(log[r]!) / EVIDENCE;
    for (let s = 0; s < 3; s++) values[4 * r + 1 + s] = (Math.exp(log[r]!) * law[3 * r + s]!) / LAW[s]!;
  }
  return { runs: log.length, width: 4, values };
}
