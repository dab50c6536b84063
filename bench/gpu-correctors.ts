import { ok, strictEqual } from 'node:assert';
import {
  anneal,
  type Backend,
  type CorrectorResult,
  corrector,
  type Gpu,
  mixtureDenoiser,
  run,
  veGeometric,
} from 'ensample';
import type { Benchmark, Size } from './benchmark.ts';
import { onCard } from './gpu-analyses.ts';
import { CARD } from './gpu-passes.ts';

const SEED = 7;
const MODES = 40;
/** Fewer would not be stable. */
const STEPS = 400;

function particlesFor(gpu: Gpu, size: Size): number {
  if (size === 'toy') return 64;
  return gpu.software ? 4096 : 100_000;
}

/** Feynman-Kac correctors: forty modes in two dimensions at three times the inverse temperature. */
export function correctors(gpu: Gpu, host: Backend, size: Size): readonly Benchmark[] {
  const particles = particlesFor(gpu, size);
  const card = onCard(gpu, host);
  const angle = (k: number): number => 2.399963 * k;
  const law = {
    means: Array.from({ length: MODES }, (_, k) => {
      const radius = 0.8 * Math.sqrt((k + 0.5) / MODES);
      return [radius * Math.cos(angle(k)), radius * Math.sin(angle(k))];
    }),
    covariances: Array.from({ length: MODES }, () => [
      [0.0018, 0],
      [0, 0.0018],
    ]),
  };
  const target = anneal(mixtureDenoiser(law, veGeometric({ smallest: 0.01, largest: 10 })), 3);
  const once = (backend: Backend): Promise<CorrectorResult> =>
    run(corrector({ target, particles, steps: STEPS }), { seed: SEED, backend });
  return [
    {
      name: `corrector on the card, ${MODES} modes at inverse temperature 3`,
      unit: 'particle-step',
      items: particles * STEPS,
      samples: 3,
      cases: [
        { name: `${host.threads} threads`, run: async () => void (await once(host)) },
        { name: CARD, run: async () => void (await once(card)) },
      ],
      check: async () => {
        const [wanted, found] = [await once(host), await once(card)];
        strictEqual(found.provenance.precision, 'float32');
        const { value, standardError } = wanted.logNormalizer;
        // Where rounding turns an ancestor over the two are two runs.
        const error = Math.abs(found.logNormalizer.value - value);
        ok(error < 6 * Math.SQRT2 * standardError, `log Z is ${error} from the processor's`);
      },
    },
  ];
}
