/**
 * A graphics card against the processor with all threads: passes over particles that stay on the card, and whole runs of
 * Sobol' indices, of particle filters and of correctors. The same numbers are asserted before timing, to what float32 allows. Without WebGPU nothing is timed.
 * bench/README.md says how to run it on a machine with a card.
 */
import { cpus } from 'node:os';
import { type Gpu, hostBackend } from 'ensample/engine';
import type { Benchmark, Flags, Remarks, Size, Timing } from './benchmark.ts';
import { findCard } from './gpu-adapter.ts';
import { analyses } from './gpu-analyses.ts';
import { correctors } from './gpu-correctors.ts';
import { filters } from './gpu-filters.ts';
import { type Pass, passes } from './gpu-passes.ts';
import { bandwidth, shares, threshold } from './gpu-remarks.ts';

/** What `benchmarks` found, for `remarks`. */
let found: { readonly gpu?: Gpu; readonly passes: readonly Pass[]; readonly reason?: string } = {
  passes: [],
};

export async function benchmarks(size: Size, flags: Flags): Promise<readonly Benchmark[]> {
  const card = await findCard(size, flags);
  if (card.kind === 'none') {
    if (process.env.ENSAMPLE_REQUIRE_GPU === '1')
      throw new Error(`ENSAMPLE_REQUIRE_GPU=1, but ${card.reason}`);
    found = { passes: [], reason: card.reason };
    return [];
  }
  const { gpu } = card;
  const host = await hostBackend();
  const list = passes(gpu, host, size);
  found = { gpu, passes: list };
  const runs = [...analyses(gpu, host, size), ...filters(gpu, host, size), ...correctors(gpu, host, size)];
  return withEnd([...list.map(({ benchmark }) => benchmark), ...runs], async () => {
    gpu.dispose();
    await host.dispose();
  });
}

/** The last benchmark gives back what all of them share. */
function withEnd(list: readonly Benchmark[], end: () => Promise<void>): readonly Benchmark[] {
  const last = list.at(-1)!;
  const dispose = async (): Promise<void> => {
    await last.dispose?.();
    await end();
  };
  return [...list.slice(0, -1), { ...last, dispose }];
}

export function remarks(timings: readonly Timing[], size: Size): Remarks {
  const { gpu } = found;
  if (gpu === undefined) {
    const why = found.reason ?? 'unknown reason';
    return {
      facts: {},
      lines: [
        `no WebGPU here, skipped: ${why}`,
        'A software adapter will do with --software; see bench/README.md.',
      ],
    };
  }
  const { adapter, software, limits } = gpu;
  const label = software ? `${adapter}, a software adapter on ${cpus().length} processors` : adapter;
  const pays = threshold(timings);
  return {
    file: `gpu-${adapter
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '')}`,
    facts: {
      adapter,
      software,
      limits,
      command: `npm run bench -- gpu --save${software ? ' --software' : ''}`,
      copyBytesPerSecond: bandwidth(timings),
      autoThreshold: software ? null : pays,
    },
    lines: [
      label,
      ...shares(timings, found.passes),
      software
        ? `auto threshold: does not apply to a software adapter (size ${size})`
        : pays === null
          ? 'auto threshold: the card pays at none of the sizes measured'
          : `auto threshold: the card pays from ${Math.round(pays).toLocaleString('en').replaceAll(',', ' ')} evaluations on`,
    ],
  };
}
