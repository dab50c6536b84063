import { PURPOSE } from '../../../engine/random/purpose.ts';
import { channel, type Rng } from '../../../engine/random/rng.ts';
import { normalQuantile } from '../../../engine/wasm/twins/normal.ts';
import { uniform } from '../../../engine/wasm/twins/philox.ts';
import type { Integrands } from './integrands.ts';
import type { Proposal } from './proposal.ts';

/**
 * Points of a proposal from uniforms: one picks the component and, with what is left of it, its part or law; d others
 * become the point.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | u_1..u_d | u | [n, d] |
 * | k of each point | component | [n] |
 * | place inside the component, in [0, 1) | rest | [n] |
 */
export interface Choices {
  readonly component: Uint32Array;
  readonly rest: Float64Array;
}

/** Where the points of a proposal come from. */
export interface Space {
  readonly transport: Integrands['transport'];
  /** [L] */
  readonly lawShare: Float64Array;
}

/** The components whose intervals of the unit line hold u [n], and what is left of it. */
export function choose(share: Float64Array, u: Float64Array): Choices {
  const component = new Uint32Array(u.length);
  const rest = new Float64Array(u.length);
  for (let i = 0; i < u.length; i++) {
    component[i] = pick(share, 0, share.length, u[i]!);
    rest[i] = left(share, 0, component[i]!, u[i]!);
  }
  return { component, rest };
}

/**
 * Whole numbers of points nearest to n alpha_k, at least one for every component with a share, and the shares they make;
 * undefined when n is below twice the components, where some would get none.
 */
export function wholeNumbers(share: Float64Array, n: number): Uint32Array | undefined {
  const live = share.reduce((sum, value) => sum + (value > 0 ? 1 : 0), 0);
  if (n < 2 * live) return undefined;
  const counts = Uint32Array.from(share, (value) => (value > 0 ? Math.max(1, Math.floor(n * value)) : 0));
  const lacking = Array.from(share, (value, k) => ({ k, by: n * value - counts[k]! }));
  let open = n - counts.reduce((sum, value) => sum + value, 0);
  lacking.sort((a, b) => b.by - a.by || a.k - b.k);
  for (let at = 0; open > 0; at = (at + 1) % lacking.length, open--) counts[lacking[at]!.k]!++;
  // Where many small components were raised to one point, the largest give them.
  for (; open < 0; open++) counts[counts.indexOf(counts.reduce((a, b) => Math.max(a, b), 0))]!--;
  return counts;
}

/** Components in order, `counts[k]` points each, and places spread evenly inside them: (i + u_i) / count. */
export function allotted(counts: Uint32Array, u: Float64Array): Choices {
  const component = new Uint32Array(u.length);
  const rest = new Float64Array(u.length);
  let i = 0;
  counts.forEach((count, k) => {
    for (let own = 0; own < count; own++, i++) {
      component[i] = k;
      rest[i] = (own + u[i]!) / count;
    }
  });
  return { component, rest };
}

/** Independent uniforms: [n] for the components and [n, d] for the points, both of rows first.. at `step`. */
export function iidUniforms(
  rng: Rng,
  step: number,
  first: number,
  n: number,
  d: number,
): { readonly pick: Float64Array; readonly u: Float64Array } {
  const [k0, k1] = rng.key;
  const pickOf = new Float64Array(n);
  const u = new Float64Array(n * d);
  uniform(pickOf, 1, k0, k1, first, step, channel(PURPOSE.component), 0, n);
  uniform(u, d, k0, k1, first, step, channel(PURPOSE.point), 0, n);
  return { pick: pickOf, u };
}

/** Writes the points [n, d] over u. */
export function place(proposal: Proposal, choices: Choices, u: Float64Array, space: Space): void {
  const { count, first, partShare } = proposal;
  const { component, rest } = choices;
  const n = component.length;
  const law = new Int32Array(n).fill(-1);
  for (let i = 0; i < n; i++) {
    const k = component[i]!;
    const begin = k < count ? first[k]! : 0;
    const end = k < count ? first[k + 1]! : 0;
    if (begin === end) law[i] = pick(space.lawShare, 0, space.lawShare.length, rest[i]!);
    else placeNormal(proposal, pick(partShare, begin, end, rest[i]!), u, i);
  }
  placeLaws(law, u, proposal.dimension, space);
}

/** x = mu + L z over row i of u, z the normal quantiles. */
function placeNormal(proposal: Proposal, p: number, u: Float64Array, i: number): void {
  const { dimension: d, mean, lower } = proposal;
  const at = i * d;
  for (let c = 0; c < d; c++) u[at + c] = normalQuantile(u[at + c]!);
  let l = (p + 1) * ((d * (d + 1)) / 2);
  for (let r = d - 1; r >= 0; r--) {
    l -= r + 1;
    let value = mean[p * d + r]!;
    for (let c = 0; c <= r; c++) value += lower[l + c]! * u[at + c]!;
    u[at + r] = value;
  }
}

/** The rows of each law, through its own transport. */
function placeLaws(law: Int32Array, u: Float64Array, d: number, space: Space): void {
  const rows = new Map<number, number[]>();
  for (let i = 0; i < law.length; i++) {
    if (law[i]! < 0) continue;
    const own = rows.get(law[i]!);
    if (own === undefined) rows.set(law[i]!, [i]);
    else own.push(i);
  }
  for (const [l, own] of rows) {
    const points = new Float64Array(own.length * d);
    for (let k = 0; k < own.length; k++) for (let c = 0; c < d; c++) points[k * d + c] = u[own[k]! * d + c]!;
    space.transport(l, points, points);
    for (let k = 0; k < own.length; k++) for (let c = 0; c < d; c++) u[own[k]! * d + c] = points[k * d + c]!;
  }
}

/** The entry of share[begin..end) whose interval of the unit line holds u; never one of share 0. */
function pick(share: Float64Array, begin: number, end: number, u: number): number {
  let below = 0;
  let last = begin;
  for (let k = begin; k < end; k++) {
    if (share[k] === 0) continue;
    last = k;
    below += share[k]!;
    if (u < below) break;
  }
  return last;
}

/** Place of u inside the interval of entry k. */
function left(share: Float64Array, begin: number, k: number, u: number): number {
  let below = 0;
  for (let at = begin; at < k; at++) below += share[at]!;
  return Math.min(1 - 2 ** -53, Math.max(0, (u - below) / share[k]!));
}
