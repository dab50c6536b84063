import type { Arena, Backend, KernelCall } from '../../../engine/backend/backend.ts';
import { standardErrorOfMean } from '../../../engine/diagnostics/genealogy-variance.ts';
import { ValueError } from '../../../engine/errors.ts';
import { makeMoments } from '../../../engine/particles/moments.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import type { Warning } from '../../../engine/types.ts';
import { blockCount } from '../../../engine/wasm/twins/sums.ts';
import type { StateFields } from '../state-space.ts';
import type { FilterPlan } from './filter-plan.ts';
import type { Lineages } from './lineages.ts';
import { type Column, cells, type RowLayout } from './row.ts';

/** Rows of one call of a user's function. */
const BLOCK = 8192;

/** Reads what was asked off the particles after each step. */
export interface Measure {
  /** Kernels of `take` that may run along with those of a step of a single run, in which it has found its weights. */
  ahead(weight: Float64Array): readonly KernelCall[];
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

interface Average {
  /** The first kernel for the means of a state. */
  first(x: Float64Array, weight: Float64Array): KernelCall;
  /** The mean of rows [n, k] of a run into `mean`, and its error by the genealogy into `error`, where asked. */
  take(
    run: number,
    x: Float64Array,
    out: { readonly mean: Float64Array; readonly error: Float64Array; readonly covariance?: Float64Array },
    begun?: boolean,
  ): Promise<void>;
}

export function makeMeasure(setting: Setting): Measure {
  const { plan, layout, smc, arena } = setting;
  const { particles, dimension: d, moments: asked, functions } = plan;
  const values = arena.f64(functions.length === 0 ? 0 : particles);
  const lines = makeLineCount(setting.backend, arena, particles);
  let warnings: readonly Warning[] = [];
  // The step whose first kernels have been run along with its own.
  let begun = -1;
  const average = makeAverage(setting, values, (found) => {
    warnings = found;
  });

  /** Whether families may be fewer than at the step before `begun`. */
  const counts = (r: number): boolean => begun === 0 || smc.runs[r]!.resampled;

  const takeMeans = async (r: number, one: (name: Column) => Float64Array): Promise<void> => {
    const x = smc.population(r).field('x');
    const mean = one('mean');
    const out = { mean, error: one('meanError'), covariance: one('covariance') };
    if (asked !== 'none') await average.take(r, x, out, begun === smc.step);
    for (const [c, [name, f]] of functions.entries()) {
      await applyInBlocks(f, x, d, values);
      const value = one('expectation').subarray(c, c + 1);
      await average.take(r, values, { mean: value, error: one('expectationError').subarray(c, c + 1) });
      if (Number.isNaN(value[0]!)) throw notNumber(plan.where, name, smc.step);
    }
  };

  return {
    get warnings() {
      return warnings;
    },
    ahead(weight) {
      begun = smc.step + 1;
      const calls: KernelCall[] = [];
      if (counts(0)) calls.push(lines.first(smc.eve(0)));
      if (asked !== 'none') calls.push(average.first(smc.population(0).field('x'), weight));
      return calls;
    },
    async take(row, before) {
      warnings = [];
      for (const [r, state] of smc.runs.entries()) {
        const one = (name: Column): Float64Array => {
          const { size } = layout.columns[name];
          return cells(layout, row, name).subarray(r * size, (r + 1) * size);
        };
        for (const name of STANDING) one(name)[0] = Number(state[name]);
        one('families')[0] =
          before === undefined || state.resampled
            ? await lines.take(smc.eve(r), r * particles, begun === smc.step && counts(r))
            : cells(layout, before, 'families')[r]!;
        if (smc.summary(r).sum > 0) await takeMeans(r, one);
        else for (const name of AVERAGES) one(name).fill(Number.NaN);
      }
    },
  };
}

const STANDING = ['logNormalizer', 'increment', 'ess', 'resampled'] as const;
const AVERAGES = ['mean', 'covariance', 'meanError', 'expectation', 'expectationError'] as const;

function makeAverage(
  { plan, smc, lineages, backend, arena }: Setting,
  values: Float64Array,
  warn: (warnings: readonly Warning[]) => void,
): Average {
  const { particles, dimension: components, moments: asked } = plan;
  const shared = { backend, arena, particles };
  const ofState = makeMoments({ ...shared, components, covariance: asked === 'covariance' });
  const ofValues = makeMoments({ ...shared, components: 1, covariance: false });
  return {
    first: ofState.first,
    async take(run, x, out, begun) {
      const weight = smc.weight(run);
      const moments = x === values ? ofValues : ofState;
      const found = await moments.take(x, weight, smc.summary(run).sum, begun);
      out.mean.set(found.mean);
      out.covariance?.set(found.covariance);
      if (lineages === undefined) return;
      const eves = { family: smc.eve(run), resamplings: smc.runs[run]!.resamplings };
      const by = standardErrorOfMean(weight, x, eves, (lag) => lineages.families(run, lag));
      out.error.set(by.standardError);
      if (by.warnings.length > 0) warn(by.warnings);
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

interface LineCount {
  /** The first kernel, which may run along with others. */
  first(eve: Uint32Array): KernelCall;
  /** Number of distinct eves, which lie in offset..offset + n - 1. */
  take(eve: Uint32Array, offset: number, begun: boolean): Promise<number>;
}

function makeLineCount(backend: Backend, arena: Arena, n: number): LineCount {
  const blocks = blockCount(n);
  const rises = arena.f64(blocks);
  let seen: Uint32Array | undefined;
  return {
    first: (eve) => ({ kernel: 'riseBlocks', args: [eve, n, rises], over: 'blocks' }),
    async take(eve, offset, begun) {
      if (!begun) await backend.dispatch('riseBlocks', [eve, n, rises], blocks);
      // Schemes that keep the order keep families together.
      if (!rises.includes(-1)) return rises.reduce((sum, more) => sum + more, 1);
      seen ??= new Uint32Array(n);
      return distinct(eve, offset, seen);
    },
  };
}

/** `seen` [n] is scratch. */
function distinct(eve: Uint32Array, offset: number, seen: Uint32Array): number {
  seen.fill(0);
  let count = 0;
  for (let i = 0; i < eve.length; i++) {
    const at = eve[i]! - offset;
    if (seen[at] === 0) count++;
    seen[at] = 1;
  }
  return count;
}

function notNumber(where: string, name: string, step: number): ValueError {
  return new ValueError({
    where,
    found: `the expectation \`${name}\` is NaN at step ${step}`,
    expected: 'a function that is a number wherever the weight is not 0',
  });
}
