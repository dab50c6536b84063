import { type Backend, BackendError, chooseBackend } from 'ensample';
import { type Note, noGpuNote, ONE_THREAD, processorWords } from './words.ts';

/** Where a run happens, and what to tell about it. */
export interface Place {
  readonly backend: Backend;
  readonly gpu: boolean;
  /** 'WebGPU, float32'. */
  readonly words: string;
  readonly notes: readonly Note[];
}

/** A card that has not answered by then is taken for one that never will. */
const PATIENCE = 3_000;

type Found =
  | { readonly kind: 'card'; readonly backend: Backend }
  | { readonly kind: 'none'; readonly why: 'no-webgpu' | 'no-adapter'; readonly detail: string };

let card: Promise<Found> | undefined;
let host: Promise<Backend> | undefined;

/** The graphics card where there is one, else the processor with a note that says why; 'host' asks for the processor. */
export async function findPlace(on: string): Promise<Place> {
  if (on === 'host') return processor(await openHost(), []);
  card ??= findCard();
  const found = await card;
  if (found.kind === 'none') {
    const backend = await openHost();
    return processor(backend, [noGpuNote(found.why, found.detail, backend)]);
  }
  const { backend } = found;
  const software = /swiftshader|llvmpipe|basic render/i.test(backend.adapter) ? ' (software)' : '';
  return { backend, gpu: true, words: `WebGPU${software}, ${backend.precision}`, notes: isolation() };
}

/** Look for a card again next time: the one that was there went away. */
export async function forgetCard(): Promise<void> {
  const found = await card;
  card = undefined;
  if (found?.kind === 'card') await found.backend.dispose();
}

function processor(backend: Backend, notes: readonly Note[]): Place {
  const words = `${processorWords(backend)}, ${backend.precision}`;
  return { backend, gpu: false, words, notes: [...notes, ...isolation()] };
}

function isolation(): readonly Note[] {
  return crossOriginIsolated ? [] : [ONE_THREAD];
}

function openHost(): Promise<Backend> {
  host ??= chooseBackend();
  return host;
}

/** Two tests, because a browser may have `navigator.gpu` and still no adapter. */
async function findCard(): Promise<Found> {
  // The type says that it is always there.
  if ((navigator as { readonly gpu?: GPU }).gpu === undefined)
    return {
      kind: 'none',
      why: 'no-webgpu',
      detail: isSecureContext ? '' : 'the page did not come by https.',
    };
  try {
    const late = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error('no answer within 3 s')), PATIENCE);
    });
    return { kind: 'card', backend: await Promise.race([openCard(), late]) };
  } catch (error) {
    const detail = error instanceof BackendError ? error.message : String(error);
    return { kind: 'none', why: 'no-adapter', detail };
  }
}

/** Software adapters, far slower than the processor itself, only for tests: `?software=1`. */
function openCard(): Promise<Backend> {
  const allowSoftware = new URLSearchParams(location.search).get('software') === '1';
  return chooseBackend({ backend: 'webgpu', allowSoftware });
}
