import { expect, test, vi } from 'vitest';
import { type OpenedDevice, openDevice } from '../../../engine/backend/gpu/adapter.ts';
import { makeGpu } from '../../../engine/backend/gpu/device.ts';
import type { Gpu, GpuArray, Shader } from '../../../engine/backend/gpu/types.ts';
import { spaced } from '../../../engine/check.ts';
import { BackendError, DeviceLostError, OptionError, ShapeError } from '../../../engine/errors.ts';
import { describeGpu, withGpu } from '../../support/gpu.ts';

const plus: Shader<'x' | 'y', 'a' | 'k'> = {
  name: 'plus',
  buffers: { x: 'read f32', y: 'write f32' },
  params: { a: 'f32', k: 'u32' },
  per: 'item',
  code: 'fn item(i: u32) { y[i] = x[i] + p.a + f32(p.k); }',
};
const broken: Shader<'y', never> = {
  name: 'broken',
  buffers: { y: 'write f32' },
  params: {},
  per: 'item',
  code: 'fn item(i: u32) { y[i] = nonsense(i); }',
};

/** What `work` throws. */
const thrown = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  return expect.fail('it should have thrown');
};

/** A device whose memory ends at `room` bytes in one array, and which complains as a real one does. */
function crowded(opened: OpenedDevice, room: number): OpenedDevice {
  let full = false;
  const device = new Proxy(opened.device, {
    get(target, name) {
      if (name === 'createBuffer')
        return (asked: GPUBufferDescriptor) => {
          full ||= asked.size > room;
          return target.createBuffer(asked);
        };
      if (name === 'popErrorScope')
        return async () => {
          const complaint = full ? { message: 'Out of memory' } : null;
          const found = await target.popErrorScope();
          // Validation, internal, out-of-memory: the last to be popped tells.
          if (++popped % 3 !== 0) return found;
          full = false;
          return complaint;
        };
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  let popped = 0;
  return { ...opened, device };
}

describeGpu('gpu: what goes wrong', () => {
  test('arena: lengths that are no counts, and arrays above the limit of the card, are refused at once', () =>
    withGpu(async (gpu) => {
      const arena = gpu.arena();
      for (const length of [-1, 2.5, Number.NaN])
        expect(thrown(() => arena.f32(length))).toBeInstanceOf(OptionError);
      const most = gpu.limits.arrayBytes / 4;
      const error = thrown(() => arena.u32(most + 1));
      expect(error).toBeInstanceOf(BackendError);
      const [asked, limit] = [spaced(4 * most + 4), spaced(4 * most)];
      expect(String(error)).toContain(`an array of ${asked} bytes; expected at most ${limit} bytes`);
      expect(gpu.used).toBe(0);
    }));

  test('arena: memory that is not there is told with its bytes, wherever the array is used', async () => {
    const gpu = makeGpu(crowded(await openDevice(true), 1e6));
    const arena = gpu.arena();
    const small = arena.f32(10);
    const large = arena.f32(1e6);
    gpu.run(plus, { x: small, y: large }, { a: 1, k: 1 }, 10);
    const message = /no memory left for an array of 4 000 000 bytes \(40 are taken by this program\)/;
    await expect(gpu.read(large, 0, 1)).rejects.toThrow(message);
    await expect(gpu.read(large, 0, 1)).rejects.toBeInstanceOf(BackendError);
    expect([...(await gpu.read(small, 0, 1))]).toEqual([0]);
    gpu.dispose();
  });

  test('run(): a shader that does not compile fails what it was to write, names the mistake, and spares the rest', () =>
    withGpu(async (gpu) => {
      const arena = gpu.arena();
      const [x, y] = [arena.f32(3), arena.f32(3)];
      gpu.write(x, Float32Array.of(1, 2, 3));
      gpu.run(broken, { y }, {}, 3);
      await expect(gpu.read(y)).rejects.toThrow(
        /refused the shader broken \(.*unresolved call target 'nonsense'/,
      );
      expect([...(await gpu.read(x))]).toEqual([1, 2, 3]);
      // Another owner of the card reads first and is not told of it; the array stays marked.
      gpu.run(broken, { y }, {}, 3);
      expect([...(await gpu.read(x))]).toEqual([1, 2, 3]);
      await expect(gpu.read(y)).rejects.toBeInstanceOf(BackendError);
      gpu.run(broken, { y }, {}, 3);
      await expect(gpu.done()).rejects.toThrow(/broken/);
      await expect(gpu.done()).resolves.toBeUndefined();
    }));

  test('run(): what is computed from an array that was spoilt is spoilt', () =>
    withGpu(async (gpu) => {
      const arena = gpu.arena();
      const [x, y, z] = [arena.f32(3), arena.f32(3), arena.f32(3)];
      gpu.run(broken, { y: x }, {}, 3);
      await gpu.done().catch(() => undefined);
      gpu.run(plus, { x, y }, { a: 1, k: 0 }, 3);
      await gpu.done().catch(() => undefined);
      gpu.run(plus, { x: y, y: z }, { a: 1, k: 0 }, 3);
      await expect(gpu.read(z)).rejects.toThrow(/nonsense/);
    }));

  test('run(): parameters that the card cannot hold as they are are refused', () =>
    withGpu(async (gpu) => {
      const arena = gpu.arena();
      const [x, y] = [arena.f32(1), arena.f32(1)];
      const call = (a: number, k: number) => () => gpu.run(plus, { x, y }, { a, k }, 1);
      for (const k of [-1, 1.5, 2 ** 32, Number.NaN]) expect(thrown(call(0, k))).toBeInstanceOf(OptionError);
      for (const a of [Number.NaN, Infinity, 1e300]) expect(thrown(call(a, 0))).toBeInstanceOf(OptionError);
      expect(String(thrown(call(Number.NaN, 0)))).toMatch(
        /plus: parameter `a` is NaN; expected a finite number/,
      );
      expect(String(thrown(call(0, -1)))).toMatch(/parameter `k` is -1; expected an integer from 0 to/);
      call(-0.5, 2 ** 32 - 1)();
      expect([...(await gpu.read(y))]).toEqual([2 ** 32]);
    }));

  test('run(): items and arrays that do not fit the shader are refused', () =>
    withGpu(async (gpu) => {
      const arena = gpu.arena();
      const [x, y, u] = [arena.f32(2), arena.f32(2), arena.u32(2)];
      const values = { a: 0, k: 0 };
      for (const items of [-1, 0.5, 2 ** 31 + 1])
        expect(thrown(() => gpu.run(plus, { x, y }, values, items))).toBeInstanceOf(OptionError);
      const wrong = u as unknown as GpuArray<'f32'>;
      expect(String(thrown(() => gpu.run(plus, { x: wrong, y }, values, 1)))).toMatch(
        /`x` holds u32; expected/,
      );
      expect(String(thrown(() => gpu.run(plus, { x, y: x }, values, 1)))).toMatch(
        /`y`, which is written, and `x`/,
      );
      // @ts-expect-error an array is missing
      expect(thrown(() => gpu.run(plus, { x }, values, 1))).toBeInstanceOf(BackendError);
      // @ts-expect-error a parameter of another name
      expect(thrown(() => gpu.run(plus, { x, y }, { a: 0, kk: 0 }, 1))).toBeInstanceOf(OptionError);
      // @ts-expect-error a parameter too many
      gpu.run(plus, { x, y }, { a: 0, k: 0, kk: 0 }, 0);
    }));

  test('read(), write(): ranges beyond the array are refused, nothing may be read', () =>
    withGpu(async (gpu) => {
      const x = gpu.arena().f32(4);
      await expect(gpu.read(x, 3, 2)).rejects.toBeInstanceOf(ShapeError);
      await expect(gpu.read(x, -1, 2)).rejects.toBeInstanceOf(ShapeError);
      expect(thrown(() => gpu.write(x, new Float32Array(3), 2))).toBeInstanceOf(ShapeError);
      expect(await gpu.read(x, 4)).toEqual(new Float32Array());
      expect(await gpu.read(gpu.arena().u32(0))).toEqual(new Uint32Array());
    }));

  test('release(): work asked for before still runs, and the array cannot be used again', () =>
    withGpu(async (gpu) => {
      const [mine, other] = [gpu.arena(), gpu.arena()];
      const [x, y] = [mine.f32(2), other.f32(2)];
      gpu.write(x, Float32Array.of(5, 6));
      gpu.run(plus, { x, y }, { a: 1, k: 1 }, 2);
      mine.release();
      mine.release();
      expect([...(await gpu.read(y))]).toEqual([7, 8]);
      expect(gpu.used).toBe(8);
      await expect(gpu.read(x)).rejects.toThrow(/was given back/);
      expect(thrown(() => gpu.write(x, new Float32Array(2)))).toBeInstanceOf(BackendError);
      expect(thrown(() => gpu.run(plus, { x, y }, { a: 1, k: 1 }, 2))).toBeInstanceOf(BackendError);
    }));

  test('a lost device: everything is refused with the reason, also what was under way', async () => {
    const opened = await openDevice(true);
    const gpu = makeGpu(opened);
    const arena = gpu.arena();
    const [x, y] = [arena.f32(2), arena.f32(2)];
    gpu.run(plus, { x, y }, { a: 1, k: 1 }, 2);
    const under = gpu.read(y);
    opened.device.destroy();
    await expect(under).rejects.toBeInstanceOf(DeviceLostError);
    expect(gpu.lost).toMatch(/destroyed/);
    await expect(gpu.read(y)).rejects.toThrow(/the graphics card went away \(.*destroyed.*\)/);
    await expect(gpu.done()).rejects.toBeInstanceOf(DeviceLostError);
    expect(thrown(() => gpu.write(x, new Float32Array(2)))).toBeInstanceOf(DeviceLostError);
    expect(thrown(() => gpu.run(plus, { x, y }, { a: 1, k: 1 }, 2))).toBeInstanceOf(DeviceLostError);
    expect(thrown(() => arena.f32(1))).toBeInstanceOf(DeviceLostError);
    arena.release();
    gpu.dispose();
  });

  test('an error that nobody asked for is not printed, and the next read tells it', async () => {
    const opened = await openDevice(true);
    const gpu = makeGpu(opened);
    const x = gpu.arena().f32(2);
    const printed = vi.spyOn(console, 'warn');
    opened.device.createBuffer({ size: 16, usage: 0 });
    await gpu.done().catch(() => undefined);
    opened.device.createBuffer({ size: 16, usage: 0 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await expect(gpu.read(x)).rejects.toThrow(/the device refused something \(.*usages must not be 0/);
    expect([...(await gpu.read(x))]).toEqual([0, 0]);
    expect(printed).not.toHaveBeenCalled();
    gpu.dispose();
  });

  test('dispose(): is idempotent, and what comes after is told so', async () => {
    const gpu = makeGpu(await openDevice(true));
    const x = gpu.arena().f32(2);
    const under = gpu.read(x);
    gpu.dispose();
    gpu.dispose();
    await expect(under).rejects.toThrow(/was given back/);
    await expect(gpu.read(x)).rejects.toThrow(/the card was given back \(dispose\)/);
    expect(thrown(() => gpu.arena().f32(1))).not.toBeInstanceOf(DeviceLostError);
    expect(gpu.used).toBe(0);
  });

  test('two devices in one process interleave without mixing', async () => {
    const gpus: readonly Gpu[] = [makeGpu(await openDevice(true)), makeGpu(await openDevice(true))];
    const found = await Promise.all(
      gpus.map(async (gpu, which) => {
        const arena = gpu.arena();
        const arrays = [arena.f32(1000), arena.f32(1000)] as const;
        for (let k = 0; k < 40; k++) {
          gpu.run(plus, { x: arrays[k % 2]!, y: arrays[1 - (k % 2)]! }, { a: which, k: 1 }, 1000);
          if (k % 7 === 0) await gpu.read(arrays[0], 0, 1);
        }
        return (await gpu.read(arrays[0])).every((value) => value === 40 * (1 + which));
      }),
    );
    expect(found).toEqual([true, true]);
    const foreign = gpus[0]!.arena().f32(1);
    await expect(gpus[1]!.read(foreign)).rejects.toThrow(/belongs to another device/);
    for (const gpu of gpus) gpu.dispose();
  });

  test('two owners of one device interleave without mixing', () =>
    withGpu(async (gpu) => {
      const owner = async (a: number): Promise<boolean> => {
        const arena = gpu.arena();
        const arrays = [arena.f32(500), arena.f32(500)] as const;
        for (let k = 0; k < 300; k++) {
          gpu.run(plus, { x: arrays[k % 2]!, y: arrays[1 - (k % 2)]! }, { a, k: 1 }, 500);
          if (k % (5 + a) === 0) await gpu.read(arrays[0], 0, 1);
        }
        const found = await gpu.read(arrays[0]);
        arena.release();
        return found.every((value) => value === 300 * (1 + a));
      };
      expect(await Promise.all([owner(1), owner(2), owner(3)])).toEqual([true, true, true]);
      expect(gpu.used).toBe(0);
    }));

  test('write(): memory shared among threads is copied first', () =>
    withGpu(async (gpu) => {
      const x = gpu.arena().f32(3);
      const shared = new Float32Array(new SharedArrayBuffer(12));
      shared.set([1, 2, 3]);
      gpu.write(x, shared);
      expect([...(await gpu.read(x))]).toEqual([1, 2, 3]);
    }));

  test('run(): every item of a grid of many rows is done once', () =>
    withGpu(async (gpu) => {
      const n = 2 ** 24 + 257;
      const counts = gpu.arena().u32(n);
      const once: Shader<'counts', never> = {
        name: 'once',
        buffers: { counts: 'write u32' },
        params: {},
        per: 'item',
        code: 'fn item(i: u32) { counts[i] += 1u; }',
      };
      gpu.run(once, { counts }, {}, n);
      expect((await gpu.read(counts)).every((count) => count === 1)).toBe(true);
    }));
});
