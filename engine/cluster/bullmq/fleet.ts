import { decodePlan, isPilot, shardCount } from '../plan.ts';
import { readRecord } from '../record.ts';
import type { Plan } from '../types.ts';
import type { Link } from './link.ts';
import { RUNS, runKeys, WORKERS, workerKey } from './names.ts';
import { isFull } from './room.ts';
import type { Announcement } from './worker.ts';

/** Workers that announced themselves lately. Forgets the others. */
export async function announced({ client }: Pick<Link, 'client'>): Promise<readonly Announcement[]> {
  const ids = await client.smembers(WORKERS);
  if (ids.length === 0) return [];
  const texts = await client.mget(ids.map(workerKey));
  const gone = ids.filter((_, i) => texts[i] === null);
  if (gone.length > 0) await client.srem(WORKERS, ...gone);
  return texts.flatMap((text) => (text == null ? [] : [JSON.parse(text) as Announcement]));
}

/** Why nobody serves a run: in words, and what to do, '' where a worker is to be started. */
export interface FleetLack {
  readonly words: string;
  readonly fix: string;
}

/** What the fleet lacks for a run that nobody there can serve; the fix is for the worker that lacks least. */
export function fleetLack(
  fleet: readonly Announcement[],
  work: { readonly name: string; readonly version: number },
  plan: Plan<unknown>,
  own: { readonly engine: string; readonly v8: string },
): FleetLack {
  if (fleet.length === 0) return { words: 'no worker is there', fix: '' };
  const lacks = fleet.map((worker) => ({ host: worker.host, ...lack(worker, work, plan, own) }));
  const told = new Set(lacks.map(({ host, words }) => `${host}: ${words}`));
  const fixes = lacks.map(({ fix }) => fix);
  return {
    words: [...told].slice(0, 5).join('; '),
    fix: [COPY, REGISTER, INSTALL].find((fix) => fixes.includes(fix)) ?? '',
  };
}

const INSTALL = 'Install the same versions of ensample and Node on both sides, and restart the worker.';
const REGISTER = 'Name the model in --models of a worker, and restart that worker.';
const COPY =
  'Copy the model there again, with all files that it names, and restart the worker: it looks at them when it starts.';

/** Why one worker cannot serve a plan. */
function lack(
  worker: Announcement,
  work: { readonly name: string; readonly version: number },
  { module }: Plan<unknown>,
  own: { readonly engine: string; readonly v8: string },
): FleetLack {
  if (worker.engine !== own.engine)
    return { words: `ensample ${worker.engine}, here ${own.engine}`, fix: INSTALL };
  if (worker.v8 !== own.v8) return { words: `V8 ${worker.v8}, here ${own.v8}`, fix: INSTALL };
  const known = worker.works.find(({ name }) => name === work.name);
  if (known === undefined) return { words: `no work ${work.name}`, fix: '' };
  if (known.version !== work.version)
    return {
      words: `work ${work.name} of version ${known.version}, here ${work.version}`,
      fix: INSTALL,
    };
  if (module === undefined) return { words: 'another protocol', fix: INSTALL };
  const model = worker.modules.find(({ name }) => name === module.name);
  if (model === undefined) {
    const names = worker.modules.map(({ name }) => name).join(', ') || '(none)';
    return { words: `models ${names}, not ${module.name}`, fix: REGISTER };
  }
  const [there, here] = [model.hash, module.hash].map((hash) => hash.slice(0, 12));
  return { words: `model ${module.name} with hash ${there}, here ${here}`, fix: COPY };
}

/** A run as lists show it. */
export interface RunRow {
  readonly id: string;
  readonly work: string;
  readonly module: string | undefined;
  readonly seed: number;
  readonly done: number;
  readonly total: number;
  readonly failed: number;
  readonly retried: number;
  readonly duplicates: number;
  /** 'node7, process 4711' of the coordinator; undefined when none leads. */
  readonly leader: string | undefined;
  /** Whether it only measures how to cut another. */
  readonly pilot: boolean;
  /** Shards a second and seconds that are left, by the times of some shards and the threads that are there; while it runs. */
  readonly rate: number | undefined;
  readonly left: number | undefined;
}

/** Records that say how long shards take. */
const SAMPLE = 8;

/** How fast the fleet that is there computes a run, in shards a second; undefined where nobody knows. */
async function rateOf(
  client: Link['client'],
  results: string,
  fleet: readonly Announcement[],
): Promise<number | undefined> {
  const [, found] = await client.hscanBuffer(results, '0', 'COUNT', SAMPLE);
  const headers = found.filter((_, i) => i % 2 === 1).map((record) => readRecord(record).header);
  const mean = headers.reduce((sum, { wallMs }) => sum + wallMs, 0) / headers.length;
  const key = headers[0]?.class ?? '';
  const threads = fleet.reduce((sum, worker) => sum + (worker.classes.includes(key) ? worker.threads : 0), 0);
  return threads > 0 && mean > 0 ? (1000 * threads) / mean : undefined;
}

/** All runs that Redis still has. */
export async function listRuns({ client }: Pick<Link, 'client'>): Promise<readonly RunRow[]> {
  const rows: RunRow[] = [];
  const fleet = await announced({ client });
  for (const id of (await client.smembers(RUNS)).sort()) {
    const keys = runKeys(id);
    const bytes = await client.getBuffer(keys.plan);
    if (bytes === null) {
      await client.srem(RUNS, id);
      continue;
    }
    const plan = decodePlan(bytes);
    const [done, failed, counts, leader] = await Promise.all([
      client.hlen(keys.results),
      client.hlen(keys.failures),
      client.hgetall(keys.counts),
      client.get(keys.leader),
    ]);
    const total = shardCount(plan);
    const rate = done > 0 && done < total ? await rateOf(client, keys.results, fleet) : undefined;
    rows.push({
      ...{ id, work: plan.work, module: plan.module?.name, seed: plan.seed, total },
      ...{ pilot: isPilot(plan), rate, left: rate === undefined ? undefined : (total - done) / rate },
      ...{ done, failed, retried: Number(counts.retried ?? 0), duplicates: Number(counts.duplicates ?? 0) },
      leader: leader === null ? undefined : leaderWords(leader),
    });
  }
  return rows;
}

/** 'node7, process 4711' of 'node7 4711 uuid' */
export function leaderWords(leader: string): string {
  const [host, pid] = leader.split(' ');
  return `${host}, process ${pid}`;
}

/**
 * Forget a run: its plan, results and counters. Shards in the queue find no plan and fail. On a full server as well, where
 * what is deleted makes room for the word that workers are to leave it alone.
 */
export async function forgetRun({ client }: Pick<Link, 'client'>, id: string): Promise<boolean> {
  const { stop, ...others } = runKeys(id);
  const tell = (): Promise<boolean> =>
    client.set(stop, '1', 'EX', 60).then(
      () => true,
      (error) => !isFull(error) && Promise.reject(error),
    );
  const told = await tell();
  const gone = await client.del(...Object.values(others));
  await client.srem(RUNS, id);
  if (!told) await tell();
  return gone > 0;
}

/** The plan of a run; undefined when Redis has it not. */
export async function planOfRun(
  { client }: Pick<Link, 'client'>,
  id: string,
): Promise<Uint8Array | undefined> {
  const bytes = await client.getBuffer(runKeys(id).plan);
  return bytes === null ? undefined : new Uint8Array(bytes);
}
