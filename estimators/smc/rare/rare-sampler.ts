import { decodeState, encodeState } from '../../../engine/array/codec.ts';
import { independent } from '../../../engine/distribution/multivariate.ts';
import { normal } from '../../../engine/distribution/normal.ts';
import { DegeneracyError } from '../../../engine/errors.ts';
import { openScore } from '../../../engine/model/score.ts';
import { orRelease } from '../../../engine/or-release.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import { TAG } from '../../../engine/random/purpose.ts';
import type { Context, Ending, Info, Sampler, Step } from '../../../engine/sampler.ts';
import { checkSavedRun } from '../../../engine/saved-run.ts';
import { type ClimbFields, climb, climbScratch } from './climb.ts';
import { rareAnswer } from './rare-answer.ts';
import { checkRare, type RareMethod, type RarePlan, type RareState } from './rare-plan.ts';
import type { RareEventOptions, RareEventResult } from './types.ts';

/** A sampler of particles that climb towards an event. @throws OptionError for bad options. */
export function rareSampler(
  options: RareEventOptions,
  method: RareMethod,
): Sampler<RareState, RareEventResult> {
  const plan = checkRare(options, method);
  const step = async (state: RareState): Promise<Step<RareState>> => {
    if (!state.smc.finished) await state.smc.advance();
    if (state.smc.step === 0 && state.climbs.every(({ end }) => end === 'died-out')) throw flat(plan, state);
    return report(state);
  };
  return {
    name: method.name,
    sources: method.sources,
    async init(ctx) {
      const state = await open(plan, ctx, 0);
      return orRelease(
        () => step(state),
        () => state.dispose(),
      );
    },
    step,
    result: async (state, ending: Ending) => rareAnswer(state, plan, ending, report(state).info),
    async snapshot({ smc, key, score }) {
      const { header, arrays } = smc.snapshot();
      const { evaluations } = score.evaluator;
      return encodeState({ plan: plan.fingerprint, key, evaluations, smc: header }, arrays);
    },
    async restore(bytes, ctx) {
      const { header, arrays } = decodeState(bytes);
      const saved = header as Saved;
      checkSavedRun(
        method.where,
        saved,
        { plan: plan.fingerprint, key: ctx.rng.key },
        'another event, other inputs or other options',
      );
      const state = await open(plan, ctx, saved.evaluations);
      try {
        await state.smc.restore({ header: saved.smc, arrays });
        return report(state);
      } catch (error) {
        state.dispose();
        throw error;
      }
    },
    dispose: (state) => state.dispose(),
  };
}

interface Saved {
  readonly plan: string;
  readonly key: readonly [number, number];
  readonly evaluations: number;
  readonly smc: unknown;
}

async function open(plan: RarePlan, ctx: Context, done: number): Promise<RareState> {
  const { method, options, space, runs, least } = plan;
  const { where, particles, moves, next } = method;
  const { backend, signal } = ctx;
  const d = space.dimension;
  const { model, outputs, event } = options;
  const planned = runs * particles * moves;
  const score = await openScore({ where, space, model, outputs, event, planned, backend, signal }, done);
  const arena = backend.arena();
  const prior = independent(space.names.map(() => normal(0, 1)));
  const context = { where, backend, signal, dimension: d, prior, gradient: false, chains: particles };
  const { replaceDead } = method;
  const scratch = climbScratch(arena, particles, d, replaceDead);
  const leastLog = Math.log(least);
  const kernels = Array.from({ length: runs }, () => plan.kernel.open(context));
  const climbs = kernels.map((kernel) =>
    climb({ scratch, replaceDead, particles, dimension: d, score, kernel, moves, next, leastLog }),
  );
  const rngs = climbs.map((_, r) => (runs === 1 ? ctx.rng : ctx.rng.child(TAG.replicate, r)));
  const smc = makeSmc<ClimbFields>({
    ...{ where, backend, signal, model: climbs, rngs, particles },
    // The survivors of a level have equal weights: every step begins with a resampling.
    ...{ threshold: 1, scheme: 'multinomial' },
    ...(replaceDead
      ? {
          select: (step, population, ancestor) =>
            climbs[population.index]!.replaceDead(step, population, ancestor),
        }
      : {}),
  });
  const dispose = (): void => {
    smc.release();
    for (const kernel of kernels) kernel.dispose();
    arena.release();
    score.dispose();
  };
  return { key: ctx.rng.key, smc, climbs, score, dispose };
}

function report(state: RareState): Step<RareState> {
  const { smc, score } = state;
  const ess = smc.runs.reduce((total, run) => total + run.ess, 0);
  const { evaluations } = score.evaluator;
  const info: Info = { ess, evaluations, warnings: [], done: smc.step + 1, total: undefined };
  return { state, done: smc.finished, info };
}

/** Of particles whose scores are all one number outside the event, in every run. */
function flat({ method: { where } }: RarePlan, { smc }: RareState): DegeneracyError {
  const short = -smc.particles.field('score')[0]!;
  return new DegeneracyError({
    where,
    found: `all particles have the same score at the start, ${short} short of the event`,
    expected: 'outputs that tell which inputs are nearer to the event',
    fix: 'Use more particles, or an output that grows towards the event rather than 0 or 1.',
  });
}
