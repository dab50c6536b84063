import type { Arena, Backend } from '../../../engine/backend/backend.ts';
import { type IntegerWeights, quantise } from '../../../engine/particles/integer-weights.ts';
import type { WeightSummary } from '../../../engine/particles/log-weight.ts';
import { independentAncestors } from '../../../engine/particles/resampling/multinomial.ts';
import { type Drawing, takeScratch } from '../../../engine/particles/resampling/scheme.ts';
import { RESAMPLING_SCHEMES } from '../../../engine/particles/resampling/schemes.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import type { Rng } from '../../../engine/random/rng.ts';
import { systematicAncestors } from '../../../engine/wasm/twins/resampling.ts';
import { blockCount } from '../../../engine/wasm/twins/sums.ts';

/*
 * Ancestors of a conditional step: particle 0 is the reference and its ancestor is 0.
 *
 * independent  A_1..A_{N-1} are independent draws from W (slot i by the uniform of particle i), not sorted: draws that are
 *              sorted, or spread evenly beside the reference, do not keep the law of the path.
 * systematic   N W_0 = fl + fr. With probability fr (fl + 1) / (N W_0) u is uniform on (0, fr), else on (fr, 1); the points
 *              (i + u) / N give N ancestors, which are rotated by a shift drawn evenly among those that bring a child of
 *              particle 0 to slot 0. This is systematic resampling with a random rotation, given that A_0 = 0.
 *
 * Sources: Andrieu, Doucet & Holenstein (2010), section 4.3; Chopin & Singh (2015), section 5.
 */
export interface ConditionalDraw {
  readonly rng: Rng;
  readonly step: number;
  /** exp(logWeight - max), [N], overwritten; and its summary. */
  readonly weight: Float64Array;
  readonly summary: WeightSummary;
  /** [N] out. */
  readonly ancestor: Uint32Array;
}

export interface ConditionalSelector {
  independent(draw: ConditionalDraw): Promise<void>;
  systematic(draw: ConditionalDraw): Promise<void>;
}

export function makeConditionalSelector(backend: Backend, arena: Arena, n: number): ConditionalSelector {
  const cumulative = arena.f64(n);
  const partial = arena.f64(blockCount(n));
  const slots = arena.u32(n);
  const scratch = takeScratch(RESAMPLING_SCHEMES.multinomial, n, n, arena);
  const integers = ({ weight, summary }: ConditionalDraw): Promise<IntegerWeights> =>
    quantise(backend, { q: weight, cumulative, partial }, n, summary.sum, 1);

  return {
    async independent(draw) {
      const { rng, step, ancestor } = draw;
      const weights = await integers(draw);
      const drawing: Drawing = { weights, slots: n, ancestor: slots, key: rng.key, step, backend, scratch };
      await independentAncestors(drawing);
      ancestor.set(slots);
      ancestor[0] = 0;
    },
    async systematic(draw) {
      const { rng, step, ancestor } = draw;
      const weights = await integers(draw);
      const stream = rng.stream({ purpose: PURPOSE.resampling, step });
      const [branch, u, shift] = [stream.uniform(), stream.uniform(), stream.uniform()];
      const children = systematicGivenChild(weights, n, branch, u, slots);
      const turn = Math.floor(shift * children);
      for (let i = 0; i < n; i++) ancestor[i] = slots[(i + turn) % n]!;
    },
  };
}

/** N systematic ancestors, sorted, under the law of u given a child of particle 0; how many children it has. */
function systematicGivenChild(
  { q, cumulative, total }: IntegerWeights,
  n: number,
  branch: number,
  u: number,
  slots: Uint32Array,
): number {
  const expected = n * (q[0]! / total);
  const whole = Math.floor(expected);
  const rest = expected - whole;
  const more = whole === 0 || branch * expected < rest * (whole + 1);
  const point = more ? u * rest : rest + u * (1 - rest);
  // The kernel counts points below N C by floor(N C + v), v = 1 - u.
  systematicAncestors(cumulative, total, n, 1 - point, slots, 0, n);
  // A reference too light to have an integer weight keeps its child all the same.
  slots[0] = 0;
  let children = 0;
  while (children < n && slots[children] === 0) children++;
  return children;
}
