import { decodeState, encodeState } from '../../../engine/array/codec.ts';
import { orRelease } from '../../../engine/or-release.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import { TAG } from '../../../engine/random/purpose.ts';
import type { Context, Info, Sampler, Step } from '../../../engine/sampler.ts';
import { checkSavedRun } from '../../../engine/saved-run.ts';
import { steeringAnswer } from './answer.ts';
import { chainModel } from './chain-model.ts';
import { type Done, evaluationsOf, openChain, type SteeringState, type TraceRow } from './open-chain.ts';
import type { ChainFields, SteeringPlan } from './plan.ts';
import type { SteeringResult } from './types.ts';

/** The sampler of a plan: all methods of steering differ in their plans alone. */
export function steeringSampler(plan: SteeringPlan): Sampler<SteeringState, SteeringResult> {
  const { name, sources, where } = plan.method;
  const step = async (state: SteeringState): Promise<Step<SteeringState>> => {
    if (!state.smc.finished) await advance(state);
    return report(state);
  };
  return {
    name,
    sources,
    async init(ctx) {
      const state = await open(plan, ctx, { denoiser: 0, tangents: 0, reward: 0 });
      return orRelease(
        () => step(state),
        () => dispose(state),
      );
    },
    step,
    result: async (state, ending) => steeringAnswer(state, ending, report(state).info),
    async snapshot({ smc, key, chain, trace }) {
      const { header, arrays } = smc.snapshot();
      const done: Done = evaluationsOf(chain);
      return encodeState({ plan: plan.fingerprint, key, done, trace, smc: header }, arrays);
    },
    async restore(bytes, ctx) {
      const { header, arrays } = decodeState(bytes);
      const saved = header as Saved;
      const own = { plan: plan.fingerprint, key: ctx.rng.key };
      checkSavedRun(where, saved, own, 'another denoiser, reward, grid or other options');
      const state = await open(plan, ctx, saved.done);
      state.trace.push(...saved.trace);
      return orRelease(
        async () => {
          await state.smc.restore({ header: saved.smc, arrays });
          return report(state);
        },
        () => dispose(state),
      );
    },
    dispose,
  };
}

interface Saved {
  readonly plan: string;
  readonly key: readonly [number, number];
  readonly done: Done;
  readonly trace: readonly TraceRow[];
  readonly smc: unknown;
}

async function open(plan: SteeringPlan, ctx: Context, done: Done): Promise<SteeringState> {
  const { method, rows: particles, runs } = plan;
  const { where, scheme, threshold } = method;
  const { backend, signal } = ctx;
  const chain = await openChain(plan, ctx, done);
  const each = <T>(make: (run: number) => T): T[] => Array.from({ length: runs }, (_, run) => make(run));
  return orRelease(
    async () => ({
      key: ctx.rng.key,
      smc: makeSmc<ChainFields>({
        ...{ where, backend, signal, particles, scheme, threshold },
        model: each((run) => chainModel(chain, run)),
        rngs: each((run) => (runs === 1 ? ctx.rng : ctx.rng.child(TAG.replicate, run))),
      }),
      chain,
      trace: [],
    }),
    () => chain.dispose(),
  );
}

function dispose({ smc, chain }: SteeringState): void {
  smc.release();
  chain.dispose();
}

async function advance({ smc, trace }: SteeringState): Promise<void> {
  await smc.advance();
  const { ess, resampled, increment } = smc.runs[0]!;
  const { sum } = smc.summary(0);
  trace.push({ ess, resampled, increment, largestWeight: sum > 0 ? 1 / sum : 0 });
}

function report(state: SteeringState): Step<SteeringState> {
  const { smc, chain } = state;
  const ess = smc.runs.reduce((total, run) => total + run.ess, 0);
  const info: Info = {
    ess,
    evaluations: smc.evaluations,
    warnings: [],
    done: smc.step + 1,
    total: chain.plan.steps + 1,
  };
  return { state, done: smc.finished, info };
}
