import type { Gpu, GpuArena, GpuArray } from '../backend/gpu/types.ts';
import type { NoiseShape } from '../backend/wgsl/moves.ts';
import { OptionError } from '../errors.ts';

/** What standard normals are multiplied with. Kept by reference: pass the same object again and it is uploaded once. */
export type Noise =
  /** The same standard deviation everywhere. */
  | number
  /** [d], a standard deviation for each component. */
  | { readonly diagonal: ArrayLike<number> }
  /** [d (d + 1) / 2], the lower triangle of L by rows: noise L z with covariance L L'. */
  | { readonly triangle: ArrayLike<number> };

/** Noise as shaders take it. */
export interface CardNoise {
  readonly shape: NoiseShape;
  readonly scale: number;
  /** [d], [d (d + 1) / 2], or one number that is not looked at. */
  readonly factor: GpuArray<'f32'>;
}

/** Noise by what a user wrote; `where` is for messages. */
export type NoiseOf = (where: string, noise: Noise) => CardNoise;

/**
 * Noise of d components on a card, each object uploaded once. */
export function noiseOnCard(
  gpu: Gpu,
  arena: GpuArena,
  d: number,
): (where: string, noise: Noise) => CardNoise {
  const none = arena.f32(1);
  const held = new WeakMap<object, CardNoise>();
  return (where, noise) => {
    if (typeof noise === 'number') {
      if (!(noise >= 0 && noise < Infinity))
        throw bad(where, noise, `option \`noise\` is ${noise}`, 'a number >= 0');
      return { shape: 'unit', scale: noise, factor: none };
    }
    const known = held.get(noise);
    if (known !== undefined) return known;
    const shape = 'diagonal' in noise ? 'diagonal' : 'triangle';
    const values = Float32Array.from('diagonal' in noise ? noise.diagonal : noise.triangle);
    const length = shape === 'diagonal' ? d : (d * (d + 1)) / 2;
    if (values.length !== length || !values.every(Number.isFinite))
      throw bad(where, noise, `\`noise.${shape}\` has ${values.length} numbers`, `${length} finite numbers`);
    const factor = arena.f32(length);
    gpu.write(factor, values);
    const made = { shape, scale: 1, factor } as const;
    held.set(noise, made);
    return made;
  };
}

function bad(where: string, value: unknown, found: string, expected: string): OptionError {
  return new OptionError({ where, option: 'noise', value, found, expected });
}
