import type { Arena, KernelCall } from '../../../engine/backend/backend.ts';
import type { FeynmanKac, ModelKernels, SmcRun } from '../../../engine/particles/smc/feynman-kac.ts';
import type { StateFields, StateSpaceKernels, StateSpaceModel } from '../state-space.ts';
import type { ObservationSeries } from './observations.ts';

/**
 * The bootstrap filter of a state-space model: particles move by the model itself and are weighted by the observations,
 * G_t = g_t(y_t | x_t). A missing observation weighs nothing.
 *
 * @param observations each [k] or null; T of them. Grows with `push`: `steps` is read at every step.
 * @param ownNormals whether `run.normals` must be used: kernels, which draw for themselves, are left aside.
 * Source: Gordon, Salmond & Smith (1993); Chopin & Papaspiliopoulos (2020), section 10.3.
 */
export function bootstrap(
  model: StateSpaceModel,
  observations: ObservationSeries,
  ownNormals = false,
): FeynmanKac<StateFields> {
  const { dimension: d, noise = d, kernels } = model;
  const fields: StateFields = { x: { components: d } };
  if (kernels !== undefined && !ownNormals) return byKernels(kernels, observations, fields);
  return {
    fields,
    noise,
    get steps() {
      return observations.length;
    },
    init(run, lo, hi) {
      model.initial(rows(run.normals, noise, lo, hi), rows(run.field('x'), d, lo, hi));
    },
    mutate(step, run, lo, hi) {
      const z = rows(run.normals, noise, lo, hi);
      model.transition(step, rows(run.parent('x'), d, lo, hi), z, rows(run.field('x'), d, lo, hi));
    },
    logPotential(step, run, out, lo, hi) {
      const y = observations[step]!;
      if (y === null) out.fill(0, lo, hi);
      else model.logObservation(step, y, rows(run.field('x'), d, lo, hi), rows(out, 1, lo, hi));
    },
  };
}

/** Rows lo..hi-1 of an array of rows. */
export function rows(array: Float64Array, width: number, lo: number, hi: number): Float64Array {
  return lo === 0 && hi * width === array.length ? array : array.subarray(lo * width, hi * width);
}

function byKernels(
  own: StateSpaceKernels,
  observations: ObservationSeries,
  fields: StateFields,
): FeynmanKac<StateFields> {
  const kernels: ModelKernels<StateFields> = {
    init: own.initial,
    mutate: own.transition,
    logPotential(step, run, out, lent) {
      const y = observations[step]!;
      if (y !== null) return own.logObservation(step, y, run, out, lent);
      out.fill(0);
      return [];
    },
  };
  return {
    ...{ fields, noise: 0, block: Infinity, kernels },
    get steps() {
      return observations.length;
    },
    init: (run) => runKernels(run, (lent) => kernels.init(run, lent)),
    mutate: (step, run) => runKernels(run, (lent) => kernels.mutate(step, run, lent)),
    logPotential: (step, run, out) => runKernels(run, (lent) => kernels.logPotential(step, run, out, lent)),
  };
}

/** Kernels of a model by themselves. */
async function runKernels(
  { backend, count }: SmcRun<StateFields>,
  kernels: (lent: Arena) => readonly KernelCall[],
): Promise<void> {
  const lent = backend.arena();
  try {
    await backend.chain(kernels(lent), count);
  } finally {
    lent.release();
  }
}
