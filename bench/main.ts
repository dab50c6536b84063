/**
 * npm run bench [-- [--toy] [--save] [name ...]]
 *
 * Runs bench/<name>.bench.ts, all of them without a name, and prints minimum and median of the samples. `--toy`
 * takes inputs so small that the times mean nothing; `--save` writes bench/results/<name>.json.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { type MakeBenchmarks, type Size, type Timing, time } from './benchmark.ts';

const SUFFIX = '.bench.ts';
const folder = new URL('.', import.meta.url);

interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly node: string;
  readonly commit: string;
}

function machine(): Machine {
  const list = cpus();
  return {
    processor: list[0]?.model.trim() ?? 'unknown processor',
    processors: list.length,
    node: process.version,
    commit: commit(),
  };
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: folder, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

function areas(wanted: readonly string[]): readonly string[] {
  const all = readdirSync(folder)
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => file.slice(0, -SUFFIX.length))
    .sort();
  const unknown = wanted.filter((name) => !all.includes(name));
  if (unknown.length > 0)
    throw new Error(`bench: no benchmark ${unknown.join(', ')}; there are ${all.join(', ')}.`);
  return wanted.length === 0 ? all : wanted;
}

const decimals = (x: number): string => (x < 100 ? x.toPrecision(3) : x.toFixed(0));

function row(timing: Timing, size: Size): string {
  const { benchmark, name, unit, minimum, median, ratio, medianRatio, goal } = timing;
  const cells = [
    benchmark.padEnd(46),
    name.padEnd(12),
    decimals(minimum).padStart(9),
    decimals(median).padStart(9),
    `ns/${unit}`.padEnd(14),
    `${ratio.toFixed(2)}x`.padStart(8),
    `${medianRatio.toFixed(2)}x`.padStart(8),
  ];
  const verdict =
    goal === undefined || size === 'toy' ? '' : `  goal ${goal}x${ratio >= goal ? '' : ', missed'}`;
  return cells.join(' ') + verdict;
}

async function runArea(area: string, size: Size): Promise<readonly Timing[]> {
  const module = (await import(new URL(area + SUFFIX, folder).href)) as { benchmarks: MakeBenchmarks };
  const timings: Timing[] = [];
  for (const benchmark of await module.benchmarks(size)) timings.push(...(await time(benchmark, size)));
  return timings;
}

function header(): string {
  const titles = ['', '', 'minimum', 'median', '', 'min', 'median'];
  const widths = [-46, -12, 9, 9, -14, 8, 8];
  return titles.map((t, k) => (widths[k]! < 0 ? t.padEnd(-widths[k]!) : t.padStart(widths[k]!))).join(' ');
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { toy: { type: 'boolean', default: false }, save: { type: 'boolean', default: false } },
});
const size: Size = values.toy ? 'toy' : 'full';
const host = machine();
const lines: string[] = [];
for (const area of areas(positionals)) {
  const timings = await runArea(area, size);
  lines.push(`\n${area}`, header(), ...timings.map((timing) => row(timing, size)));
  if (!values.save) continue;
  mkdirSync(new URL('results/', folder), { recursive: true });
  const text = JSON.stringify({ area, size, ...host, timings }, undefined, 1);
  writeFileSync(new URL(`results/${area}.json`, folder), `${text}\n`);
}
console.log(lines.join('\n'));
console.log(`\n${host.processor}, ${host.processors} processors, Node ${host.node}, commit ${host.commit}`);
console.log(
  `load ${loadavg()[0]!.toFixed(1)} in the last minute${size === 'toy' ? '; toy sizes, times mean nothing' : ''}`,
);
