/**
 * npx tsx bench/table.ts bench/results/<name>.json ...
 *
 * Prints results as Markdown tables: one row a benchmark, time of an item, minimum (median), and how many times as
 * fast as the first column the last one is.
 */
import { readFileSync } from 'node:fs';
import type { Timing } from './benchmark.ts';

/** What bench/main.ts writes. */
interface Results {
  readonly size: string;
  readonly processor: string;
  readonly processors: number;
  readonly node: string;
  readonly commit: string;
  readonly load?: number;
  readonly adapter?: string;
  readonly software?: boolean;
  readonly timings: readonly Timing[];
}

/** Three digits and a unit. */
function short(nanoseconds: number): string {
  const [scale, unit] = nanoseconds < 1e4 ? [1, 'ns'] : nanoseconds < 1e7 ? [1e3, 'us'] : [1e6, 'ms'];
  const x = nanoseconds / scale;
  return `${x < 100 ? x.toPrecision(3) : x.toFixed(0)} ${unit}`;
}

const times = (ratio: number): string => `${ratio < 0.1 ? ratio.toPrecision(1) : ratio.toFixed(2)}x`;
const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const cell = ({ minimum, median }: Timing): string => `${short(minimum)} (${short(median)})`;

/** Timings of the same benchmark, in the order in which benchmarks first appear. */
function grouped(timings: readonly Timing[]): readonly (readonly Timing[])[] {
  const groups = new Map<string, Timing[]>();
  for (const timing of timings) {
    const group = groups.get(timing.benchmark) ?? [];
    groups.set(timing.benchmark, [...group, timing]);
  }
  return [...groups.values()];
}

/** Benchmarks with the same cases share a table. */
function tables(timings: readonly Timing[]): string {
  const byCases = new Map<string, (readonly Timing[])[]>();
  for (const group of grouped(timings)) {
    const key = group.map(({ name }) => name).join('\n');
    byCases.set(key, [...(byCases.get(key) ?? []), group]);
  }
  const blocks: string[] = [];
  for (const [key, groups] of byCases) {
    const names = key.split('\n');
    const titles = ['', 'per', ...names, ...(names.length > 1 ? ['ratio'] : [])];
    const rows = groups.map((group) => {
      const ratio = group.length > 1 ? [times(group.at(-1)!.ratio)] : [];
      return row([group[0]!.benchmark, group[0]!.unit, ...group.map(cell), ...ratio]);
    });
    blocks.push([row(titles), row(titles.map((_, k) => (k < 2 ? '---' : '---:'))), ...rows].join('\n'));
  }
  return blocks.join('\n\n');
}

for (const file of process.argv.slice(2)) {
  const results = JSON.parse(readFileSync(file, 'utf8')) as Results;
  const { adapter, software, processor, processors, node, commit, size, load } = results;
  const card = adapter === undefined ? '' : `${adapter}${software ? ' (a software adapter)' : ''}; `;
  const busy = load === undefined ? '' : `, load ${load} before the start`;
  const toy = size === 'toy' ? ' Toy sizes: the times mean nothing.' : '';
  console.log(
    `\n${card}${processor}, ${processors} processors, Node ${node}, commit ${commit}${busy}.${toy}\n`,
  );
  console.log(tables(results.timings));
}
