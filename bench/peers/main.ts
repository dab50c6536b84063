/**
 * The same tasks on Python's packages and on ensample, in one run on one machine:
 *
 *   npx tsx bench/peers/main.ts [repeats] [--alone]
 *
 * Makes a Python virtual environment in bench/peers/.venv and installs SALib, OpenTURNS and scipy with pip where an index
 * can be reached; says what is missing otherwise. `--alone` leaves Python out. Both sides: second order, 100 bootstrap resamples (scipy: none, and
 * no second order), seconds for sampling plus analysis without the model.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { TASKS, type Timing, time } from './ours.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const PEERS = ['salib', 'openturns', 'scipy'] as const;
type Outcome = Timing | { readonly missing: string };

interface PeerReport {
  readonly python: string;
  readonly versions: Readonly<Record<string, string | null>>;
  readonly results: readonly (Readonly<Record<(typeof PEERS)[number], Outcome>> & {
    readonly task: string;
  })[];
}

/** Run the Python side, or say why it cannot run. */
function runPeers(repeats: number): PeerReport | string {
  const python = `${here}.venv/bin/python`;
  if (!existsSync(python)) {
    const made = spawnSync('python3', ['-m', 'venv', `${here}.venv`], { encoding: 'utf8' });
    if (made.status !== 0) return `python3 -m venv failed: ${made.stderr ?? made.error?.message ?? ''}`;
    const installed = spawnSync(python, ['-m', 'pip', 'install', '-q', 'SALib', 'openturns', 'scipy'], {
      encoding: 'utf8',
    });
    if (installed.status !== 0)
      console.log('pip could not install everything; what is missing is said in the table');
  }
  const ran = spawnSync(python, [`${here}tasks.py`, String(repeats)], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (ran.status !== 0) return `tasks.py failed: ${ran.stderr.slice(-400)}`;
  return JSON.parse(ran.stdout.slice(ran.stdout.indexOf('{'))) as PeerReport;
}

function cell(outcome: Outcome | undefined, ours: Timing): string {
  if (outcome === undefined) return 'not run';
  if ('missing' in outcome) return outcome.missing;
  return `${outcome.min.toFixed(3)} s, ${Number((outcome.min / ours.min).toPrecision(2))}x`;
}

const alone = process.argv.includes('--alone');
const repeats = Number(process.argv.slice(2).find((word) => word !== '--alone') ?? 3);
const peers = alone ? 'not asked for' : runPeers(repeats);
if (typeof peers === 'string') console.log(`peers were not run: ${peers}`);
else
  console.log(
    `Python ${peers.python}, ${Object.entries(peers.versions)
      .map(([name, v]) => `${name} ${v ?? 'missing'}`)
      .join(', ')}`,
  );
console.log(
  `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores; least of ${repeats} runs\n`,
);
console.log('| task | ensample | SALib | OpenTURNS | scipy (first and total only, no interval) |');
console.log('|---|---|---|---|---|');
for (const task of TASKS) {
  const ours = await time(task, 2 * repeats + 1);
  const row =
    typeof peers === 'string' ? undefined : peers.results.find((result) => result.task === task.task);
  const cells = PEERS.map((peer) => cell(row?.[peer], ours));
  console.log(
    `| ${task.task} | ${ours.min.toFixed(3)} s (median ${ours.median.toFixed(3)}) | ${cells.join(' | ')} |`,
  );
}
