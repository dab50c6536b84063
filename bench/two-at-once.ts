/**
 * What two threads can bring at most on this machine: one bootstrap filter on one thread alone, and two of them in processes
 * of their own at once. They share nothing but the processor, its caches and its memory, so the ratio is a ceiling for
 * `bootstrap filter on threads` in smc.bench.ts.
 *
 *   npx tsx bench/two-at-once.ts
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { hostBackend, particleFilter, run } from 'ensample';
import { linearTask } from './smc-models.ts';

const [PARTICLES, STEPS, RUNS] = [100_000, 100, 20];

/** Least and middle nanoseconds a particle and step, in this process. */
async function timeHere(): Promise<readonly [number, number]> {
  const backend = await hostBackend({ threads: 1 });
  const { model, y } = linearTask(STEPS);
  const times: number[] = [];
  for (let r = 0; r < RUNS; r++) {
    const start = performance.now();
    await run(particleFilter({ model, observations: Array.from(y), particles: PARTICLES }), {
      seed: 7,
      backend,
    });
    times.push(((performance.now() - start) * 1e6) / (PARTICLES * STEPS));
  }
  await backend.dispose();
  times.sort((a, b) => a - b);
  return [times[0]!, times[RUNS / 2]!];
}

/** The same in a process of its own. */
async function timeThere(): Promise<readonly [number, number]> {
  const file = fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, [...process.execArgv, file, '--child'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += String(chunk);
  });
  await once(child, 'close');
  return JSON.parse(printed) as readonly [number, number];
}

/** Ceilings by least and by middle time, as ratios, and the nanoseconds they come from. */
export async function twoAtOnce(): Promise<{ ceilings: readonly number[]; lines: readonly string[] }> {
  const alone = await timeThere();
  const both = await Promise.all([timeThere(), timeThere()]);
  const slower = alone.map((_, at) => (both[0]![at]! + both[1]![at]!) / 2);
  const ceilings = alone.map((time, at) => (2 * time) / slower[at]!);
  const lines = ['least', 'median'].map((name, at) => {
    const [one, two, most] = [alone[at]!.toFixed(1), slower[at]!.toFixed(1), ceilings[at]!.toFixed(2)];
    return `${name}: alone ${one} ns, two at once ${two} ns each: at most ${most}x`;
  });
  return { ceilings, lines };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--child')) process.stdout.write(JSON.stringify(await timeHere()));
  else console.log((await twoAtOnce()).lines.join('\n'));
}
