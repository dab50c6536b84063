import type { Arena, Backend } from '../../backend/backend.ts';
import { PURPOSE } from '../../random/purpose.ts';
import { channel } from '../../random/rng.ts';
import { blockCount } from '../../wasm/twins/sums.ts';
import type { IntegerWeights } from '../integer-weights.ts';

export type SchemeName =
  | 'multinomial'
  | 'residual'
  | 'stratified'
  | 'systematic'
  | 'ssp'
  | 'killing'
  | 'rejection'
  | 'metropolis';

/** One drawing of ancestors. Symbols in every scheme: n particles, m slots, W_i = q_i / total, O_i offspring of i. */
export interface Drawing {
  readonly weights: IntegerWeights;
  /** Slots to fill, m. */
  readonly slots: number;
  /** [m] out. */
  readonly ancestor: Uint32Array;
  /** Key of the generator and the step whose draws these are. */
  readonly key: readonly [number, number];
  readonly step: number;
  readonly backend: Backend;
  readonly scratch: Scratch;
}

/** A rule that draws ancestors with probabilities W. Each scheme is one file that is opened by its maths. */
export interface ResamplingScheme {
  readonly name: SchemeName;
  /** E[O_i] = m W_i exactly. */
  readonly unbiased: boolean;
  /** Ancestors come out non-decreasing. Exchangeable draws are never sorted. */
  readonly sorted: boolean;
  /** Every O_i is within one of m W_i. */
  readonly tight: boolean;
  /** Works only for m = n. */
  readonly sameSize: boolean;
  /** Lengths of the scratch arrays it needs. */
  scratch(n: number, m: number): Partial<ScratchLengths>;
  /** Fills `ancestor`; returns the moves of each slot where the scheme chooses them (Metropolis), else 0. */
  ancestors(drawing: Drawing): Promise<number>;
}

export interface ScratchLengths {
  readonly uniforms: number;
  readonly counts: number;
  readonly rest: number;
}

export interface Scratch {
  readonly uniforms: Float64Array;
  /** Offspring, or their running sums. */
  readonly counts: Uint32Array;
  /** Fractions left over, then their integer form. */
  readonly rest: Float64Array;
  readonly cumulative: Float64Array;
  readonly partial: Float64Array;
}

/** Scratch of a scheme for n particles and m slots; taken once, before a run. */
export function takeScratch(scheme: ResamplingScheme, n: number, m: number, arena: Arena): Scratch {
  const { uniforms = 0, counts = 0, rest = 0 } = scheme.scratch(n, m);
  return {
    uniforms: arena.f64(uniforms),
    counts: arena.u32(counts),
    rest: arena.f64(rest),
    cumulative: arena.f64(rest),
    partial: arena.f64(rest === 0 ? 0 : blockCount(n)),
  };
}

/** Last counter word of a resampling draw. */
export const RESAMPLING_CHANNEL: number = channel(PURPOSE.resampling);

/** The first uniform of particles 0..count-1 at this step into the scratch. */
export async function drawUniforms(drawing: Drawing, count: number): Promise<Float64Array> {
  const { uniforms } = drawing.scratch;
  const [k0, k1] = drawing.key;
  const args = [uniforms, 1, k0, k1, 0, drawing.step, RESAMPLING_CHANNEL] as const;
  await drawing.backend.dispatch('uniform', [...args], count);
  return uniforms;
}

/** Ancestors from offspring counts [n], which become running sums: i stands O_i times, in order. */
export async function repeatByCount(drawing: Drawing): Promise<void> {
  const { counts } = drawing.scratch;
  const { n } = drawing.weights;
  let total = 0;
  for (let i = 0; i < n; i++) {
    total += counts[i]!;
    counts[i] = total;
  }
  await drawing.backend.dispatch('repeatAncestors', [counts, drawing.ancestor], n);
}
