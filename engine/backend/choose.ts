import { checkCount, checkOneOf } from '../check.ts';
import { BackendError } from '../errors.ts';
import type { Backend } from './backend.ts';
import { defaultThreads, hostBackend, MAX_THREADS } from './host.ts';
import { jsBackend } from './js.ts';

/** The names `chooseBackend` knows. */
const NAMES = ['auto', 'wasm', 'js', 'webgpu'] as const;

export interface BackendChoice {
  /** 'auto', 'wasm', 'js' or 'webgpu'. Default 'auto', what `defaultBackend` takes. */
  readonly backend?: string;
  /** Threads of the host, the calling one included. Default: as many as the machine has, at most 8. */
  readonly threads?: number;
}

/** One backend as `ensample backends` prints it. */
export interface BackendRow {
  readonly backend: 'webgpu' | 'wasm' | 'js';
  readonly state: 'ready' | 'missing';
  /** What answered, or why nothing did. */
  readonly what: string;
  /** When `auto` takes it. */
  readonly note: string;
}

const NO_GPU = 'this version has no GPU backend';

let shared: Promise<Backend> | undefined;

/**
 * The best host backend of this machine, made once and shared by all runs: WASM SIMD with threads, else WASM
 * on one thread, else plain JavaScript. Its `dispose` does nothing; idle workers never keep a process alive.
 */
export function defaultBackend(): Promise<Backend> {
  shared ??= best(undefined).then((backend) => ({ ...backend, dispose: async () => undefined }));
  return shared;
}

/**
 * The backend a user asked for.
 * @throws OptionError for an unknown name or bad count; BackendError, with what was tried, when it is missing.
 */
export async function chooseBackend(choice: BackendChoice = {}): Promise<Backend> {
  const name = checkOneOf('chooseBackend', 'backend', choice.backend ?? 'auto', NAMES);
  const { threads } = choice;
  if (threads !== undefined) checkCount('chooseBackend', 'threads', threads, { min: 1, max: MAX_THREADS });
  if (name === 'webgpu') throw missing('webgpu', NO_GPU, "Use backend: 'auto'.");
  const options = threads === undefined ? {} : { threads };
  if (name === 'auto') return threads === undefined ? defaultBackend() : best(threads);
  return hostBackend({ ...options, wasm: name === 'wasm' });
}

/** What this machine offers, best first, and why what is missing is missing. */
export async function describeBackends(): Promise<readonly BackendRow[]> {
  return [
    { backend: 'webgpu', state: 'missing', what: NO_GPU, note: '' },
    await describeWasm(),
    { backend: 'js', state: 'ready', what: 'plain JavaScript, f64', note: 'if WASM is missing' },
  ];
}

async function describeWasm(): Promise<BackendRow> {
  try {
    const { threads } = await best(undefined, false);
    const what = `SIMD, ${threads} ${threads === 1 ? 'thread' : 'threads'}, f64`;
    return { backend: 'wasm', state: 'ready', what, note: 'always' };
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    return { backend: 'wasm', state: 'missing', what, note: '' };
  }
}

/** WASM with `threads` or as many as there are; plain JavaScript where WASM is missing and may be. */
async function best(threads: number | undefined, fallback = true): Promise<Backend> {
  try {
    return await hostBackend({ threads: threads ?? defaultThreads() });
  } catch (error) {
    if (!fallback || !(error instanceof BackendError) || (threads ?? 1) > 1) throw error;
    return jsBackend();
  }
}

function missing(name: string, reason: string, fix: string): BackendError {
  return new BackendError({
    where: 'chooseBackend',
    found: `backend ${name} is missing: ${reason}`,
    expected: 'a backend of this machine',
    fix,
    tried: [`${name}: ${reason}`],
  });
}
