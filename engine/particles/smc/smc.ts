import type { Backend } from '../../backend/backend.ts';
import { checkCount } from '../../check.ts';
import { PURPOSE } from '../../random/purpose.ts';
import { channel } from '../../random/rng.ts';
import { makeTurn } from '../../turn.ts';
import { makeHistory } from '../history.ts';
import { ALL_DEAD } from '../log-weight.ts';
import { type FieldSpecs, makeParticles } from '../particles.ts';
import { makeTrigger } from '../trigger.ts';
import type { FeynmanKac, NoiseSource } from './feynman-kac.ts';
import { type Loop, openRun } from './run.ts';
import { chooseParents } from './select.ts';
import type { Smc, SmcOptions, SmcRunState } from './types.ts';
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

/** @throws OptionError for bad counts, an unknown scheme, a threshold outside [0, 1], or chains that do not divide N. */
export function makeSmc<F extends FieldSpecs>(options: SmcOptions<F>): Smc<F> {
  const { where, backend, rngs } = options;
  const n = checkCount(where, 'particles', options.particles, { min: 1, max: 4294967232 });
  const trigger = makeTrigger(where, (options.chains ?? n) < n ? { threshold: 1 } : options);
  const model = (run: number): FeynmanKac<F> =>
    'init' in options.model ? options.model : options.model[run]!;
  const particles = makeParticles({ backend, particles: rngs.length * n, fields: model(0).fields });
  const arena = backend.arena();
  const signal = options.signal ?? new AbortController().signal;
  const loop: Loop<F> = {
    options,
    particles,
    trigger,
    signal,
    runs: rngs.map((rng, index) => openRun({ options, arena, particles, signal }, model(index), rng, index)),
    turn: makeTurn(),
    noise: options.noise ?? addressedNormals(backend),
    evaluations: 0,
  };
  const history = makeHistory(particles, options.history ?? { kind: 'none' });
  let step = -1;
  const over = (): boolean => {
    const { steps } = model(0);
    return (steps !== undefined && step + 1 >= steps) || loop.runs.every((run) => run.state.finished);
  };

  return {
    count: n,
    particles,
    history,
    runs: loop.runs.map((run) => run.state),
    get step() {
      return step;
    },
    get finished() {
      return over();
    },
    get evaluations() {
      const counts = new Set(loop.runs.map((run) => run.model));
      const own = Array.from(counts, (m) => m.evaluations?.());
      return own[0] === undefined ? loop.evaluations : own.reduce<number>((sum, k) => sum + (k ?? 0), 0);
    },
    async advance() {
      const t = step + 1;
      const moved = t > 0 && (await chooseParents(loop, t));
      for (const run of loop.runs) await moveAndWeigh(loop, run, t);
      history.record(t, moved);
      step = t;
    },
    population: (run) => loop.runs[run]!.view,
    weight: (run) => loop.runs[run]!.resampler.weight,
    summary: (run) => loop.runs[run]!.summary,
    snapshot() {
      const runs = loop.runs.map(({ state, base, model: m }) => ({ state, base, model: m.snapshot?.() }));
      return { header: { step, evaluations: loop.evaluations, runs }, arrays: particles.state() };
    },
    async restore(saved) {
      // Written by `snapshot` above; the bytes were checked by whoever stored them.
      const header = saved.header as {
        step: number;
        evaluations: number;
        runs: { state: SmcRunState; base: number; model: unknown }[];
      };
      particles.restore(saved.arrays);
      step = header.step;
      loop.evaluations = header.evaluations;
      for (const [index, run] of loop.runs.entries()) {
        const { state, base, model: choices } = header.runs[index]!;
        Object.assign(run.state, state);
        run.base = base;
        run.model.restore?.(choices);
        run.summary = step < 0 ? ALL_DEAD : await run.resampler.weigh(run.logWeight);
      }
    },
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
