import {
  type GpuKernel,
  gpuKernel,
  iterate,
  type ModelLike,
  moduleModel,
  OptionError,
  type SobolResult,
  sobolIndices,
} from 'ensample';
import type { LiveView } from './live-view.ts';
import type { Place } from './place.ts';
import type { Task } from './task.ts';

/** Points of the first design; from there they double until the target or the limit is reached. */
export const FIRST_POINTS = 1024;

/** How a run ended. */
export type Ending =
  | { readonly kind: 'finished' | 'stopped'; readonly result: SobolResult }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** Stopped before anything was known. */
  | { readonly kind: 'left' };

/** A run under way. */
export interface Session {
  readonly ended: Promise<Ending>;
  /** Ends after the step it is in, or in the middle of one that takes long. */
  stop(): void;
}

/** Milliseconds that a step may still take once it is time to stop. */
const GRACE = 250;

/** Start a run, or go on with one from its snapshot. */
export function startSession(task: Task, place: Place, view: LiveView, from?: Uint8Array): Session {
  const controller = new AbortController();
  let leaving = false;
  const work = async (): Promise<Ending> => {
    const { seed } = task;
    const options = { seed, backend: place.backend, signal: controller.signal };
    const steps = iterate(methodOf(task, place.gpu), from === undefined ? options : { ...options, from });
    for (;;) {
      const next = await steps.next();
      if (next.done) return { kind: 'finished', result: next.value };
      await view.show(next.value);
      if (!leaving) continue;
      const result = await next.value.result();
      await steps.return(result);
      return { kind: 'stopped', result };
    }
  };
  const ended = work().catch(
    (error: unknown): Ending => (leaving ? { kind: 'left' } : { kind: 'failed', error }),
  );
  return {
    ended,
    stop() {
      leaving = true;
      setTimeout(() => controller.abort(), GRACE);
    },
  };
}

function methodOf(task: Task, gpu: boolean): ReturnType<typeof sobolIndices> {
  const { laws, target, points } = task;
  const model = gpu ? kernelOf(task) : moduleOf(task);
  // A target that no run reaches: all points are used.
  const until = target > 0 ? target : 1e-12;
  return sobolIndices({ model, inputs: laws, points: FIRST_POINTS, until, maxPoints: points });
}

function kernelOf({ code, names }: Task): GpuKernel {
  return gpuKernel(code, { dims: names.length, name: 'formula' });
}

/** Why a graphics card would get the formula wrong: '`x1 / 0` divides by 0'; undefined when it does not. */
export function refusalOf(task: Task): string | undefined {
  try {
    kernelOf(task);
    return undefined;
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    const [, found = error.message] = /column \d+: (.*); expected/.exec(error.message) ?? [];
    return found.replace(/x\[(\d+)\]/g, (_, i: string) => task.names[Number(i)]!);
  }
}

/** The formula as a module that every worker imports by itself. */
function moduleOf({ names, formula }: Task): ModelLike {
  const url = new URL('./formula-model.js', import.meta.url);
  url.search = String(new URLSearchParams({ names: names.join(), formula }));
  return moduleModel(url, 'model');
}
