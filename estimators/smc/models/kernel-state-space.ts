import type { GpuKernel } from '../../../engine/backend/kernel/types.ts';
import { checkCount, checkOptionNames, show } from '../../../engine/check.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { StateSpaceCard, StateSpaceModel } from '../state-space.ts';

/*
 * A state-space model whose functions are kernels of one point, so that it runs on the graphics card too. What a function of
 * a model gets one after the other stands side by side in the point:
 *
 * | function | its point |
 * |---|---|
 * | initial | z [noise] |
 * | transition | x_{t-1} [d], z [noise] |
 * | logObservation | x_t [d], y_t [k] |
 * | logInitial | x_0 [d] |
 * | logTransition | x_{t-1} [d], x_t [d] |
 *
 * A kernel with one number more gets the step t last (logInitial and initial have none).
 */
export interface KernelStateSpaceOptions {
  /** d, numbers in a state. Default 1. */
  readonly dimension?: number;
  /** k, numbers in an observation. Default 1. */
  readonly observed?: number;
  /** Standard normals that one draw of a state takes. Default d. */
  readonly noise?: number;
  /** x_0 from z. */
  readonly initial: GpuKernel;
  /** x_t from its parent and z. */
  readonly transition: GpuKernel;
  /** log g_t(y | x), with all constants; -Infinity where y is impossible. */
  readonly logObservation: GpuKernel;
  /** log p(x_0); on the host only, for guided filters and smoothers. */
  readonly logInitial?: GpuKernel;
  /** log f_t(x | parent); on the host only. */
  readonly logTransition?: GpuKernel;
}

/** A model that `particleFilter` runs on the card. */
export interface KernelStateSpace extends StateSpaceModel {
  readonly card: StateSpaceCard;
}

const WHERE = 'kernelStateSpace';
const KERNELS = ['initial', 'transition', 'logObservation', 'logInitial', 'logTransition'] as const;

/**
 * A state-space model of kernels: `particleFilter` runs it on the card in float32, every method in float64 on the host.
 *
 * @example
 * const model = kernelStateSpace({
 *   initial: gpuKernel((z) => 2 * z[0], { dims: 1 }),
 *   transition: gpuKernel((at) => 0.9 * at[0] + 0.5 * at[1], { dims: 2 }),
 *   logObservation: gpuKernel((at) => -0.5 * (at[1] - at[0]) * (at[1] - at[0]) - 0.9189385332, { dims: 2 }),
 * });
 *
 * @throws OptionError for a bad count, or a kernel that is missing or takes or returns another number of numbers.
 */
export function kernelStateSpace(options: KernelStateSpaceOptions): KernelStateSpace {
  checkOptionNames(WHERE, options, ['dimension', 'observed', 'noise', ...KERNELS]);
  const d = checkCount(WHERE, 'dimension', options.dimension ?? 1, { min: 1 });
  const k = checkCount(WHERE, 'observed', options.observed ?? 1, { min: 1 });
  const noise = checkCount(WHERE, 'noise', options.noise ?? d, { min: 1 });
  const { initial, transition, logObservation, logInitial, logTransition } = options;
  checkKernel('initial', initial, noise, d, false);
  checkKernel('transition', transition, d + noise, d, true);
  checkKernel('logObservation', logObservation, d + k, 1, true);
  if (logInitial !== undefined) checkKernel('logInitial', logInitial, d, 1, false);
  if (logTransition !== undefined) checkKernel('logTransition', logTransition, 2 * d, 1, true);
  const start = byRows(initial);
  const move = byRows(transition);
  const observe = byRows(logObservation);
  return {
    dimension: d,
    observed: k,
    noise,
    initial: (z, x) => start([z], [noise], 0, x),
    transition: (step, parent, z, x) => move([parent, z], [d, noise], step, x),
    logObservation: (step, y, x, out) => observe([x, y], [d, 0], step, out),
    ...(logInitial && {
      logInitial: (x: Float64Array, out: Float64Array) => byRows(logInitial)([x], [d], 0, out),
    }),
    ...(logTransition && {
      logTransition: (step: number, parent: Float64Array, x: Float64Array, out: Float64Array) =>
        byRows(logTransition)([parent, x], [d, d], step, out),
    }),
    card: { initial, transition, logObservation },
  };
}

/** A kernel at points put together from row i of each array; an array of stride 0 is the same for all. */
type Rows = (
  arrays: readonly Float64Array[],
  strides: readonly number[],
  step: number,
  out: Float64Array,
) => void;

function byRows({ dims, outputs, evaluate }: GpuKernel): Rows {
  const point = new Float64Array(dims);
  return (arrays, strides, step, out) => {
    // The last number is the step, where nothing else overwrites it.
    point[dims - 1] = step;
    const n = out.length / outputs;
    for (let i = 0; i < n; i++) {
      let at = 0;
      for (let part = 0; part < arrays.length; part++) {
        const array = arrays[part]!;
        const stride = strides[part]!;
        const width = stride === 0 ? array.length : stride;
        for (let c = 0; c < width; c++) point[at++] = array[i * stride + c]!;
      }
      const value = evaluate(point);
      if (typeof value === 'number') out[i] = value;
      else for (let c = 0; c < outputs; c++) out[i * outputs + c] = value[c]!;
    }
  };
}

function checkKernel(option: string, value: unknown, dims: number, outputs: number, stepped: boolean): void {
  const kernel = value as Partial<GpuKernel> | null | undefined;
  const kind = kernel?.kind === 'gpu-kernel';
  const fits = kernel?.dims === dims || (stepped && kernel?.dims === dims + 1);
  if (kind && fits && kernel.outputs === outputs) return;
  const counts = `dims: ${dims}${stepped ? ` (or ${dims + 1}, with the step)` : ''}`;
  throw new OptionError({
    where: WHERE,
    option,
    value,
    found: kind
      ? `\`${option}\` is a kernel with dims: ${kernel.dims} that returns ${kernel.outputs}`
      : `option \`${option}\` is ${show(value)}`,
    expected: `a gpuKernel with ${counts} that returns ${outputs}`,
  });
}
