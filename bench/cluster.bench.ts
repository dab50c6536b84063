/**
 * Shards on a queue in Redis against the pool of threads of one machine; needs a redis-server. Times: an empty shard, on
 * two threads and by two workers. Below them: empty shards a second (goal: 2000), milliseconds from submitting a run of
 * one empty shard to its answer (goal: a median of 5), results a second at 1 kB and 1 MB, efficiency at shards of 10 ms, 100 ms
 * (goal: 0.9 of the pool) and 1 s, seconds from kill -9 to the second start (goal: 6 with lock 3 s and stall 1 s), and
 * what a simulation says of up to 10 000 workers.
 */
import { ok } from 'node:assert';
import { pathToFileURL } from 'node:url';
import {
  type BullmqCluster,
  bullmq,
  type Cluster,
  local,
  makePlan,
  simulateCluster,
} from '../estimators/cluster.ts';
import type { Benchmark, Remarks, Size } from './benchmark.ts';
import { spin } from './cluster-works.mjs';
import { type Fleet, openFleet } from './fleet.ts';

const TIMING = { lock: 3, stall: 1 };

interface Facts {
  readonly rates: Readonly<Record<string, number>>;
  /** Seconds, of the pool and of the queue, by milliseconds of a shard. */
  readonly walls: Readonly<Record<string, readonly [number, number]>>;
  readonly recovery: number;
  /** Empty shards a second, the most of some runs. */
  readonly rate: number;
  /** Milliseconds of runs of one empty shard: the median, and what one of a hundred takes longer. */
  readonly latency: readonly [p50: number, p99: number];
}

/** Of scale-out.md section 14.14, on loopback. */
const GOALS = { rate: 2000, p50: 5 };

let facts: Facts | undefined;
let seed = 0;

/** Seconds of a run of so many shards. */
async function wall(
  cluster: Cluster,
  count: number,
  options: { milliseconds?: number; bytes?: number },
): Promise<number> {
  const start = performance.now();
  const plan = makePlan({ work: spin.name, options, seed: ++seed, shards: { kind: 'index', count } });
  const { value } = await cluster.submit(spin, plan).result();
  ok(value[0] === (count * (count - 1)) / 2, 'every shard once');
  return (performance.now() - start) / 1000;
}

/** The least of runs that take turns. */
async function turns(
  a: Cluster,
  b: Cluster,
  count: number,
  milliseconds: number,
  times: number,
): Promise<[number, number]> {
  const least: [number, number] = [Infinity, Infinity];
  for (let i = 0; i < times; i++) {
    least[0] = Math.min(least[0], await wall(a, count, { milliseconds }));
    least[1] = Math.min(least[1], await wall(b, count, { milliseconds }));
  }
  return least;
}

/** p50 and p99 of the milliseconds from submitting a run of one empty shard to its answer. */
async function latency(cluster: Cluster, times: number): Promise<readonly [number, number]> {
  const each: number[] = [];
  for (let i = 0; i < times; i++) each.push(1000 * (await wall(cluster, 1, {})));
  each.sort((a, b) => a - b);
  return [each[Math.floor(0.5 * times)]!, each[Math.floor(0.99 * times)]!];
}

/** Seconds from kill -9 of one of two workers until its shard has begun again. */
async function recovery(fleet: Fleet, cluster: BullmqCluster): Promise<number> {
  const victim = await fleet.worker();
  const plan = makePlan({
    ...{ work: spin.name, options: { milliseconds: 400 }, seed: ++seed },
    shards: { kind: 'index', count: 60 },
  });
  const run = cluster.submit(spin, plan);
  let killed = Number.NaN;
  for await (const { done, retried } of run) {
    if (Number.isNaN(killed) && done >= 6) {
      killed = performance.now();
      victim.kill('SIGKILL');
    }
    if (retried > 0) break;
  }
  const seconds = (performance.now() - killed) / 1000;
  await run.result();
  return seconds;
}

export async function benchmarks(size: Size): Promise<readonly Benchmark[]> {
  const fleet = await openFleet(TIMING.lock, TIMING.stall);
  if (fleet === undefined) return [];
  const toy = size === 'toy';
  await Promise.all([fleet.worker(), fleet.worker()]);
  const queue = bullmq({ connection: fleet.url, blobs: fleet.blobs, timing: { poll: 200 } });
  const pool = local({ threads: 2, works: pathToFileURL(fleet.works).href });
  // The first run starts threads and opens the queue.
  await Promise.all([wall(pool, 8, {}), wall(queue, 8, {})]);
  const rates: Record<string, number> = {};
  for (const [name, bytes, count] of [
    ['1 kB', 1024, 2000],
    ['1 MB', 2 ** 20, 100],
  ] as const) {
    const shards = toy ? 10 : count;
    rates[name] = shards / (await wall(queue, shards, { bytes }));
  }
  const walls: Record<string, readonly [number, number]> = {};
  for (const [milliseconds, count] of [
    [10, 400],
    [100, 80],
    [1000, 12],
  ] as const) {
    if (toy && milliseconds > 10) continue;
    walls[milliseconds] = await turns(pool, queue, toy ? 8 : count, milliseconds, toy ? 1 : 3);
  }
  let rate = 0;
  const empty = toy ? 10 : 5000;
  for (let i = 0; i < (toy ? 1 : 5); i++) rate = Math.max(rate, empty / (await wall(queue, empty, {})));
  const waits = await latency(queue, toy ? 3 : 200);
  facts = {
    ...{ rates, walls, rate, latency: waits },
    recovery: toy ? Number.NaN : await recovery(fleet, queue),
  };
  const shards = toy ? 8 : 500;
  return [
    {
      name: 'an empty shard',
      unit: 'shard',
      items: shards,
      samples: 4,
      cases: [
        { name: 'pool', run: async () => void (await wall(pool, shards, {})) },
        { name: 'queue', run: async () => void (await wall(queue, shards, {})) },
      ],
      check: () => {},
      async dispose() {
        await queue.close();
        await pool.close();
        await fleet.close();
      },
    },
  ];
}

const WORKERS = [1, 10, 100, 1000, 10_000] as const;

/** Efficiency by workers, for shards of some seconds with results of some bytes. */
function simulated(size: Size): readonly string[] {
  const workers = size === 'toy' ? WORKERS.slice(0, 3) : WORKERS;
  const rows = [0.01, 0.1, 1, 10, 60].map((shardTime) => {
    const cells = [1e3, 1e6].map((resultBytes) =>
      workers.map((w) => {
        const task = { workers: w, shardTime, variation: 0.2, resultBytes, overhead: 0.001 };
        return simulateCluster(task, uniforms(w)).toFixed(2).replace(/^0/, '').padStart(4);
      }),
    );
    return `  ${`${shardTime} s`.padEnd(7)} ${cells.map((part) => part.join(' ')).join('   |   ')}`;
  });
  return [`simulated efficiency, ${workers.join(', ')} workers: results of 1 kB | of 1 MB`, ...rows];
}

/** Numbers of (0, 1): a linear congruence is good enough for a table of two digits. */
function uniforms(start: number): () => number {
  let state = start;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
}

export function remarks(_timings: unknown, size: Size): Remarks {
  if (facts === undefined)
    return { facts: {}, lines: ['no redis-server: only the simulation', ...simulated(size)] };
  const { rates, walls, rate: empty, latency: waits, recovery: seconds } = facts;
  const met = (goal: number, is: boolean): string =>
    size === 'full' ? `  goal ${goal}${is ? ', met' : ', missed'}` : '';
  const lines = [
    `empty shards: ${empty.toFixed(0)} a second${met(GOALS.rate, empty >= GOALS.rate)}`,
    `a run of one empty shard: p50 ${waits[0].toFixed(1)} ms${met(GOALS.p50, waits[0] <= GOALS.p50)}; p99 ${waits[1].toFixed(1)} ms`,
    ...Object.entries(rates).map(([name, rate]) => `results of ${name}: ${rate.toFixed(0)} a second`),
    ...Object.entries(walls).map(([milliseconds, [pool, queue]]) => {
      const verdict = milliseconds === '100' ? met(0.9, pool / queue >= 0.9) : '';
      return `shards of ${milliseconds} ms: pool ${pool.toFixed(2)} s, queue ${queue.toFixed(2)} s, efficiency ${(pool / queue).toFixed(2)}${verdict}`;
    }),
    `kill -9 to the second start, lock ${TIMING.lock} s and stall ${TIMING.stall} s: ${seconds.toFixed(1)} s${met(6, seconds <= 6)}`,
    ...simulated(size),
  ];
  return { facts: { ...facts }, lines };
}
