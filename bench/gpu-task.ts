import { ok } from 'node:assert';
import { type Arena, type Gpu, type GpuArray, rngFromSeed } from 'ensample/engine';

/** The same pass on both sides: what to run, and what it leaves behind. */
export interface Task {
  readonly name: string;
  readonly unit: string;
  readonly items: number;
  readonly bytes: number;
  readonly goal?: number;
  /** Threads that the processor uses; default all. */
  readonly threads?: number;
  host(): Promise<void>;
  /** Resolves when the card is done. */
  card(): Promise<void>;
  /** Throws when they do not agree. */
  compare(): Promise<void>;
}

export const D = 2;
/** What float32 may differ by, of the scale of the numbers. */
export const TOLERANCE = 1e-5;
/** Where draws are. */
export const ADDRESS = { k0: 1, k1: 2, first: 0, step: 3, channel: 4 };

/** What is asked of hardware: many times as fast as the processor. */
export function goal(gpu: Gpu): { readonly goal?: number } {
  return gpu.software ? {} : { goal: 50 };
}

export function uniforms(n: number, scale: number): Float32Array<ArrayBuffer> {
  const next = rngFromSeed(3).stream({ purpose: 32 });
  return Float32Array.from({ length: n }, () => scale * next.uniform());
}

/** An array on the card with these numbers. */
export function upload(gpu: Gpu, values: Float32Array): GpuArray<'f32'> {
  const array = gpu.arena().f32(values.length);
  gpu.write(array, values);
  return array;
}

export function onHost(arena: Arena, values: ArrayLike<number>): Float64Array {
  const array = arena.f64(values.length);
  array.set(values);
  return array;
}

/** Throws unless both are the same numbers to `TOLERANCE` of their size, or of `floor` where they are smaller. */
export function close(what: string, card: Float32Array, host: ArrayLike<number>, floor: number): void {
  for (let i = 0; i < card.length; i++) {
    const error = Math.abs(card[i]! - host[i]!) / Math.max(floor, Math.abs(host[i]!));
    ok(error <= TOLERANCE, `${what}: number ${i} is ${card[i]} on the card and ${host[i]} on the processor`);
  }
}
