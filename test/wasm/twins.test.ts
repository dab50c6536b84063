import { expect, test } from 'vitest';
import { rngFromSeed, type Stream } from '../../engine/random/rng.ts';
import { type KernelName, twins } from '../../engine/wasm/kernels.ts';
import { compileKernels, RESERVED_BYTES, rawKernels } from '../../engine/wasm/loader.ts';
import { bind } from './bind.ts';
import { CASES } from './cases.ts';
import type { Allocator, MakeCall } from './draws.ts';

type AnyArray = Float64Array | Uint32Array | Uint8Array;

const UNTOUCHED = 0xa5;
const GAP = 64;

/** Arrays in a kernel memory, or ordinary ones, in the order they were made. */
class Recorder implements Allocator {
  readonly arrays: AnyArray[] = [];
  readonly ignored = new Set<AnyArray>();
  private end = RESERVED_BYTES + GAP;
  private readonly memory: WebAssembly.Memory | undefined;
  constructor(memory?: WebAssembly.Memory) {
    this.memory = memory;
    this.guard(RESERVED_BYTES);
  }
  f64 = (values: ArrayLike<number>): Float64Array => this.make(Float64Array, values);
  u32 = (values: ArrayLike<number>): Uint32Array => this.make(Uint32Array, values);
  u8 = (values: ArrayLike<number>): Uint8Array => this.make(Uint8Array, values);
  scratch = (length: number): Float64Array => {
    const array = this.make(Float64Array, new Float64Array(length));
    this.ignored.add(array);
    return array;
  };

  private guard(from: number): void {
    if (this.memory !== undefined) new Uint8Array(this.memory.buffer).fill(UNTOUCHED, from, from + 8 + GAP);
  }

  /** Whether every byte between the arrays is as it was. */
  onlyArraysWritten(): boolean {
    const bytes = Buffer.copyBytesFrom(new Uint8Array(this.memory!.buffer, 0, this.end), RESERVED_BYTES);
    for (const array of this.arrays) {
      const start = array.byteOffset - RESERVED_BYTES;
      bytes.fill(UNTOUCHED, start, start + array.byteLength);
    }
    return bytes.equals(Buffer.alloc(bytes.length, UNTOUCHED));
  }

  private make<T extends AnyArray>(
    Kind: { new (buffer: ArrayBufferLike, offset: number, length: number): T; BYTES_PER_ELEMENT: number },
    values: ArrayLike<number>,
  ): T {
    const bytes = values.length * Kind.BYTES_PER_ELEMENT;
    const offset = this.memory === undefined ? 0 : this.end;
    this.guard(this.end + bytes);
    this.end += Math.ceil(bytes / 8) * 8 + GAP;
    const array = new Kind(this.memory?.buffer ?? new ArrayBuffer(bytes), offset, values.length);
    array.set(values);
    this.arrays.push(array);
    return array;
  }
}

function call(kernels: object, name: KernelName, make: MakeCall, draw: Stream, recorder: Recorder): string {
  const { args, count } = make(recorder, draw);
  const ends = [draw.below(count + 1), draw.below(count + 1)].sort((a, b) => a - b);
  const range = draw.below(2) === 0 ? [0, count] : ends;
  (kernels as Record<string, (...all: unknown[]) => void>)[name]!(...args, ...range);
  return `${name}(..., ${range})`;
}

const TRIALS = 40;

for (const shared of [false, true]) {
  const memory = shared
    ? new WebAssembly.Memory({ initial: 64, maximum: 64, shared })
    : new WebAssembly.Memory({ initial: 64 });
  const wasm = bind(memory);
  for (const [name, make] of Object.entries(CASES) as [KernelName, MakeCall][]) {
    test(`${name}: WebAssembly over ${shared ? 'shared' : 'unshared'} memory gives the bits of the twin on any range`, () => {
      for (let trial = 0; trial < TRIALS; trial++) {
        const stream = (): Stream => rngFromSeed(11).stream({ purpose: 32, particle: trial });
        const expected = new Recorder();
        const found = new Recorder(memory);
        const what = call(twins, name, make, stream(), expected);
        call(wasm, name, make, stream(), found);
        expect(found.onlyArraysWritten(), `${what} wrote between its arrays`).toBe(true);
        found.arrays.forEach((array, k) => {
          if (found.ignored.has(array)) return;
          expect(
            firstDifference(array, expected.arrays[k]!),
            `${what}, trial ${trial}, array ${k}`,
          ).toBeUndefined();
        });
      }
    });
  }
}

function bytesOf(array: AnyArray): Buffer {
  return Buffer.from(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength);
}

function firstDifference(found: AnyArray, expected: AnyArray): string | undefined {
  expect(found.length).toBe(expected.length);
  if (bytesOf(found).equals(bytesOf(expected))) return undefined;
  for (let i = 0; i < found.length; i++) {
    if (!Object.is(found[i], expected[i])) return `element ${i} is ${found[i]}, the twin has ${expected[i]}`;
  }
  return undefined;
}

test('kernels: the twins, the exports of both modules and the cases above are the same names', () => {
  const names = Object.keys(twins).sort();
  expect(Object.keys(CASES).sort()).toEqual(names);
  for (const shared of [false, true]) {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared });
    expect(Object.keys(rawKernels(compileKernels(shared), memory)).sort()).toEqual(names);
  }
});
