import type { Arena, Backend } from '../../../engine/backend/backend.ts';
import { log } from '../../../engine/wasm/twins/elementary.ts';
import type { Proposal } from './proposal.ts';

/**
 * All components of a proposal at n points, so scaled that none is above 1 at any of them: any ratio of them is free of
 * overflow.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | g_k / e^top | scaled | [n, J + 1] |
 * | sum_k alpha_k scaled_k | mixed | [n] |
 */
export interface ComponentDensities {
  readonly scaled: Float64Array;
  readonly top: Float64Array;
  readonly mixed: Float64Array;
}

/**
 * The components of `proposal` at x [n, d].
 * @param logMixture [n] log density of the mixture of the laws, -Infinity where there is none.
 */
export async function componentDensities(
  backend: Backend,
  proposal: Proposal,
  x: Float64Array,
  logMixture: Float64Array,
): Promise<ComponentDensities> {
  const arena = backend.arena();
  try {
    const { scaled, top, mixed } = await densitiesIn(backend, arena, proposal, x, logMixture);
    return { scaled: scaled.slice(), top: top.slice(), mixed };
  } finally {
    arena.release();
  }
}

/** log g_alpha alone at x [n, d]. */
export async function logDensities(
  backend: Backend,
  proposal: Proposal,
  x: Float64Array,
  logMixture: Float64Array,
): Promise<Float64Array> {
  if (proposal.logPeak.length === 0) return logMixture.slice();
  const arena = backend.arena();
  try {
    const densities = await densitiesIn(backend, arena, proposal, x, logMixture);
    return Float64Array.from(logMixture, (_, i) => logMixed(densities, i));
  } finally {
    arena.release();
  }
}

/** `componentDensities` that live in an arena. */
export async function densitiesIn(
  backend: Backend,
  arena: Arena,
  proposal: Proposal,
  x: Float64Array,
  logMixture: Float64Array,
): Promise<ComponentDensities> {
  const { dimension: d, mean, whiten, logPeak, count } = proposal;
  const n = logMixture.length;
  const parts = logPeak.length;
  const copy = (values: Float64Array): Float64Array => {
    const own = arena.f64(values.length);
    own.set(values);
    return own;
  };
  const found = arena.f64(n * (parts + 1));
  const top = arena.f64(n);
  const law = [copy(mean), copy(whiten), copy(logPeak), parts] as const;
  await backend.dispatch('componentDensities', [copy(x), d, ...law, copy(logMixture), found, top], n);
  const scaled = isPlain(proposal) ? found : joinParts(proposal, found, n, arena.f64(n * (count + 1)));
  return { scaled, top, mixed: weightedRows(scaled, proposal.share, n, count + 1) };
}

/** log g_alpha at row i. */
export function logMixed(densities: ComponentDensities, i: number): number {
  return densities.top[i]! + log(densities.mixed[i]!);
}

/** sum_k share_k row_ik [n] of rows [n, width]. */
export function weightedRows(
  rows: Float64Array,
  share: Float64Array,
  n: number,
  width: number,
): Float64Array {
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let k = 0; k < width; k++) sum += share[k]! * rows[i * width + k]!;
    out[i] = sum;
  }
  return out;
}

/** One part in every component. */
function isPlain({ first, count, logPeak }: Proposal): boolean {
  return logPeak.length === count && first.every((from, j) => from === j);
}

/** Densities of parts and of the laws [n, P + 1] as densities of components into out [n, J + 1]. */
function joinParts(
  { first, count, partShare }: Proposal,
  parts: Float64Array,
  n: number,
  out: Float64Array,
): Float64Array {
  const P = partShare.length;
  for (let i = 0; i < n; i++) {
    const from = i * (P + 1);
    const to = i * (count + 1);
    for (let j = 0; j <= count; j++) {
      const begin = j < count ? first[j]! : P;
      const end = j < count ? first[j + 1]! : P;
      let value = begin === end ? parts[from + P]! : 0;
      for (let p = begin; p < end; p++) value += partShare[p]! * parts[from + p]!;
      out[to + j] = value;
    }
  }
  return out;
}
