import type { Arena } from '../../../engine/backend/backend.ts';
import type { GaussianCopula } from '../../../engine/distribution/gaussian-copula.ts';
import { normalScore } from '../../../engine/distribution/joint-parts.ts';
import { toInputs } from '../../../engine/distribution/normal-space.ts';
import { fromScore } from '../../../engine/distribution/perturbed-tilt.ts';
import { openPointSet } from '../../../engine/random/point-set.ts';
import type { PointSet } from '../../../engine/random/point-types.ts';
import type { Context } from '../../../engine/sampler.ts';
import { normalQuantile } from '../../../engine/wasm/twins/normal.ts';
import type { Plan } from './law-impact-plan.ts';

/*
 * Points of the balance density h = sum_l alpha_l f_l, alpha_l = 1 / L: law 0 is that of the inputs, law l > 0 has another
 * marginal of one input i, and the law of the others given that one as it was,
 *
 *   f_l(x) = f(x) f_l,i(x_i) / f_i(x_i),
 *
 * which is the nearest joint law with that marginal. Coordinate 0 of the uniforms picks the law, the others make normal
 * scores z; with correlated scores, the others move by their correlation times the change of score i.
 */

/** Inputs as points, not uniforms: what the run is told, as the points come out as inputs. */
export function openImpactPoints(
  plan: Plan,
  replicate: number,
  { rng, backend }: Context,
): Promise<PointSet> {
  const { space, balance, design, perReplicate: points } = plan;
  const d = space.dimension;
  const extra = balance ? 1 : 0;
  const made = openPointSet({ name: design, dimension: d + extra, points, rng, replicate });
  return made.then((set) => ({
    ...set,
    dimension: d,
    async fill(x, first, n) {
      const arena: Arena = backend.arena();
      try {
        const u = arena.f64(n * (d + extra));
        await set.fill(u, first, n, backend);
        if (balance) fromMixture(plan, u, n, x);
        else space.transport(u, x, n);
      } finally {
        arena.release();
      }
    },
  }));
}

/** Uniforms [n, d + 1] to inputs x [n, d]. */
function fromMixture({ space, perturbed }: Plan, u: Float64Array, n: number, x: Float64Array): void {
  const d = space.dimension;
  const laws = perturbed.length + 1;
  const z = new Float64Array(n * d);
  for (let i = 0; i < n; i++)
    for (let c = 0; c < d; c++) z[i * d + c] = normalQuantile(u[i * (d + 1) + c + 1]!);
  const { dependence } = space;
  dependence?.correlate?.(z, n);
  const correlation = (dependence as GaussianCopula | undefined)?.correlation;
  for (let i = 0; i < n; i++) {
    const l = Math.min(laws - 1, Math.floor(u[i * (d + 1)]! * laws));
    if (l === 0 || correlation === undefined) continue;
    const { input, law } = perturbed[l - 1]!;
    const before = z[i * d + input]!;
    const change = normalScore(space.laws[input]!, fromScore(law, before)) - before;
    for (let c = 0; c < d; c++) if (c !== input) z[i * d + c]! += correlation[input * d + c]! * change;
  }
  toInputs({ ...space, dependence: undefined }, z, n, x);
  for (let i = 0; i < n; i++) {
    const l = Math.min(laws - 1, Math.floor(u[i * (d + 1)]! * laws));
    if (l === 0) continue;
    const { input, law } = perturbed[l - 1]!;
    x[i * d + input] = fromScore(law, z[i * d + input]!);
  }
}

/**
 * [1 + perturbations][n] log f_l / h at the points, law 0 first. Only the marginals that were changed are looked at.
 */
export function impactWeights({ space, perturbed, balance }: Plan, x: Float64Array): readonly Float64Array[] {
  const d = space.dimension;
  const n = x.length / d;
  const ratios = perturbed.map(({ input, law }) => {
    const base = space.laws[input]!;
    return Float64Array.from({ length: n }, (_, i) => {
      const at = x[i * d + input]!;
      const log = law.logDensity(at);
      return log === -Infinity ? log : log - base.logDensity(at);
    });
  });
  if (!balance) return [new Float64Array(n), ...ratios];
  const share = 1 / (ratios.length + 1);
  const logBalance = Float64Array.from({ length: n }, (_, i) => {
    let most = 0;
    for (const ratio of ratios) most = Math.max(most, ratio[i]!);
    let sum = Math.exp(-most);
    for (const ratio of ratios) sum += Math.exp(ratio[i]! - most);
    return most + Math.log(share * sum);
  });
  return [logBalance.map((h) => -h), ...ratios.map((ratio) => ratio.map((r, i) => r - logBalance[i]!))];
}
