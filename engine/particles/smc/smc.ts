import type { Backend } from '../../backend/backend.ts';
import { checkCount, checkOneOf } from '../../check.ts';
import { PURPOSE } from '../../random/purpose.ts';
import { channel } from '../../random/rng.ts';
import { makeTurn } from '../../turn.ts';
import { makeHistory } from '../history.ts';
import { type FieldSpecs, makeParticles } from '../particles.ts';
import { SCHEME_NAMES } from '../resampling/schemes.ts';
import { makeTrigger } from '../trigger.ts';
import { adoptRun } from './adopt.ts';
import type { NoiseSource } from './feynman-kac.ts';
import { checkSmcMemory } from './memory.ts';
import { checkChains, modelsOf } from './models.ts';
import { type Loop, openRun } from './run.ts';
import { chooseParents } from './select.ts';
import { restoreLoop, snapshotLoop } from './snapshot.ts';
import type { Smc, SmcOptions } from './types.ts';
import { moveAndWeigh } from './weigh.ts';

/*
 * The sequential Monte Carlo loop. Per run, with a log-weight lw_i carried since the last resampling, and `base`, the
 * log-mean weight at which the evidence was last booked:
 *
 *   t = 0:  x ~ M_0;                                                    lw = log G_0;   m = LME(lw);  log Z = m;          base = m
 *   t > 0:  a = lw + log eta;  trigger(a)? A ~ resample(a), parent = x[A], lw = 0 or c - log eta[A], base = 0
 *           x ~ M_t(parent);                                            lw += log G_t;  m = LME(lw);  log Z += m - base;  base = m
 *
 * c = log sum W exp(log eta) puts back what the lookahead took. The last step is never resampled. The order of calls
 * within a step is init or mutate, aim, logPotential, calibrate.
 */

/**
 * @throws OptionError for bad counts, an unknown scheme, a threshold outside [0, 1], chains that do not divide N,
 * models that do not fit together, or more memory than there is.
 */
export function makeSmc<F extends FieldSpecs>(options: SmcOptions<F>): Smc<F> {
  const n = checkCount(options.where, 'particles', options.particles, { min: 1, max: 4294967232 });
  const loop = openLoop(options, n);
  const { particles, history, runs, models } = loop;
  return {
    count: n,
    particles,
    history,
    runs: runs.map((run) => run.state),
    get step() {
      return loop.step;
    },
    get finished() {
      // Read anew: a model that is fed online gets longer.
      const { steps } = models[0]!;
      return (steps !== undefined && loop.step + 1 >= steps) || runs.every((run) => run.state.finished);
    },
    get evaluations() {
      const own = Array.from(new Set(models), (model) => model.evaluations?.());
      return own[0] === undefined ? loop.evaluations : own.reduce<number>((sum, k) => sum + (k ?? 0), 0);
    },
    async advance() {
      const t = loop.step + 1;
      loop.torn = true;
      const moved = t > 0 && (await chooseParents(loop, t));
      for (const run of runs) await moveAndWeigh(loop, run, t);
      history.record(t, moved);
      loop.step = t;
      loop.torn = false;
    },
    population: (run) => runs[run]!.view,
    weight: (run) => runs[run]!.resampler.weight,
    summary: (run) => runs[run]!.summary,
    eve: (run) => particles.eve().subarray(run * n, (run + 1) * n),
    adopt: (run, from, source) => adoptRun(loop, run, from, source),
    snapshot: () => snapshotLoop(loop),
    restore: (saved) => restoreLoop(loop, saved),
    release: () => loop.release(),
  };
}

function openLoop<F extends FieldSpecs>(options: SmcOptions<F>, n: number): Loop<F> {
  const { where, backend, rngs, chains = n, scheme = 'systematic', history = { kind: 'none' } } = options;
  const trigger = makeTrigger(where, chains < n ? { threshold: 1 } : options);
  checkOneOf(where, 'scheme', scheme, SCHEME_NAMES);
  checkChains(where, n, chains);
  const models = modelsOf(options);
  const { fields, steps, noise = 0, logLookahead } = models[0]!;
  const lookahead = logLookahead !== undefined;
  checkSmcMemory(where, { ...options, fields, runs: rngs.length, steps, noise, lookahead });
  const particles = makeParticles({ backend, particles: rngs.length * n, fields });
  const arena = backend.arena();
  const signal = options.signal ?? new AbortController().signal;
  return {
    options,
    particles,
    models,
    trigger,
    signal,
    history: makeHistory(particles, history),
    runs: models.map((model, index) =>
      openRun({ options, arena, particles, signal }, model, rngs[index]!, index),
    ),
    turn: makeTurn(),
    noise: options.noise ?? addressedNormals(backend),
    evaluations: 0,
    step: -1,
    torn: false,
    release() {
      particles.release();
      arena.release();
    },
  };
}

function addressedNormals(backend: Backend): NoiseSource {
  return (step, { rng, count }, normals) => {
    const purpose = channel(step === 0 ? PURPOSE.init : PURPOSE.mutation);
    return backend.dispatch('normal', [normals, normals.length / count, ...rng.key, 0, step, purpose], count);
  };
}
