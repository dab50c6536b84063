import { openGpu } from '../../engine/backend/gpu.ts';
import { philoxWords } from '../../engine/backend/wgsl/philox.ts';
import { SOBOL_RUN, sobolWords, turnedDirections } from '../../engine/backend/wgsl/sobol.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { type SobolSequence, sobolSequence } from '../../engine/random/sobol.ts';
import { twins } from '../../engine/wasm/kernels.ts';

// Bundled into a page, where `cardWords` runs, and imported by the test, where `hostWords` does.

export interface Words {
  readonly sobol: readonly number[];
  readonly philox: readonly number[];
}

const KEY = { k0: 0x12345678, k1: 0x9abcdef0 };
const AT = { first: 4_294_967_000, step: 3, block: 1, channel: 0x07000002 };
const FIRST = 1_000_003;
const N = 257;

function sequence(): Promise<SobolSequence> {
  return sobolSequence({ dimension: 7, rng: rngFromSeed(99), replicate: 2, scramble: 'owen' });
}

/** The words by the plain JavaScript of the host. */
export async function hostWords(): Promise<Words> {
  const { directions, words, mode, dimension } = await sequence();
  const sobol = new Uint32Array(N * dimension);
  twins.sobolWords(directions, words, mode, dimension, sobol, FIRST, 0, N);
  const philox = new Uint32Array(4 * N);
  twins.philoxWords(philox, KEY.k0, KEY.k1, AT.first, AT.step, AT.block, AT.channel, 0, N);
  return { sobol: [...sobol], philox: [...philox] };
}

/** The same words by the graphics card. */
export async function cardWords(): Promise<Words> {
  const { directions: numbers, words, mode, dimension: width } = await sequence();
  const gpu = await openGpu({ allowSoftware: true });
  try {
    const arena = gpu.arena();
    const directions = arena.u32(32 * width);
    const scramble = arena.u32(4 * width);
    const out = arena.u32(N * width);
    gpu.write(directions, turnedDirections(numbers));
    gpu.write(scramble, words);
    const items = Math.ceil(N / SOBOL_RUN) * width;
    gpu.run(sobolWords, { directions, scramble, words: out }, { width, mode, first: FIRST, n: N }, items);
    const philox = arena.u32(4 * N);
    gpu.run(philoxWords, { words: philox }, { ...KEY, ...AT }, N);
    return { sobol: [...(await gpu.read(out))], philox: [...(await gpu.read(philox))] };
  } finally {
    gpu.dispose();
  }
}

Object.assign(globalThis, { cardWords });
