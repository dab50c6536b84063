import type { Arena, Backend } from '../../../engine/backend/backend.ts';
import { standardErrorOfMean } from '../../../engine/diagnostics/genealogy-variance.ts';
import { ValueError } from '../../../engine/errors.ts';
import { makeMoments } from '../../../engine/particles/moments.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import type { Warning } from '../../../engine/types.ts';
import type { StateFields } from '../state-space.ts';
import type { FilterPlan } from './filter-plan.ts';
import type { Lineages } from './lineages.ts';
import { cells, type RowLayout } from './row.ts';

/** Rows of one call of a user's function. */
const BLOCK = 8192;

/** Reads what was asked off the particles after each step. */
export interface Measure {
  /** Fill the row of the step just made; `before` is the row of the step before. */
  take(row: Float64Array, before: Float64Array | undefined): Promise<void>;
  /** What the standard errors of the last step warn of. */
  readonly warnings: readonly Warning[];
}

interface Setting {
  readonly plan: FilterPlan;
  readonly layout: RowLayout;
  readonly smc: Smc<StateFields>;
  readonly lineages: Lineages | undefined;
  readonly backend: Backend;
  readonly arena: Arena;
}

export function makeMeasure(setting: Setting): Measure {
  const { plan, layout, smc, lineages, backend, arena } = setting;
  const { particles, dimension: d, moments: asked, functions } = plan;
  const covariance = asked === 'covariance';
  const ofState = makeMoments({ backend, arena, particles, components: d, covariance });
  const ofValues = makeMoments({ backend, arena, particles, components: 1, covariance: false });
  const values = arena.f64(functions.length === 0 ? 0 : particles);
  const lines = makeLineCount(particles);
  let warnings: readonly Warning[] = [];

  /** The mean of rows [n, k] of a run into `mean`, and its error by the genealogy into `error`, where asked. */
  const average = async (
    run: number,
    x: Float64Array,
    out: { readonly mean: Float64Array; readonly error: Float64Array; readonly covariance?: Float64Array },
  ): Promise<void> => {
    const weight = smc.weight(run);
    const found = await (x === values ? ofValues : ofState)(x, weight, smc.summary(run).sum);
    out.mean.set(found.mean);
    out.covariance?.set(found.covariance);
    if (lineages === undefined) return;
    const eves = { family: smc.eve(run), resamplings: smc.runs[run]!.resamplings };
    const by = standardErrorOfMean(weight, x, eves, (lag) => lineages.families(run, lag));
    out.error.set(by.standardError);
    if (by.warnings.length > 0) warnings = by.warnings;
  };

  return {
    get warnings() {
      return warnings;
    },
    async take(row, before) {
      warnings = [];
      const part = (name: Parameters<typeof cells>[2]): Float64Array => cells(layout, row, name);
      const one = (name: Parameters<typeof cells>[2], run: number): Float64Array => {
        const { size } = layout.columns[name];
        return part(name).subarray(run * size, (run + 1) * size);
      };
      for (const [r, state] of smc.runs.entries()) {
        part('logNormalizer')[r] = state.logNormalizer;
        part('increment')[r] = state.increment;
        part('ess')[r] = state.ess;
        part('resampled')[r] = state.resampled ? 1 : 0;
        part('families')[r] =
          before === undefined || state.resampled
            ? lines(smc.eve(r), r * particles)
            : cells(layout, before, 'families')[r]!;
        if (smc.summary(r).sum === 0) {
          for (const name of ['mean', 'covariance', 'meanError', 'expectation', 'expectationError'] as const)
            one(name, r).fill(Number.NaN);
          continue;
        }
        const x = smc.population(r).field('x');
        if (asked !== 'none')
          await average(r, x, {
            mean: one('mean', r),
            error: one('meanError', r),
            covariance: one('covariance', r),
          });
        for (const [c, [name, f]] of functions.entries()) {
          await applyInBlocks(f, x, d, values);
          const mean = one('expectation', r).subarray(c, c + 1);
          await average(r, values, { mean, error: one('expectationError', r).subarray(c, c + 1) });
          if (Number.isNaN(mean[0]!)) throw notNumber(plan.where, name, smc.step);
        }
      }
    },
  };
}

async function applyInBlocks(
  f: FilterPlan['functions'][number][1],
  x: Float64Array,
  d: number,
  out: Float64Array,
): Promise<void> {
  for (let lo = 0; lo < out.length; lo += BLOCK) {
    const hi = Math.min(out.length, lo + BLOCK);
    const pending = f(x.subarray(lo * d, hi * d), out.subarray(lo, hi));
    if (pending !== undefined) await pending;
  }
}

/** Number of distinct eves, which lie in offset..offset + n - 1. */
function makeLineCount(n: number): (eve: Uint32Array, offset: number) => number {
  const seen = new Uint32Array(n);
  let stamp = 0;
  return (eve, offset) => {
    stamp++;
    let count = 0;
    let last = -1;
    for (let i = 0; i < eve.length; i++) {
      const at = eve[i]! - offset;
      // Families mostly lie together.
      if (at === last) continue;
      if (seen[at] !== stamp) count++;
      seen[at] = stamp;
      last = at;
    }
    return count;
  };
}

function notNumber(where: string, name: string, step: number): ValueError {
  return new ValueError({
    where,
    found: `the expectation \`${name}\` is NaN at step ${step}`,
    expected: 'a function that is a number wherever the weight is not 0',
  });
}
