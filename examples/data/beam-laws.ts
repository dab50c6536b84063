import { readFileSync } from 'node:fs';
import { gaussianCopula, logNormalFromMean, normal, type OtherLaw, rngFromSeed, sobolPoints } from 'ensample';

interface File {
  readonly ranges: readonly (readonly [number, number])[];
  readonly point_indices: readonly number[];
  readonly means: readonly number[];
}

const file = new URL('beam-laws.json', import.meta.url);
const { ranges, point_indices, means } = JSON.parse(readFileSync(file, 'utf8')) as File;

/** Exact mean deflections of the beam under the hundred laws. */
export const exact: readonly number[] = means;

/** A hundred laws of the inputs of examples/beam.ts by name: 'law 1' to 'law 100'. */
export async function beamLaws(): Promise<Readonly<Record<string, OtherLaw>>> {
  const net = await sobolPoints({ dimension: 9, rng: rngFromSeed(0), scramble: 'none' });
  const u = new Float64Array(9 * 128);
  await net.fill(u, 0, 128);
  const laws = point_indices.map((p, j) => {
    const delta = ranges.map(([low, high], c) => low + (high - low) * u[9 * p + c]!);
    return [`law ${j + 1}`, lawOf(delta)] as const;
  });
  return Object.fromEntries(laws);
}

/** Means of the six inputs, and correlations of width, thickness and length. */
function lawOf([FX, FY, E, w, t, L, wt, wL, tL]: readonly number[]): OtherLaw {
  const rows = Array.from({ length: 6 }, (_, i) => Array.from({ length: 6 }, (_, k) => Number(i === k)));
  for (const [i, k, rho] of [[3, 4, wt!] as const, [3, 5, wL!] as const, [4, 5, tL!] as const])
    rows[i]![k] = rows[k]![i] = rho;
  return {
    inputs: {
      FX: logNormalFromMean(FX!, 0.08),
      FY: logNormalFromMean(FY!, 0.08),
      E: logNormalFromMean(E!, 0.06),
      w: normal(w!, 0.1 * w!),
      t: normal(t!, 0.1 * t!),
      L: normal(L!, 0.1 * L!),
    },
    dependence: gaussianCopula(rows),
  };
}
