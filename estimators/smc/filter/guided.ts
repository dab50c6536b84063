import type { FeynmanKac } from '../../../engine/particles/smc/feynman-kac.ts';
import { withDensities } from '../densities.ts';
import type { Proposal, StateFields, StateSpaceModel } from '../state-space.ts';
import { rows } from './bootstrap.ts';
import type { ObservationSeries } from './observations.ts';

/*
 * | symbol | name here |
 * |---|---|
 * | q_0, q_t | proposal.initial, proposal.transition and their log densities |
 * | log G_0 = log p + log g_0 - log q_0 | logPotential at step 0 |
 * | log G_t = log f_t + log g_t - log q_t | logPotential |
 */

/**
 * The guided filter of a state-space model: particles move by a proposal that has seen the observation, and weights make
 * up for it. Where an observation is missing they move by the model itself and weights stay as they are.
 *
 * @param observations each [k] or null; T of them. Grows with `push`: `steps` is read at every step.
 * @throws OptionError when the model lacks `logTransition` or `logInitial`.
 * Source: Doucet, Godsill & Andrieu (2000); Chopin & Papaspiliopoulos (2020), section 10.3.
 */
export function guided(
  model: StateSpaceModel,
  observations: ObservationSeries,
  proposal: Proposal,
  where = 'guided',
): FeynmanKac<StateFields> {
  const { dimension: d, noise: own = d } = model;
  const { noise: proposed = d } = proposal;
  const { logInitial, logTransition } = withDensities(
    where,
    model,
    'weights that make up for a proposal',
    'filter without a proposal',
  );
  const noise = Math.max(own, proposed);
  const density = scratch();
  const normals = scratch();
  return {
    fields: { x: { components: d } },
    noise,
    get steps() {
      return observations.length;
    },
    init(run, lo, hi) {
      const y = observations[0]!;
      const z = leading(run.normals, noise, y === null ? own : proposed, lo, hi, normals);
      const x = rows(run.field('x'), d, lo, hi);
      if (y === null) model.initial(z, x);
      else proposal.initial(y, z, x);
    },
    mutate(step, run, lo, hi) {
      const y = observations[step]!;
      const z = leading(run.normals, noise, y === null ? own : proposed, lo, hi, normals);
      const parent = rows(run.parent('x'), d, lo, hi);
      const x = rows(run.field('x'), d, lo, hi);
      if (y === null) model.transition(step, parent, z, x);
      else proposal.transition(step, y, parent, z, x);
    },
    logPotential(step, run, all, lo, hi) {
      const y = observations[step]!;
      const out = all.subarray(lo, hi);
      if (y === null) {
        out.fill(0);
        return;
      }
      const x = rows(run.field('x'), d, lo, hi);
      const log = density(hi - lo);
      model.logObservation(step, y, x, out);
      if (step === 0) logInitial(x, log);
      else logTransition(step, rows(run.parent('x'), d, lo, hi), x, log);
      for (let i = 0; i < out.length; i++) out[i] = out[i]! + log[i]!;
      if (step === 0) proposal.logInitial(y, x, log);
      else proposal.logTransition(step, y, rows(run.parent('x'), d, lo, hi), x, log);
      for (let i = 0; i < out.length; i++) out[i] = out[i]! - log[i]!;
    },
  };
}

/** An array that is taken anew only when it must be longer. */
function scratch(): (length: number) => Float64Array {
  let held = new Float64Array(0);
  return (length) => {
    if (held.length < length) held = new Float64Array(length);
    return held.subarray(0, length);
  };
}

/** The first `width` of the `noise` normals of rows lo..hi-1. */
function leading(
  normals: Float64Array,
  noise: number,
  width: number,
  lo: number,
  hi: number,
  held: (length: number) => Float64Array,
): Float64Array {
  if (width === noise) return rows(normals, noise, lo, hi);
  const out = held((hi - lo) * width);
  for (let i = lo, at = 0; i < hi; i++) for (let j = 0; j < width; j++) out[at++] = normals[i * noise + j]!;
  return out;
}
