import type { Arena, KernelCall } from '../../engine/backend/backend.ts';
import type { FeynmanKac, SmcPopulation, SmcRun } from '../../engine/particles/smc/feynman-kac.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { channel } from '../../engine/random/rng.ts';
import type { KernelArgs } from '../../engine/wasm/kernels.ts';
import { correctorRows } from '../../engine/wasm/twins/corrector.ts';
import type { Calibrate } from './calibrate.ts';
import { type Clocks, makeClocks } from './clocks.ts';
import { exactWeights, type Place } from './exact-weights.ts';
import type { OpenTarget } from './open-target.ts';
import { type CorrectorFields, type CorrectorPlan, correctorFields } from './plan.ts';
import { logTargets, startSpread, weighStart } from './prior.ts';
import { type Runaway, runaways } from './runaway.ts';
import type { StepTerms } from './terms.ts';
import { followDensities, startDensities, turned } from './tracked-density.ts';

/*
 * The corrector as a Feynman-Kac model. Step 0 draws the start, weighs it and evaluates the experts there; step k + 1 moves
 * from t_k to t_(k+1) and evaluates there:
 *
 *   x <- x + h (u_k + theta_k) + a_k sqrt(h) z,     log G = h (g_k + theta_k . h_k),     u, g at the new place
 *
 * u, h and g are fields, gathered with their particles, so that every expert is asked once for a particle and step. The
 * control theta_k is fitted to the particles at t_k with the weights they then have, before they are resampled.
 */

/** Weights of a run as its loop has them: exp(logWeight - max) and their sum. */
export interface RunWeights {
  readonly weight: Float64Array;
  readonly sum: number;
}

export interface CorrectorModel extends FeynmanKac<CorrectorFields> {
  /** Weighted variance of the rate where the particles are, control included; NaN at the end. */
  readonly rateVariance: number;
  /** Particles that have run away, at the worst step so far. */
  readonly runaway: Runaway;
  readonly clocks: Clocks | undefined;
  /** Kernels that go along with those that make the weights of a step. */
  beside(run: SmcRun<CorrectorFields>, weight: Float64Array): readonly KernelCall[];
}

export interface ModelParts {
  readonly plan: CorrectorPlan;
  readonly target: OpenTarget;
  readonly arena: Arena;
  readonly calibrate: Calibrate;
  /** The last weights of this run. */
  weights(): RunWeights;
}

type Run = SmcRun<CorrectorFields>;

interface Fit {
  /** [width] what multiplies the features: control, then 1 for the rate. */
  readonly theta: Float64Array;
  /** [d] h theta_e */
  readonly shift: Float64Array;
  rateVariance: number;
  runaway: Runaway;
}

interface Parts extends ModelParts {
  readonly fit: Fit;
  readonly spread: number;
  readonly clocks: Clocks | undefined;
}

export function correctorModel(given: ModelParts): CorrectorModel {
  const { plan, arena } = given;
  const { dimension: d, width, particles, rule, scheme, terms } = plan;
  const fit: Fit = {
    theta: arena.f64(width),
    shift: arena.f64(d),
    rateVariance: Number.NaN,
    runaway: { share: 0, time: Number.NaN },
  };
  fit.theta[width - 1] = 1;
  const clocks = rule.kind === 'clocks' ? makeClocks(particles, scheme) : undefined;
  const parts: Parts = { ...given, fit, clocks, spread: startSpread(plan) };
  // The step that is being made.
  let now = 0;
  return {
    fields: correctorFields(plan),
    steps: terms.length,
    noise: plan.noise === undefined ? 0 : d,
    block: Number.POSITIVE_INFINITY,
    clocks,
    get rateVariance() {
      return fit.rateVariance;
    },
    get runaway() {
      return fit.runaway;
    },
    async init(run) {
      now = 0;
      await drawStart(parts, run);
      await settle(parts, 0, run);
    },
    async mutate(step, run) {
      now = step;
      await move(parts, terms[step - 1]!, step, run);
      await settle(parts, step, run);
    },
    ...(plan.weights === 'left' && {
      kernels: {
        logPotential(step, run, out) {
          if (step > 0) return [leftWeights(parts, step, run, out)];
          weighStart(plan, parts.spread, run.field('x'), given.target.evaluated, out);
          return [];
        },
      },
    }),
    beside: (run, weight) =>
      now === terms.length - 1 ? [] : [given.calibrate.along(run.field('features'), weight)],
    logPotential: (step, run, out) =>
      step === 0
        ? weighStart(plan, parts.spread, run.field('x'), given.target.evaluated, out)
        : weigh(parts, step, run, out),
    calibrate: (step, population) => calibrate(parts, step, population),
    snapshot: () => ({ theta: Array.from(fit.theta), rateVariance: fit.rateVariance, runaway: fit.runaway }),
    restore(saved) {
      // Written by `snapshot`.
      const { theta, rateVariance, runaway } = saved as Pick<Fit, 'rateVariance' | 'runaway'> & {
        readonly theta: readonly number[];
      };
      fit.theta.set(theta);
      Object.assign(fit, { rateVariance, runaway });
    },
  };
}

async function drawStart({ plan, spread, clocks }: Parts, run: Run): Promise<void> {
  const { dimension: d, terms, tracked } = plan;
  const x = run.field('x');
  if (plan.noise === undefined) {
    const address = [...run.rng.key, 0, 0, channel(PURPOSE.init)] as const;
    await run.backend.dispatch('normal', [x, d, ...address], run.count);
  } else x.set(run.normals);
  for (let at = 0; at < x.length; at++) x[at] = spread * x[at]!;
  if (tracked) startDensities(terms[0]!, x, run.field('densities')!);
  if (clocks !== undefined) run.field('life')!.fill(0);
}

/** theta_x of the control that is fitted or known. */
function slopeOf({ plan: { width }, fit }: Parts): number {
  return width > 1 ? fit.theta[width - 2]! : 0;
}

async function move(parts: Parts, at: StepTerms, step: number, run: Run): Promise<void> {
  const { plan, fit, clocks } = parts;
  const { dimension: d, width } = plan;
  const h = at.step;
  for (let c = 0; c < d; c++) fit.shift[c] = width > 2 ? h * fit.theta[c]! : 0;
  const scale = 1 + h * slopeOf(parts);
  const noise = Math.sqrt(at.noise * h);
  const [x, u, next] = [run.parent('x'), run.parent('u'), run.field('x')];
  if (plan.noise === undefined) {
    const address = [...run.rng.key, 0, step, channel(PURPOSE.diffusion)] as const;
    await run.backend.dispatch(
      'correctorMove',
      [x, u, next, d, scale, h, fit.shift, noise, ...address],
      run.count,
    );
  } else correctorRows(x, u, run.normals, next, d, scale, h, fit.shift, noise, 0, run.count);
  if (clocks === undefined) return;
  const life = run.field('life')!;
  life.set(run.resampled ? clocks.life : run.parent('life')!);
}

/** Evaluate the target where the particles are, at time `index` of the grid: the fields beside x. */
async function settle(parts: Parts, index: number, run: Run): Promise<void> {
  const { plan, target } = parts;
  const { terms, weights, prior, moving, tracked, denoise } = plan;
  const at = terms[index]!;
  const last = index === terms.length - 1;
  const [x, u, features] = [run.field('x'), run.field('u'), run.field('features')];
  if (tracked && index > 0) follow(terms[index - 1]!, run);
  watch(parts, at, x);
  if (last && weights !== 'exact') {
    if (denoise) await target.clean(at, x);
    u.fill(0);
    features.fill(0);
    if (tracked) run.field('scores')!.fill(0);
    return;
  }
  const exact = weights === 'exact';
  const densities = exact || (index === 0 && prior === 'exact') || (moving && !tracked);
  await target.evaluate(at, x, { densities, tilt: exact || index === 0 });
  const { evaluated } = target;
  if (tracked) keepTracked(plan, evaluated.scores, evaluated.densities, run);
  await target.rates(at, x, run.rng, { u, features });
  if (exact) logTargets(at.exponents, evaluated.densities, evaluated.tilt, run.field('logTarget')!);
}

function follow(before: StepTerms, run: Run): void {
  const from = { x: run.parent('x'), scores: run.parent('scores')!, densities: run.parent('densities')! };
  followDensities(before, from, run.field('x'), run.field('densities')!);
}

/** Scores go with their particles, and tracked densities stand in for those of the experts. */
function keepTracked(
  { experts, particles: K, dimension: d }: CorrectorPlan,
  scores: Float64Array,
  densities: Float64Array,
  run: Run,
): void {
  const M = experts.length;
  turned(scores, M, K, d, run.field('scores')!);
  turned(run.field('densities')!, K, M, 1, densities);
}

function watch({ plan, fit }: Parts, at: StepTerms, x: Float64Array): void {
  const share = runaways(plan, at, x);
  if (share > fit.runaway.share) fit.runaway = { share, time: at.time };
}

function weigh(parts: Parts, step: number, run: Run, out: Float64Array): void | Promise<void> {
  const { plan, target, fit } = parts;
  const { weights, terms, width, dimension: d } = plan;
  const before = terms[step - 1]!;
  if (weights === 'none') {
    out.fill(0);
    return;
  }
  if (weights === 'left') return run.backend.chain([leftWeights(parts, step, run, out)], run.count);
  const place = (field: (name: string) => Float64Array): Place => ({
    x: field('x'),
    u: field('u'),
    logTarget: field('logTarget'),
  });
  const shift = Float64Array.from({ length: d }, (_, c) => (width > 2 ? fit.theta[c]! : 0));
  const control = { slope: slopeOf(parts), shift };
  const [from, to] = [place((name) => run.parent(name)!), place((name) => run.field(name)!)];
  exactWeights(before, terms[step]!, control, from, to, target.evaluated, out);
}

/** h theta . features where the step began. */
function leftWeights({ plan, fit }: Parts, step: number, run: Run, out: Float64Array): KernelCall {
  const { terms, width } = plan;
  const args: KernelArgs<'correctorPotential'> = [
    ...([run.parent('features'), width, fit.theta, terms[step - 1]!.step, out] as const),
  ];
  return { kernel: 'correctorPotential', args, over: 'rows' };
}

/** Fit the control of the step to come, and see how much the rate still varies. */
async function calibrate(
  { fit, ...parts }: Parts,
  step: number,
  population: SmcPopulation<CorrectorFields>,
): Promise<void> {
  const [x, features] = [population.field('x'), population.field('features')];
  fit.rateVariance = Number.NaN;
  fit.rateVariance = await parts.calibrate.fit(step, { x, features, ...parts.weights() }, fit.theta);
}
