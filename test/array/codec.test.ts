import { expect, test } from 'vitest';
import { decodeState, encodeState } from '../../engine/array/codec.ts';
import { OptionError } from '../../engine/errors.ts';

const header = {
  method: 'sobol-indices',
  seed: 2 ** 53 - 1,
  names: ['Q', 'Kₛ'],
  odd: [Number.NaN, Infinity, -Infinity, -0, 0.1],
};
const arrays = {
  x: Float64Array.of(0, -0, Number.NaN, 1 / 3, -Infinity, 5e-324),
  ancestor: Uint32Array.of(1, 4294967295, 3),
  mask: Uint8Array.of(1, 2, 255),
  single: Float32Array.of(0.1),
  signed: Int32Array.of(-1),
  empty: new Float64Array(0),
};

test('decodeState(): gives back the header and every array, bit for bit and of the same type', () => {
  const state = decodeState(encodeState(header, arrays));
  expect(state.header).toEqual(header);
  expect(Object.is((state.header as typeof header).odd[3], -0)).toBe(true);
  expect(Object.keys(state.arrays)).toEqual(Object.keys(arrays));
  for (const [name, array] of Object.entries(arrays)) {
    const back = state.arrays[name]!;
    expect(back.constructor).toBe(array.constructor);
    expect(Buffer.from(back.buffer, back.byteOffset, back.byteLength)).toEqual(Buffer.from(array.buffer));
  }
});

test('decodeState(): reads bytes that start anywhere in their buffer, and never writes to them', () => {
  const bytes = encodeState(header, arrays);
  const shifted = new Uint8Array(bytes.length + 3).subarray(3);
  shifted.set(bytes);
  const state = decodeState(shifted);
  state.arrays.x![0] = 9;
  expect(shifted).toEqual(bytes);
});

test('encodeState(): a subarray of shared memory is written as its elements alone', () => {
  const shared = new Float64Array(new SharedArrayBuffer(80)).fill(2);
  expect(decodeState(encodeState(null, { part: shared.subarray(3, 5) })).arrays.part).toEqual(
    Float64Array.of(2, 2),
  );
});

test('decodeState(): every single changed byte is noticed', () => {
  const bytes = encodeState({ a: 1 }, { x: Float64Array.of(1, 2) });
  for (let i = 0; i < bytes.length; i++) {
    const damaged = bytes.slice();
    damaged[i]! ^= 1 << (i % 8);
    expect(() => decodeState(damaged), `byte ${i}`).toThrow(OptionError);
  }
});

test('decodeState(): garbage, an empty array, a cut or longer state are refused with the reason', () => {
  const bytes = encodeState(header, arrays);
  expect(() => decodeState(new Uint8Array(0))).toThrow(/does not start like one/);
  expect(() => decodeState(new TextEncoder().encode('{"not": "a state at all, but long enough"}'))).toThrow(
    /does not start/,
  );
  expect(() => decodeState(bytes.subarray(0, bytes.length - 8))).toThrow(/of its \d+ bytes/);
  expect(() => decodeState(Uint8Array.of(...bytes, 0))).toThrow(/of its \d+ bytes/);
  expect(() => decodeState('text' as unknown as Uint8Array)).toThrow(OptionError);
});
