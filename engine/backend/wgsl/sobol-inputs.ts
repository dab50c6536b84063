import type { Gpu, GpuArray, Shader } from '../gpu/types.ts';
import { LAW_SIZE, QUANTILE } from './quantile.ts';
import { SOBOL, SOBOL_RUN, turnedDirections } from './sobol.ts';

/** Words, scramble and quantile in one pass; column c of the point has law c modulo `d`. */
const sobolQuantiles: Shader<
  'directions' | 'scramble' | 'laws' | 'x',
  'width' | 'd' | 'mode' | 'first' | 'n'
> = {
  name: 'sobolQuantiles',
  buffers: { directions: 'read u32', scramble: 'read u32', laws: 'read f32', x: 'write f32' },
  params: { width: 'u32', d: 'u32', mode: 'u32', first: 'u32', n: 'u32' },
  per: 'item',
  code: `${SOBOL}${QUANTILE}
fn item(i: u32) {
  let c = i % p.width;
  let start = (i / p.width) * ${SOBOL_RUN}u;
  let w = sobol_words_of(c);
  let law = law_of(c % p.d);
  var word = sobol_at(p.first + start, c);
  for (var row = start; row < min(start + ${SOBOL_RUN}u, p.n); row++) {
    x[row * p.width + c] = law_quantile(law, sobol_scrambled(word, w));
    word = sobol_next(word, p.first + row, c);
  }
}`,
};

export interface SobolInputsOptions {
  /** [width, 32], [width, 4] and the mode, as `sobolSequence` gives them for `width` coordinates. */
  readonly directions: Uint32Array;
  readonly words: Uint32Array;
  readonly mode: number;
  /** The table of `cardLaws`, [d, 13]; d divides width. */
  readonly laws: Float32Array<ArrayBuffer>;
}

/** Input values at points of a Sobol' sequence, made on the card. */
export interface SobolInputs {
  /** Numbers of a point: d for each base matrix of a design. */
  readonly width: number;
  /** Points first .. first + n - 1 into `out` [n, width]: A (and B, C) of a base point beside each other. */
  fill(out: GpuArray<'f32'>, first: number, n: number): void;
  /** Give the tables back. */
  release(): void;
}

/** Upload the tables of a sequence and the laws of its columns. */
export function sobolInputs(gpu: Gpu, options: SobolInputsOptions): SobolInputs {
  const { mode } = options;
  const width = options.directions.length / 32;
  const d = options.laws.length / LAW_SIZE;
  const arena = gpu.arena();
  const directions = arena.u32(32 * width);
  const scramble = arena.u32(4 * width);
  const laws = arena.f32(options.laws.length);
  gpu.write(directions, turnedDirections(options.directions));
  gpu.write(scramble, Uint32Array.from(options.words));
  gpu.write(laws, options.laws);
  return {
    width,
    fill(x, first, n) {
      const items = Math.ceil(n / SOBOL_RUN) * width;
      gpu.run(sobolQuantiles, { directions, scramble, laws, x }, { width, d, mode, first, n }, items);
    },
    release: () => arena.release(),
  };
}
