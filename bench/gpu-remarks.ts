import type { Timing } from './benchmark.ts';
import { CARD, COPY, type Pass } from './gpu-passes.ts';

/** Evaluations that a benchmark `... , 1048576 evaluations` makes. */
const EVALUATIONS = / (\d+) evaluations$/;

function cardOf(timings: readonly Timing[], benchmark: string): Timing | undefined {
  return timings.find((timing) => timing.benchmark === benchmark && timing.name === CARD);
}

/** Bytes a second that the card reads and writes together when it only copies. */
export function bandwidth(timings: readonly Timing[]): number {
  const copy = cardOf(timings, COPY);
  return copy === undefined ? Number.NaN : 8e9 / copy.minimum;
}

/** How far each pass is from copying as many bytes as it must read and write. */
export function shares(timings: readonly Timing[], passes: readonly Pass[]): readonly string[] {
  const copied = bandwidth(timings);
  const lines = passes.flatMap(({ benchmark, bytes }) => {
    const timing = cardOf(timings, benchmark.name);
    if (timing === undefined || benchmark.name === COPY) return [];
    const limit = (1e9 * bytes) / copied;
    return [`${benchmark.name}: ${bytes} bytes, ${(timing.minimum / limit).toFixed(1)}x the time of a copy`];
  });
  return [`copy: ${(copied / 1e9).toFixed(1)} GB/s read and written`, ...lines];
}

/**
 * Evaluations from which the card is as fast as the processor, found between the sizes measured on a logarithmic scale;
 * null when it never is, the smallest size when it always is. By medians, which a user meets.
 */
export function threshold(timings: readonly Timing[]): number | null {
  const points = timings
    .filter((timing) => timing.name === CARD && EVALUATIONS.test(timing.benchmark))
    .map(({ benchmark, medianRatio }) => ({
      n: Number(EVALUATIONS.exec(benchmark)![1]),
      gain: Math.log(medianRatio),
    }))
    .sort((a, b) => a.n - b.n);
  // From the largest size down: the last one at which the card was slower bounds the answer from below.
  const slower = points.findLastIndex(({ gain }) => gain < 0);
  const [low, high] = [points[slower], points[slower + 1]];
  if (high === undefined) return null;
  if (low === undefined) return high.n;
  return low.n * (high.n / low.n) ** (-low.gain / (high.gain - low.gain));
}
