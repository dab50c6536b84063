import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeBlocks } from '../../engine/array/blocks.ts';
import { type HostMemory, hostMemory } from '../../engine/array/memory.ts';
import { BackendError } from '../../engine/errors.ts';

const RESERVED = 65536;
const kinds: readonly (readonly [string, () => HostMemory])[] = [
  ['shared', () => hostMemory({ reserved: RESERVED, shared: true })],
  ['unshared', () => hostMemory({ reserved: RESERVED, shared: false, limit: 64 * 2 ** 20 })],
];

for (const [kind, make] of kinds) {
  test(`arena(), ${kind}: arrays are zero, aligned to 64 bytes, apart, and above the reserved bytes`, () => {
    const memory = make();
    const arena = memory.arena();
    const arrays = [arena.f64(3), arena.u8(1), arena.u32(17), arena.f64(0), arena.f64(1000)];
    let end = RESERVED;
    for (const array of arrays) {
      expect(array.byteOffset % 64).toBe(0);
      expect(array.byteOffset).toBeGreaterThanOrEqual(end);
      expect(array.every((value) => value === 0)).toBe(true);
      end = array.byteOffset + array.byteLength;
    }
    expect(arrays.map((array) => array.length)).toEqual([3, 1, 17, 0, 1000]);
  });

  test(`arena(), ${kind}: released bytes are handed out again, as zeros`, () => {
    const memory = make();
    const first = memory.arena();
    const dirty = first.f64(1000).fill(7);
    const at = dirty.byteOffset;
    first.release();
    first.release();
    expect(memory.used).toBe(0);
    const again = memory.arena().f64(900);
    expect(again.byteOffset).toBe(at);
    expect(again.every((value) => value === 0)).toBe(true);
  });

  test(`arena(), ${kind}: a second release gives nothing back that now belongs to another arena`, () => {
    const memory = make();
    const first = memory.arena();
    first.f64(10);
    first.release();
    const second = memory.arena();
    const mine = second.f64(10);
    first.release();
    expect(memory.arena().f64(10).byteOffset).not.toBe(mine.byteOffset);
  });

  test(`offset(), ${kind}: knows arrays of this memory and their subarrays, and no others`, () => {
    const memory = make();
    const array = memory.arena().f64(100);
    expect(memory.offset(array)).toBe(array.byteOffset);
    expect(memory.offset(array.subarray(3))).toBe(array.byteOffset + 24);
    expect(memory.offset(new Float64Array(4))).toBeUndefined();
    expect(memory.offset(make().arena().f64(4))).toBeUndefined();
  });

  test(`arena(), ${kind}: a length that is no count is refused`, () => {
    for (const length of [-1, 2.5, Number.NaN, Infinity])
      expect(() => make().arena().f64(length)).toThrow(BackendError);
  });
}

test('arena(), shared: arrays stay valid and known when the memory grows', () => {
  const memory = hostMemory({ reserved: RESERVED, shared: true });
  const small = memory.arena().f64(10).fill(1);
  const before = memory.wasm.buffer.byteLength;
  const large = memory.arena().f64(2 ** 23);
  expect(memory.wasm.buffer.byteLength).toBeGreaterThan(before);
  expect(large.length).toBe(2 ** 23);
  expect(memory.offset(small)).toBe(small.byteOffset);
  new Float64Array(memory.wasm.buffer)[small.byteOffset / 8] = 5;
  expect([...small.subarray(0, 2)]).toEqual([5, 1]);
});

test('arena(), unshared: no allocation detaches an earlier array', () => {
  const memory = hostMemory({ reserved: RESERVED, shared: false, limit: 64 * 2 ** 20 });
  const small = memory.arena().f64(10).fill(1);
  memory.arena().f64(7 * 2 ** 20);
  expect(small.length).toBe(10);
  expect(() => memory.arena().f64(2 ** 20)).toThrow(BackendError);
  expect(small[9]).toBe(1);
});

test('arena(): what does not fit is refused with the bytes needed and the limit, and nothing is lost', () => {
  const memory = hostMemory({ reserved: RESERVED });
  const arena = memory.arena();
  expect(() => arena.f64(1e12)).toThrow(/8000000000000 bytes.*at most 4294901760 bytes/);
  expect(memory.used).toBe(0);
  expect(arena.f64(4).length).toBe(4);
});

test('makeBlocks(): any order of takes and gives keeps blocks apart and ends as one gap', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(400)), { maxLength: 60 }), (actions) => {
      const blocks = makeBlocks(128, 8192);
      const held: { at: number; end: number; bytes: number }[] = [];
      for (const [take, size] of actions) {
        if (take) {
          const at = blocks.take(size);
          if (at === undefined) continue;
          const end = at + Math.max(64, Math.ceil(size / 64) * 64);
          expect(at % 64 === 0 && at >= 128 && end <= 8192).toBe(true);
          expect(held.every((block) => block.end <= at || end <= block.at)).toBe(true);
          held.push({ at, end, bytes: size });
        } else if (held.length > 0) {
          const { at, bytes } = held.splice(size % held.length, 1)[0]!;
          blocks.give(at, bytes);
        }
        expect(blocks.used).toBe(held.reduce((sum, block) => sum + block.end - block.at, 0));
      }
      for (const { at, bytes } of held) blocks.give(at, bytes);
      expect(blocks.take(8192 - 128)).toBe(128);
    }),
    { numRuns: 200, seed: 1 },
  );
});
