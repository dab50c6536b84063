/**
 * Particle methods of Python's package `particles` and of ensample, in one run on one machine, one thread each:
 *
 *   npx tsx bench/peers/smc-main.ts [repeats] [--alone] [--toy]
 *
 * Uses python3 where it has the package, else bench/peers/.venv, into which it is installed with pip where an index can be
 * reached; says what is missing otherwise. `--alone` leaves Python out. Bootstrap filters with 1e5 particles over 100
 * steps, resampling and weighing of 1e6, and the evidence of a logistic regression on 768 x 8 data by waste-free
 * tempering with the same moves on both sides: Pima where the package has it, else synthetic data of that size. Two to
 * three minutes on an idle machine.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { hostBackend, makeResampler, particleFilter, run } from 'ensample';
import { type FilterTask, linearTask, volatilityTask } from '../smc-models.ts';
import { evidence, type LogisticSize, type SignedRows, syntheticRows } from './logistic.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const FILTERS = ['linear Gaussian', 'stochastic volatility'] as const;

interface Seconds {
  readonly min: number;
  readonly median: number;
}

type Evidence = Seconds & { readonly logZ: readonly number[] };

interface PeerReport {
  readonly python: string;
  readonly version: string;
  readonly 'linear Gaussian': Seconds & { readonly logZ: number };
  readonly 'stochastic volatility': Seconds & { readonly logZ: number };
  readonly selection: Readonly<Record<string, Seconds>>;
  readonly logistic: Readonly<Record<string, Evidence>>;
  readonly data: SignedRows;
}

const hasParticles = (python: string): boolean =>
  spawnSync(python, ['-c', 'import particles'], { encoding: 'utf8' }).status === 0;

/** A Python that has the package, or why there is none. */
function findPython(): { readonly path: string } | string {
  if (hasParticles('python3')) return { path: 'python3' };
  const path = `${here}.venv/bin/python`;
  if (!existsSync(path)) {
    const made = spawnSync('python3', ['-m', 'venv', `${here}.venv`], { encoding: 'utf8' });
    if (made.status !== 0) return `python3 -m venv failed: ${made.stderr ?? made.error?.message ?? ''}`;
  }
  if (!hasParticles(path)) spawnSync(path, ['-m', 'pip', 'install', '-q', 'particles']);
  return hasParticles(path) ? { path } : 'particles is not installed, and pip could not install it';
}

function runPeer(tasks: object): PeerReport | string {
  const python = findPython();
  if (typeof python === 'string') return python;
  const ran = spawnSync(python.path, [`${here}smc_tasks.py`], {
    input: JSON.stringify(tasks),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    env: { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', NUMBA_NUM_THREADS: '1' },
  });
  if (ran.status !== 0) return `smc_tasks.py failed: ${ran.stderr.slice(-400)}`;
  return JSON.parse(ran.stdout.slice(ran.stdout.indexOf('{'))) as PeerReport;
}

async function best(repeats: number, once: () => Promise<unknown>): Promise<Seconds> {
  await once();
  const seconds: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    await once();
    seconds.push((performance.now() - start) / 1000);
  }
  seconds.sort((a, b) => a - b);
  return { min: seconds[0]!, median: seconds[seconds.length >> 1]! };
}

const backend = await hostBackend({ threads: 1 });

async function filter(task: FilterTask, of: FilterTask['model'], n: number): Promise<Seconds> {
  const method = particleFilter({ model: of, observations: Array.from(task.y), particles: n });
  return best(repeats, () => run(method, { seed: 7, backend }));
}

/** Weighing alone, and with systematic ancestors and the gathering of four numbers. */
async function selection(n: number): Promise<{ readonly weigh: Seconds; readonly all: Seconds }> {
  const arena = backend.arena();
  const [logWeight, x, y] = [arena.f64(n), arena.f64(4 * n), arena.f64(4 * n)];
  const ancestor = arena.u32(n);
  await backend.dispatch('uniform', [logWeight, 1, 1, 2, 0, 3, 4], n);
  for (let i = 0; i < n; i++) logWeight[i]! *= -20;
  const resampler = makeResampler({ backend, arena, particles: n });
  const weigh = await best(repeats, () => resampler.weigh(logWeight));
  const all = await best(repeats, async () => {
    await resampler.weigh(logWeight);
    await resampler.draw({ key: [1, 2], step: 1 }, ancestor);
    await backend.dispatch('gatherRows', [x, y, ancestor, 4], n);
  });
  arena.release();
  return { weigh, all };
}

const words = process.argv.slice(2);
const [alone, toy] = ['--alone', '--toy'].map((flag) => words.includes(flag));
const repeats = Number(words.find((word) => !word.startsWith('--')) ?? 5);
const [particles, million, steps] = toy ? [1000, 10_000, 20] : [100_000, 1_000_000, 100];
// Random walks need long chains, independent proposals short ones: these posteriors are nearly normal.
const sizes: readonly LogisticSize[] = [
  { moves: 'random walk', chains: toy ? 50 : 100, length: toy ? 10 : 100, runs: toy ? 2 : 16 },
  { moves: 'independent', chains: 50, length: 20, runs: toy ? 2 : 40 },
];
const tasks = [linearTask(steps), volatilityTask(steps)];
const synthetic = syntheticRows();

const [linear, volatility] = tasks as [FilterTask, FilterTask];
const peer = alone
  ? 'not asked for'
  : runPeer({
      repeats,
      particles,
      million,
      linear: { rho: linear.loop.move[1], start: linear.loop.start[1], y: Array.from(linear.y) },
      volatility: {
        mu: volatility.loop.start[0],
        rho: volatility.loop.move[1],
        sigma: volatility.loop.move[2],
        y: Array.from(volatility.y),
      },
      logistic: { sizes, ...synthetic, data: Array.from(synthetic.values) },
    });
const report = typeof peer === 'string' ? undefined : peer;
console.log(
  report === undefined
    ? `particles was not run: ${peer}`
    : `Python ${report.python}, particles ${report.version}`,
);
console.log(
  `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}; least of ${repeats} runs (median)\n`,
);

function row(name: string, ours: Seconds, theirs: Seconds | undefined, items: number, unit: string): void {
  const cell = ({ min, median }: Seconds): string =>
    `${((min / items) * 1e9).toPrecision(3)} ${unit} (${((median / items) * 1e9).toPrecision(3)})`;
  const ratio = theirs === undefined ? '' : `${(theirs.min / ours.min).toFixed(2)}x`;
  console.log(`| ${name} | ${cell(ours)} | ${theirs === undefined ? 'not run' : cell(theirs)} | ${ratio} |`);
}

console.log('| task | ensample | particles | as fast |\n|---|---|---|---|');
for (const [k, task] of tasks.entries()) {
  const theirs = report?.[FILTERS[k]!];
  const items = particles * steps;
  row(
    `bootstrap filter, ${task.name}, kernels`,
    await filter(task, task.model, particles),
    theirs,
    items,
    'ns',
  );
  row(
    `bootstrap filter, ${task.name}, JS model`,
    await filter(task, task.user, particles),
    theirs,
    items,
    'ns',
  );
}
const { weigh, all } = await selection(million);
const peerWeigh = report?.selection['log-weights to weights and ESS'];
const peerGather = report?.selection['systematic and gather, d = 4'];
row('log-weights to weights and effective size', weigh, peerWeigh, million, 'ns');
const peerAll = peerWeigh &&
  peerGather && { min: peerWeigh.min + peerGather.min, median: peerWeigh.median + peerGather.median };
row('weights, systematic ancestors and gather, d = 4', all, peerAll, million, 'ns');

const data = report?.data ?? synthetic;
const lines: string[] = [];
for (const size of sizes) {
  const { moves, chains, length, runs } = size;
  const ours = await evidence(size, data);
  const theirs = report?.logistic[moves];
  row(`logistic regression, ${data.name}, ${moves}, ${chains} chains of ${length}`, ours, theirs, 1e9, 's');
  const [own, other, gain] =
    theirs === undefined
      ? [told(ours), 'not run |', '']
      : [told(ours), told(theirs), `${(cost(theirs) / cost(ours)).toPrecision(2)}x`];
  lines.push(`| ${moves}, ${runs} runs | ${own} | ${other} | ${gain} |`);
}
console.log(`
Log evidence; how long independent runs take until their average has a standard error of 0.1: time times variance

| moves | ensample | seconds to 0.1 | particles | seconds to 0.1 | as fast |
|---|---|---|---|---|---|
${lines.join('\n')}`);
await backend.dispose();

function spread({ logZ }: Evidence): { readonly mean: number; readonly variance: number } {
  const mean = logZ.reduce((sum, z) => sum + z, 0) / logZ.length;
  return { mean, variance: logZ.reduce((sum, z) => sum + (z - mean) ** 2, 0) / (logZ.length - 1) };
}

/** Seconds until the average over runs has a standard error of 0.1. */
function cost(found: Evidence): number {
  return (found.median * spread(found).variance) / 0.1 ** 2;
}

/** Mean and spread with its standard error, and the cost. */
function told(found: Evidence): string {
  const { mean, variance } = spread(found);
  const sd = Math.sqrt(variance);
  const error = sd / Math.sqrt(2 * (found.logZ.length - 1));
  return `${mean.toFixed(3)}, sd ${sd.toFixed(3)} +- ${error.toFixed(3)} | ${cost(found).toPrecision(2)}`;
}
