import { expect, test } from 'vitest';
import { hostBackend } from '../../engine/backend/host.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { makeCardResampler } from '../../engine/particles/card-resampler.ts';
import { makeResampler } from '../../engine/particles/resampler.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { describeGpu, withGpu } from '../support/gpu.ts';

const SEED = 20260306;

describeGpu('card resampler', () => {
  test("makeCardResampler(): ancestors are the host's, all of them, for both schemes, many steps, n and m", () =>
    withGpu(async (gpu) => {
      const rng = rngFromSeed(SEED);
      for (const scheme of ['systematic', 'stratified'] as const) {
        // Threads share their memory, plain JavaScript does not.
        const backend = scheme === 'systematic' ? await hostBackend({ threads: 2 }) : jsBackend();
        for (const [n, m] of [
          [1, 1],
          [257, 1000],
          [1024, 1024],
          [5000, 123],
          [4099, 4099],
        ] as const) {
          const [arena, cardArena] = [backend.arena(), gpu.arena()];
          const card = makeCardResampler({ gpu, cardArena, backend, arena, particles: n, slots: m, scheme });
          const host = makeResampler({ backend, arena, particles: n, slots: m, scheme });
          const logWeight = arena.f64(n);
          const ancestor = arena.u32(m);
          for (let step = 0; step < 4; step++) {
            const stream = rng.stream({ purpose: 40, step, particle: n });
            for (let i = 0; i < n; i++)
              logWeight[i] = stream.below(4) === 0 && i > 0 ? -Infinity : 30 * stream.normal() ** 3 - 900;
            expect(await card.weigh(logWeight)).toEqual(await host.weigh(logWeight));
            await host.draw({ key: rng.key, step }, ancestor);
            const found = await gpu.read(await card.draw({ key: rng.key, step }));
            expect(found.findIndex((parent, j) => parent !== ancestor[j])).toBe(-1);
          }
          cardArena.release();
          arena.release();
        }
        await backend.dispose();
      }
    }));

  test('makeCardResampler(): all dead, NaN and schemes that need the host are refused as on the host', () =>
    withGpu(async (gpu) => {
      const backend = jsBackend();
      const rest = { gpu, cardArena: gpu.arena(), backend, arena: backend.arena(), particles: 3 };
      const card = makeCardResampler(rest);
      expect(await card.weigh(new Float64Array(3).fill(-Infinity))).toEqual({
        max: -Infinity,
        sum: 0,
        squares: 0,
      });
      await expect(card.draw({ key: [1, 2], step: 0 })).rejects.toThrow(
        'resample: all 3 log-weights are -Infinity; expected at least one live particle.',
      );
      await expect(card.weigh(Float64Array.of(0, Number.NaN, 0))).rejects.toThrow(
        'logWeight is NaN at particle 1',
      );
      expect(() => makeCardResampler({ ...rest, scheme: 'multinomial' as 'systematic' })).toThrow(
        'option `scheme` is "multinomial"; expected one of systematic, stratified',
      );
    }));
});
