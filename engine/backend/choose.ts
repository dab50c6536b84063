import { checkCount, checkOneOf, checkOptionNames, show, spaced } from '../check.ts';
import { BackendError, OptionError } from '../errors.ts';
import { AUTO_CARD_EVALUATIONS, autoCard } from './auto-card.ts';
import type { Backend } from './backend.ts';
import { findAdapter } from './gpu/adapter.ts';
import { gpuBackend } from './gpu.ts';
import { bestHost, hostBackend, MAX_THREADS } from './host.ts';

/** The names `chooseBackend` knows. */
const NAMES = ['auto', 'wasm', 'js', 'webgpu'] as const;

export interface BackendChoice {
  /**
   * 'auto' (default, what `defaultBackend` takes): the processor, and for long runs of a `gpuKernel` the graphics card.
   * 'webgpu': the card for every `gpuKernel`. 'wasm', 'js': the processor alone.
   */
  readonly backend?: string;
  /** Threads of the host, the calling one included. Default: as many as the machine has, at most 8. */
  readonly threads?: number;
  /** With 'webgpu': also a card that is a program on the processor; slower than 'wasm', for tests. Default false. */
  readonly allowSoftware?: boolean;
}

const OPTIONS: Readonly<Record<keyof BackendChoice, true>> = {
  backend: true,
  threads: true,
  allowSoftware: true,
};

/** One backend as `ensample backends` prints it. */
export interface BackendRow {
  readonly backend: 'webgpu' | 'wasm' | 'js';
  /** 'software': a program on the processor that answers as a graphics card would. */
  readonly state: 'ready' | 'software' | 'missing';
  /** What answered, or why nothing did. */
  readonly what: string;
  /** When `auto` takes it; of what is missing, what would help. */
  readonly note: string;
  /** Limits of a graphics card. */
  readonly limits?: {
    /** Bytes of the largest array. */
    readonly arrayBytes: number;
  };
}

const sharedCard = autoCard();
let shared: Promise<Backend> | undefined;

/**
 * The backend of this machine, made once and shared by all runs: WASM SIMD with threads, else WASM on one thread, else
 * plain JavaScript; and the graphics card, where a `gpuKernel` is evaluated often enough for one to pay. Its `dispose`
 * does nothing; idle workers and an idle card never keep a process alive.
 */
export function defaultBackend(): Promise<Backend> {
  shared ??= automatic(undefined).then((backend) => ({ ...backend, dispose: async () => undefined }));
  return shared;
}

/**
 * The backend a user asked for.
 * @throws OptionError for an unknown name or bad count; BackendError, with what was tried, when it is missing.
 */
export async function chooseBackend(choice: BackendChoice = {}): Promise<Backend> {
  checkOptionNames('chooseBackend', choice, Object.keys(OPTIONS));
  const name = checkOneOf('chooseBackend', 'backend', choice.backend ?? 'auto', NAMES);
  const { threads, allowSoftware = false } = choice;
  if (threads !== undefined) checkCount('chooseBackend', 'threads', threads, { min: 1, max: MAX_THREADS });
  if (allowSoftware !== false && (allowSoftware !== true || name !== 'webgpu'))
    throw noSoftware(allowSoftware, name);
  const options = threads === undefined ? {} : { threads };
  if (name === 'webgpu') return gpuBackend({ ...options, allowSoftware });
  if (name === 'auto') return threads === undefined ? defaultBackend() : automatic(threads);
  return hostBackend({ ...options, wasm: name === 'wasm' });
}

async function automatic(threads: number | undefined): Promise<Backend> {
  return { ...(await bestHost(threads)), card: sharedCard };
}

/** What this machine offers, best first, and why what is missing is missing. */
export async function describeBackends(): Promise<readonly BackendRow[]> {
  const card = await describeCard();
  return [
    card,
    await describeWasm(card.state === 'ready' ? 'everything else' : 'always'),
    { backend: 'js', state: 'ready', what: 'plain JavaScript, f64', note: 'if WASM is missing' },
  ];
}

async function describeCard(): Promise<BackendRow> {
  try {
    const { name, software, arrayBytes } = await findAdapter();
    return {
      backend: 'webgpu',
      state: software ? 'software' : 'ready',
      what: `${name}, ${Number((arrayBytes / 2 ** 30).toPrecision(2))} GiB an array, f32`,
      note: software
        ? 'only on request (allowSoftware)'
        : `gpuKernel models from ${spaced(AUTO_CARD_EVALUATIONS)} evaluations on`,
      limits: { arrayBytes },
    };
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    const what = error.tried.join('; ');
    return {
      backend: 'webgpu',
      state: 'missing',
      what,
      note: /npm install webgpu/.exec(error.message)?.[0] ?? '',
    };
  }
}

async function describeWasm(note: string): Promise<BackendRow> {
  try {
    const host = await hostBackend();
    const { threads } = host;
    await host.dispose();
    const what = `SIMD, ${threads} ${threads === 1 ? 'thread' : 'threads'}, f64`;
    return { backend: 'wasm', state: 'ready', what, note };
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    return { backend: 'wasm', state: 'missing', what, note: '' };
  }
}

function noSoftware(allowSoftware: unknown, name: string): OptionError {
  return new OptionError({
    where: 'chooseBackend',
    option: 'allowSoftware',
    value: allowSoftware,
    found: `option \`allowSoftware\` is ${show(allowSoftware)} with backend: '${name}'`,
    expected: "true or false, and true with backend: 'webgpu' only",
    ...(allowSoftware === true ? { fix: "Add backend: 'webgpu'." } : {}),
  });
}
