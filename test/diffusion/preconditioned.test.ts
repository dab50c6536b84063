import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import type { Denoiser, Times } from '../../engine/diffusion/denoiser.ts';
import { openDenoiser } from '../../engine/diffusion/open-denoiser.ts';
import { preconditionedDenoiser } from '../../engine/diffusion/preconditioned.ts';
import { exact, expectClose, points, vp } from '../support/denoised-law.ts';

/** E[x_0] of the rows. */
async function cleanOf(denoiser: Denoiser, x: Float64Array, time: Times): Promise<Float64Array> {
  const clean = x.slice();
  const open = openDenoiser({ where: 'test', denoiser, backend: jsBackend() });
  await open.evaluate(x, time, x.length / 2, { clean });
  return clean;
}

test('preconditionedDenoiser: the inner network of each form gives back the denoiser it was made from', async () => {
  const forms = { edm: [0.25, 0.5, 0.5], vp: [1, -1, 1], ve: [1, 1, 1], iddpm: [1, -1, 1] } as const;
  const x = points(6);
  for (const time of [0.2, Float64Array.from({ length: 6 }, (_, i) => 0.1 + i / 8)]) {
    const expected = await cleanOf(exact, x, time);
    for (const form of ['edm', 'vp', 've', 'iddpm'] as const) {
      const level = (row: number): number => {
        const t = typeof time === 'number' ? time : time[row]!;
        return vp.noise(t) / vp.signal(t);
      };
      const denoiser = preconditionedDenoiser({
        dimension: 2,
        schedule: vp,
        form,
        network: (scaled, label, out) => {
          for (let at = 0; at < out.length; at++) {
            const s = level(at >> 1);
            const y = x[at]! / vp.signal(typeof time === 'number' ? time : time[at >> 1]!);
            const root = Math.sqrt(s * s + 0.25);
            const [skip, factor, into] =
              form === 'edm'
                ? [0.25 / root ** 2, (0.5 * s) / root, 1 / root]
                : [1, forms[form][1] * s, form === 've' ? 1 : 1 / Math.sqrt(s * s + 1)];
            expect(scaled[at]).toBeCloseTo(into * y, 12);
            out[at] = (expected[at]! - skip * y) / factor;
            const own = typeof label === 'number' ? label : label[at >> 1]!;
            if (form === 'edm') expect(own).toBeCloseTo(Math.log(s) / 4, 13);
            if (form === 've') expect(own).toBeCloseTo(Math.log(s / 2), 13);
            if (form === 'vp')
              expect(own).toBeCloseTo(999 * (typeof time === 'number' ? time : time[at >> 1]!), 10);
            if (form === 'iddpm') expect(Number.isInteger(own)).toBe(true);
          }
        },
      });
      expectClose(await cleanOf(denoiser, x, time), expected, 1e-12);
    }
  }
  // @ts-expect-error a form that is none
  expect(() => preconditionedDenoiser({ dimension: 2, schedule: vp, form: 'ddpm', network() {} })).toThrow(
    'one of edm',
  );
});
