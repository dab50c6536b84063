/**
 * npm run bench [-- [--toy] [--save] [--software] [--provider NAME] [name ...]]
 *
 * Runs bench/<name>.bench.ts, all of them without a name, and prints minimum and median of the samples. `--toy`
 * takes inputs so small that the times mean nothing; `--save` writes bench/results/<name>.json; `--software` lets `gpu`
 * run on a software adapter; `--provider webgpu` adds one to `pipeline`. bench/README.md says what a graphics card needs.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import {
  type Flags,
  type MakeBenchmarks,
  type MakeRemarks,
  type Remarks,
  type Size,
  type Timing,
  time,
} from './benchmark.ts';

const SUFFIX = '.bench.ts';
const folder = new URL('.', import.meta.url);

interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly node: string;
  readonly commit: string;
  /** Of the last minute before the start: above 0, others were at work too. */
  readonly load: number;
}

function machine(): Machine {
  const list = cpus();
  return {
    processor: list[0]?.model.trim() ?? 'unknown processor',
    processors: list.length,
    node: process.version,
    commit: commit(),
    load: Math.round(10 * loadavg()[0]!) / 10,
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

const times = (ratio: number): string => `${ratio < 0.1 ? ratio.toPrecision(1) : ratio.toFixed(2)}x`;
const decimals = (x: number): string => (x < 100 ? x.toPrecision(3) : x.toFixed(0));

function row(timing: Timing, size: Size): string {
  const { benchmark, name, unit, minimum, median, ratio, medianRatio, goal } = timing;
  const cells = [
    benchmark.padEnd(46),
    name.padEnd(12),
    decimals(minimum).padStart(9),
    decimals(median).padStart(9),
    `ns/${unit}`.padEnd(14),
    times(ratio).padStart(8),
    times(medianRatio).padStart(8),
  ];
  const verdict =
    goal === undefined || size === 'toy' ? '' : `  goal ${goal}x${ratio >= goal ? '' : ', missed'}`;
  return cells.join(' ') + verdict;
}

interface Area {
  readonly timings: readonly Timing[];
  readonly remarks: Remarks;
}

async function runArea(area: string, size: Size, flags: Flags): Promise<Area> {
  const module = (await import(new URL(area + SUFFIX, folder).href)) as {
    benchmarks: MakeBenchmarks;
    remarks?: MakeRemarks;
  };
  const timings: Timing[] = [];
  for (const benchmark of await module.benchmarks(size, flags))
    timings.push(...(await time(benchmark, size)));
  return { timings, remarks: module.remarks?.(timings, size) ?? { facts: {}, lines: [] } };
}

function header(): string {
  const titles = ['', '', 'minimum', 'median', '', 'min', 'median'];
  const widths = [-46, -12, 9, 9, -14, 8, 8];
  return titles.map((t, k) => (widths[k]! < 0 ? t.padEnd(-widths[k]!) : t.padStart(widths[k]!))).join(' ');
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    toy: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    software: { type: 'boolean', default: false },
    provider: { type: 'string' },
  },
});
const size: Size = values.toy ? 'toy' : 'full';
const host = machine();
const lines: string[] = [];
for (const area of areas(positionals)) {
  const { timings, remarks } = await runArea(area, size, {
    software: values.software,
    provider: values.provider,
  });
  const table = timings.length === 0 ? [] : [header(), ...timings.map((timing) => row(timing, size))];
  lines.push(`\n${area}`, ...table, ...remarks.lines);
  if (!values.save || timings.length === 0) continue;
  mkdirSync(new URL('results/', folder), { recursive: true });
  const text = JSON.stringify({ area, size, ...host, ...remarks.facts, timings }, undefined, 1);
  writeFileSync(new URL(`results/${remarks.file ?? area}.json`, folder), `${text}\n`);
}
console.log(lines.join('\n'));
console.log(`\n${host.processor}, ${host.processors} processors, Node ${host.node}, commit ${host.commit}`);
console.log(
  `load ${loadavg()[0]!.toFixed(1)} in the last minute${size === 'toy' ? '; toy sizes, times mean nothing' : ''}`,
);
