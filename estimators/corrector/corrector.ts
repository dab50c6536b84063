import { decodeState, encodeState } from '../../engine/array/codec.ts';
import { savedAdapter } from '../../engine/model/place.ts';
import { orRelease } from '../../engine/or-release.ts';
import { makeSmc } from '../../engine/particles/smc/smc.ts';
import type { Smc } from '../../engine/particles/smc/types.ts';
import { TAG } from '../../engine/random/purpose.ts';
import type { Rng } from '../../engine/random/rng.ts';
import type { Context, Sampler, Step } from '../../engine/sampler.ts';
import { checkSavedRun } from '../../engine/saved-run.ts';
import type { Source } from '../../engine/types.ts';
import { correctorAnswer } from './answer.ts';
import { makeCalibrate } from './calibrate.ts';
import { placeCorrector } from './card-place.ts';
import { type CorrectorModel, correctorModel, type RunWeights } from './model.ts';
import { openTarget } from './open-target.ts';
import { type CorrectorFields, type CorrectorPlan, checkCorrector, WHERE } from './plan.ts';
import type { CorrectorLoop, CorrectorState, Row } from './state.ts';
import type { CorrectorOptions, CorrectorResult } from './types.ts';

/*
 * Feynman-Kac correctors: weighted particles follow prod_i q_i,t^b_i exp(rho_t) from noise to data, where guidance alone would
 * end at another law.
 *
 *   dx = u d tau + a dW,     d log w = g d tau,     tau = -t
 *   u = -f x + ((g^2 + a^2) / 2) Sb + (a^2 / 2) R
 *   rate = (B - 1) div f - f x . R + (g^2 / 2) (|Sb|^2 - sum b_i |s_i|^2 + Sb . R) + d rho / d tau + sum (d b_i / d tau) log q_i
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | q_i, s_i | target.experts, their scores | [K, d] |
 * | b_i, B | exponents, their sum | |
 * | Sb = sum b_i s_i, R = grad rho | | [K, d] |
 * | f, g^2 | drift and diffusion of the schedule | |
 * | a^2 / g^2 | noiseRatio | |
 * | K, N | particles, steps | |
 *
 * Departures from Skreta et al. (2025): one formula for all targets (it does not depend on a, and experts may have schedules of
 * their own); drifts are corrected by a control that is fitted to the particles, whose price is in the weights (the part without
 * divergence of Ren et al. 2025); the start is weighed; resampling by the effective sample size.
 */
export const CORRECTOR_SOURCES: readonly Source[] = [
  {
    authors:
      'Skreta, M., Akhound-Sadegh, T., Ohanesian, V., Bondesan, R., Aspuru-Guzik, A., Doucet, A., Brekelmans, R., Tong, A. & Neklyudov, K.',
    year: 2025,
    title: 'Feynman-Kac correctors in diffusion: annealing, guidance, and product of experts',
    reference: 'Proceedings of Machine Learning Research 267 (ICML), arXiv:2503.02819',
  },
  {
    authors: 'Ren, Y., Gao, W., Ying, L., Rotskoff, G. M. & Han, J.',
    year: 2025,
    title: 'DriftLite: lightweight drift control for inference-time scaling of diffusion models',
    reference: 'arXiv:2509.21655',
  },
];

/**
 * Sample prod q_i^b_i exp(rho) from diffusion models of the q_i, with weights that make it right: `anneal`, `guide`, `product` and
 * `reward` make the target.
 *
 * With backend 'webgpu' the particles are on the graphics card in float32, weights, control and log Z in float64 on the host, for
 * experts by `mixtureDenoiser` and `gaussianDenoiser` and rewards by `linearReward` and `quadraticReward`; 'auto' takes the card for
 * long runs. What a card cannot do is refused, or with 'auto' runs on the processor with a note in provenance.
 * @throws OptionError for bad options, or a target that does not exist, before any work; ValueError where scores or rates are not
 * finite, with the step.
 */
export function corrector(options: CorrectorOptions): Sampler<CorrectorState, CorrectorResult> {
  const plan = checkCorrector(options);
  const step = async (state: CorrectorState): Promise<Step<CorrectorState>> => {
    if (!state.smc.finished) await advance(state);
    return report(state, plan);
  };
  return {
    name: 'corrector',
    sources: CORRECTOR_SOURCES,
    async init(ctx) {
      const state = await open(plan, ctx);
      return orRelease(
        () => step(state),
        () => state.dispose(),
      );
    },
    step,
    result: async (state, ending) => correctorAnswer(state, plan, ending, report(state, plan).info),
    async snapshot({ key, smc, target, place, starts, rows }) {
      const { header, arrays } = smc.snapshot();
      const { evaluations } = target;
      const rest = { evaluations, adapter: savedAdapter(place), starts, rows, smc: header };
      return encodeState({ plan: plan.fingerprint, key, ...rest }, arrays);
    },
    async restore(bytes, ctx) {
      const { header, arrays } = decodeState(bytes);
      const saved = header as Saved;
      const own = { plan: plan.fingerprint, key: ctx.rng.key };
      checkSavedRun(WHERE, saved, own, 'another target or other options');
      const state = await open(plan, ctx, saved);
      return orRelease(
        async () => {
          await state.smc.restore({ header: saved.smc, arrays });
          state.starts.push(...saved.starts);
          for (const [r, rows] of saved.rows.entries()) state.rows[r]!.push(...rows);
          return report(state, plan);
        },
        () => state.dispose(),
      );
    },
    dispose: (state) => state.dispose(),
  };
}

interface Saved {
  readonly plan: string;
  readonly key: readonly [number, number];
  readonly evaluations: number;
  /** The card whose float32 is in the particles; absent when there was none. */
  readonly adapter?: string | undefined;
  readonly starts: readonly number[];
  readonly rows: readonly Row[][];
  readonly smc: unknown;
}

async function open(plan: CorrectorPlan, ctx: Context, saved?: Saved): Promise<CorrectorState> {
  const { rng, backend } = ctx;
  const { runs } = plan;
  const { place, gpu } = await placeCorrector(plan, backend);
  const rngs = Array.from({ length: runs }, (_, r) => (runs === 1 ? rng : rng.child(TAG.replicate, r)));
  // A corrector on the processor does without shaders.
  const loop =
    gpu === undefined
      ? await openOnHost(plan, ctx, rngs, saved?.evaluations ?? 0)
      : await (await import('./card-open.ts')).openOnCard(plan, ctx, gpu, rngs);
  const before = saved?.adapter;
  const known = before === undefined || before === place.card?.adapter;
  return {
    ...loop,
    key: rng.key,
    place: known ? place : { ...place, earlier: before },
    starts: [],
    rows: rngs.map(() => []),
  };
}

async function openOnHost(
  plan: CorrectorPlan,
  ctx: Context,
  rngs: readonly Rng[],
  done: number,
): Promise<CorrectorLoop> {
  const { backend, signal } = ctx;
  const { particles, scheme, rule, noise } = plan;
  const target = await openTarget(plan, ctx, done);
  const arena = backend.arena();
  const dispose = (): void => {
    opened?.release();
    arena.release();
    target.dispose();
  };
  let opened: Smc<CorrectorFields> | undefined;
  return orRelease(async () => {
    const weights = (r: number): RunWeights => ({ weight: opened!.weight(r), sum: opened!.summary(r).sum });
    const models: CorrectorModel[] = rngs.map((_, r) => {
      const calibrate = makeCalibrate(plan, backend, arena);
      return correctorModel({ plan, target, arena, calibrate, weights: () => weights(r) });
    });
    const smc = makeSmc<CorrectorFields>({
      ...{ where: WHERE, backend, signal, model: models, rngs, particles, scheme },
      threshold: rule.threshold,
      beside: (run, weight) => models[run.index]!.beside(run, weight),
      // Step k + 1 leaves time k.
      mayResample: (step) => rule.at(step - 1),
      ...(rule.kind === 'clocks'
        ? {
            select: (step, population, ancestor, logWeight) => {
              const first = step === 1 || !rule.at(step - 2);
              return models[population.index]!.clocks!.choose(step, population, logWeight, ancestor, first);
            },
          }
        : {}),
      ...(noise === undefined ? {} : { noise }),
    });
    opened = smc;
    return { smc, target, models, dispose };
  }, dispose);
}

async function advance({ smc, models, starts, rows }: CorrectorState): Promise<void> {
  const going = smc.runs.map((run) => !run.finished);
  const varied = models.map(({ rateVariance }) => rateVariance);
  await smc.advance();
  for (const [r, run] of smc.runs.entries()) {
    const { increment, ess, resampled } = run;
    if (smc.step === 0) starts.push(increment);
    else if (going[r]) {
      const largestWeight = 1 / smc.summary(r).sum;
      rows[r]!.push({ ess, resampled, increment, largestWeight, rateVariance: varied[r]! });
    }
  }
}

function report(state: CorrectorState, { terms }: CorrectorPlan): Step<CorrectorState> {
  const { smc, target } = state;
  const ess = smc.runs.reduce((total, run) => total + run.ess, 0);
  const { evaluations } = target;
  return {
    state,
    done: smc.finished,
    info: { ess, evaluations, warnings: [], done: smc.step + 1, total: terms.length },
  };
}
