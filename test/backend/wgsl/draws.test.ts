import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Shader } from '../../../engine/backend/gpu/types.ts';
import { elementary } from '../../../engine/backend/wgsl/elementary.ts';
import { NORMAL, normals } from '../../../engine/backend/wgsl/normal.ts';
import { philoxWords } from '../../../engine/backend/wgsl/philox.ts';
import { uniforms } from '../../../engine/backend/wgsl/uniform.ts';
import { twins } from '../../../engine/wasm/kernels.ts';
import { normalQuantile } from '../../../engine/wasm/twins/normal.ts';
import { philoxBlock, uniform64 } from '../../../engine/wasm/twins/philox.ts';
import { describeGpu, withGpu } from '../../support/gpu.ts';

interface Reference {
  readonly kat: readonly { gen: string; ctr: string[]; key: string[]; out: string[] }[];
  readonly layout: readonly { ctr: string[]; key: string[]; words: string[] }[];
}
const reference: Reference = JSON.parse(
  readFileSync(new URL('../../reference/random.json', import.meta.url), 'utf8'),
);
const hex = (text: string | undefined): number => Number.parseInt(text!, 16);

const KEY = { k0: 0x89abcdef, k1: 0x01234567 };
const SIZES = [1, 255, 257, 1000] as const;

describeGpu('draws on the card', () => {
  test('philoxWords(): the words of the published known answers', () =>
    withGpu(async (gpu) => {
      const known = [
        ...reference.kat.filter(({ gen }) => gen === 'philox4x32-10'),
        ...reference.layout.map(({ words, ...rest }) => ({ ...rest, out: words })),
      ];
      expect(known.length).toBeGreaterThan(5);
      const words = gpu.arena().u32(4);
      for (const { ctr, key, out } of known) {
        const [first, step, block, channel] = ctr.map(hex);
        const params = { first: first!, step: step!, block: block!, channel: channel! };
        gpu.run(philoxWords, { words }, { ...params, k0: hex(key[0]), k1: hex(key[1]) }, 1);
        expect([...(await gpu.read(words))]).toEqual(out.map(hex));
      }
    }));

  test('philoxWords(): the host kernel, bit for bit, wherever a range begins', () =>
    withGpu(async (gpu) => {
      for (const n of SIZES) {
        for (const first of [0, 4_294_967_000]) {
          const at = { first, step: 3, block: 2, channel: 0x03000007 };
          const words = gpu.arena().u32(4 * n);
          gpu.run(philoxWords, { words }, { ...KEY, ...at }, n);
          const host = new Uint32Array(4 * n);
          twins.philoxWords(host, KEY.k0, KEY.k1, at.first, at.step, at.block, at.channel, 0, n);
          expect(await gpu.read(words)).toEqual(host);
        }
      }
    }));

  test('uniforms(): exact on their grid; with stride 2 the host uniforms to 2^-23', () =>
    withGpu(async (gpu) => {
      for (const [n, d] of [
        [1, 1],
        [257, 3],
        [70, 5],
      ] as const) {
        // biome-ignore format: pairs
        const address = { ...KEY, d, first: 10, step: 3, channel: 0x01000000 };
        const out = gpu.arena().f32(n * d);
        const host = new Float64Array(n * d);
        twins.uniform(host, d, KEY.k0, KEY.k1, 10, 3, address.channel, 0, n);
        gpu.run(uniforms, { out }, { ...address, stride: 2 }, n * Math.ceil(d / 2));
        const far = (await gpu.read(out)).map((u, i) => Math.abs(u - host[i]!));
        expect(Math.max(...far)).toBeLessThan(2 ** -23);

        gpu.run(uniforms, { out }, { ...address, stride: 1 }, n * Math.ceil(d / 4));
        const words = new Uint32Array(4);
        const exact = Float32Array.from({ length: n * d }, (_, i) => {
          const c = i % d;
          philoxBlock(10 + Math.floor(i / d), 3, c >> 2, address.channel, KEY.k0, KEY.k1, words);
          return ((words[c & 3]! >>> 9) + 0.5) * 2 ** -23;
        });
        expect(await gpu.read(out)).toEqual(exact);
      }
    }));

  test('normals(): the host normals at the same address within 1e-5, any n and d', () =>
    withGpu(async (gpu) => {
      for (const [n, d] of [
        [1, 1],
        [255, 2],
        [257, 3],
        [20_011, 5],
      ] as const) {
        // biome-ignore format: pairs
        const address = { ...KEY, d, first: 7, step: 12, channel: 0x0c000001 };
        const out = gpu.arena().f32(n * d);
        gpu.run(normals, { out }, address, n * Math.ceil(d / 2));
        const host = new Float64Array(n * d);
        twins.normal(host, d, KEY.k0, KEY.k1, 7, 12, address.channel, 0, n);
        const far = (await gpu.read(out)).map((z, i) => Math.abs(z - host[i]!));
        expect(far.reduce((a, b) => Math.max(a, b), 0)).toBeLessThan(5e-6);
      }
    }));

  test('normal_words(): within 1e-5 of the host out to 8.2 in both tails, and around 0', () =>
    withGpu(async (gpu) => {
      const shader: Shader<'words' | 'z', never> = {
        name: 'normalWords',
        buffers: { words: 'read u32', z: 'write f32' },
        params: {},
        per: 'item',
        code: `${elementary('e_log')}${NORMAL}
fn item(i: u32) { z[i] = normal_words(words[2u * i], words[2u * i + 1u]); }`,
      };
      const lower = Array.from({ length: 20_000 }, (_, i) => {
        const u = 0.5 * 2 ** ((-52 * i) / 20_000);
        const whole = Math.floor(u * 2 ** 52);
        return [Math.floor(whole / 2 ** 26) * 64, (whole % 2 ** 26) * 64] as const;
      });
      const pairs = [...lower, [0, 0] as const].flatMap(([a, b]) => [a, b, ~a >>> 0, ~b >>> 0]);
      const words = gpu.arena().u32(pairs.length);
      const z = gpu.arena().f32(pairs.length / 2);
      gpu.write(words, Uint32Array.from(pairs));
      gpu.run(shader, { words, z }, {}, pairs.length / 2);
      const found = await gpu.read(z);
      const exact = Float64Array.from(found, (_, i) =>
        normalQuantile(uniform64(pairs[2 * i]!, pairs[2 * i + 1]!)),
      );
      const absolute = found.map((x, i) => Math.abs(x - exact[i]!));
      const relative = found.map((x, i) => (absolute[i]! < 1e-12 ? 0 : Math.abs(x / exact[i]! - 1)));
      expect(Math.max(...exact)).toBeGreaterThan(8.2);
      expect(absolute.reduce((a, b) => Math.max(a, b), 0)).toBeLessThan(5e-6);
      expect(relative.reduce((a, b) => Math.max(a, b), 0)).toBeLessThan(1e-6);
    }));
});
