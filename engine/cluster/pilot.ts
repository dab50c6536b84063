import { readPlanFile } from './folder.ts';
import { decodePlan, MOST_SHARDS, runId, shardCount } from './plan.ts';
import { type ClusterPilot, chooseShards, type ShardChoice } from './planner.ts';
import { shardSize } from './rows.ts';
import type { Cluster, ClusterProgress, Cut, CutRequest, Plan } from './types.ts';

/*
 * How to cut a run that nobody said how to cut: the first shards of a fine cut are computed on the cluster, which says
 * what a point takes and a result weighs, and the rule of the planner chooses. The choice is kept under the name that the
 * run has uncut; whoever comes first decides. So the same call again finds the run that it began.
 */

/** What a pilot needs of a cluster. */
export interface PilotHome extends Pick<Cluster, 'submit' | 'workers'> {
  /** Threads that can compute a plan. */
  threads(plan: Plan<unknown>): Promise<number>;
  /** The text under a name. */
  recall(name: string): Promise<string | undefined>;
  /** Keeps a text under a name where there is none; the one that stays. */
  keep(name: string, text: string): Promise<string>;
  /** A folder that holds a run already. */
  readonly folder?: string | undefined;
  readonly path?: Pick<ClusterPilot, 'overhead' | 'brokerRate' | 'bandwidth' | 'mostBytes'>;
}

/** Bytes of a result where there is a folder for blobs: what a worker keeps in memory. */
export const MOST_IN_FOLDER: number = 2 ** 26;

/** Shards of a pilot: one a machine, but enough to see how they vary. */
const COUNT = { least: 4, most: 64 };
/** Milliseconds of a shard that says enough: `cold` in the first round, where threads still warm up. */
const ENOUGH = { cold: 2000, warm: 300 };
/** A pilot grows its shards so often, and computes this share of the points at most. */
const ROUNDS = 3;
const SHARE = 1 / 16;
/** Milliseconds below which nothing is measured. */
const LEAST = 1e-3;
/** Bytes of a result without its points, and of its place in a queue. */
const EMPTY = 1000;

/** The cut of a run: what was chosen before, or what a pilot finds. */
export async function chooseCut(home: PilotHome, request: CutRequest): Promise<Cut> {
  for (const folder of [request.submit.checkpoint, home.folder]) {
    const bytes = folder === undefined ? undefined : readPlanFile(folder);
    if (bytes !== undefined)
      return {
        shards: shardCount(decodePlan(bytes)),
        words: `${shardCount(decodePlan(bytes))} shards, as it was begun`,
      };
  }
  const name = runId(request.plan(1));
  const known = readCut(await home.recall(name));
  if (known !== undefined) return known;
  const pilot = await measure(home, request);
  const { shards, ...choice } = chooseShards(request.points, pilot);
  const cut: Cut = { shards, words: choiceWords({ shards, ...choice }, pilot) };
  return readCut(await home.keep(name, JSON.stringify(cut))) ?? cut;
}

/** A cut as it was kept; undefined for anything else. */
function readCut(text: string | undefined): Cut | undefined {
  try {
    const { shards, words } = JSON.parse(text ?? '{}') as Partial<Cut>;
    const known = Number.isInteger(shards) && shards! >= 1 && shards! <= MOST_SHARDS;
    return known && typeof words === 'string' ? { shards: shards!, words } : undefined;
  } catch {
    return undefined;
  }
}

/** '40 shards of 410 points (0.5 s each, 2 threads): 20 shards a thread' */
export function choiceWords(
  { shards, size, shardTime, reason }: ShardChoice,
  { workers }: ClusterPilot,
): string {
  const threads = workers === 1 ? '1 thread' : `${workers} threads`;
  const pieces = shards === 1 ? '1 shard' : `${shards} shards`;
  const points = `${size} ${size === 1 ? 'point' : 'points'}`;
  return `${pieces} of ${points} (${seconds(shardTime)} each, ${threads}): ${reason}`;
}

/** '0.5 s', '12 ms' */
function seconds(time: number): string {
  return time < 0.1 ? `${Number((1000 * time).toPrecision(2))} ms` : `${Number(time.toPrecision(2))} s`;
}

/** What a round of a pilot found; milliseconds of its shards. */
interface Round {
  readonly size: number;
  readonly mean: number;
  readonly least: number;
  readonly variation: number;
  readonly bytes: number;
}

/** Times and weights of a point, on the machines that will compute it. */
async function measure(home: PilotHome, request: CutRequest): Promise<ClusterPilot> {
  const { points, plan } = request;
  const machines = (await home.workers()).length;
  const count = Math.min(COUNT.most, Math.max(COUNT.least, machines));
  const most = Math.max(1, Math.floor((points * SHARE) / count));
  const rounds: Round[] = [];
  for (let wanted = 1; ; ) {
    const pieces = Math.ceil(points / wanted);
    const size = shardSize(points, pieces);
    const { times, bytes, done } = await compute(home, request, firstShards(plan(pieces), count));
    rounds.push({ size, ...times, bytes: bytes / done });
    const enough = rounds.length === 1 ? ENOUGH.cold : ENOUGH.warm;
    wanted = Math.min(most, Math.ceil(size * Math.min(1024, ENOUGH.warm / Math.max(LEAST, times.least))));
    if (rounds.length === ROUNDS || times.least >= enough || wanted <= size) break;
  }
  const workers = Math.max(1, await home.threads(plan(1)));
  return { workers, ...found(rounds), rows: true, ...home.path, ...request.path };
}

/** What a point takes, from the last two rounds where they differ by their points and not by their warming up. */
function found(rounds: readonly Round[]): Omit<ClusterPilot, 'workers'> {
  const [last, before] = [rounds.at(-1)!, rounds.at(-2)];
  const cold = before === undefined && last.least < ENOUGH.cold;
  const time = Math.max(LEAST, cold ? last.least : last.mean);
  const slope = before === undefined ? 0 : (time - before.least) / (last.size - before.size);
  const point = slope > 0 ? Math.min(time / last.size, slope) : time / last.size;
  const starts = rounds.map(({ least, size }) => Math.max(0, least - point * size));
  return {
    pointTime: point / 1000,
    start: Math.min(...starts) / 1000,
    variation: cold ? 0 : last.variation,
    ...{ resultBytes: EMPTY, pointBytes: last.bytes / last.size },
  };
}

function firstShards(plan: Plan<unknown>, count: number): Plan<unknown> {
  return { ...plan, shards: { kind: 'index', count: Math.min(count, shardCount(plan)), pilot: true } };
}

/** Computes a pilot; what its progress said last. */
async function compute(
  home: PilotHome,
  { work, submit, progress }: CutRequest,
  plan: Plan<unknown>,
): Promise<ClusterProgress> {
  const { checkpoint: _kept, audit: _twice, ...own } = submit;
  const run = home.submit(work, plan, own);
  const result = run.result();
  result.catch(() => {});
  let last: ClusterProgress | undefined;
  for await (const at of run) {
    last = at;
    progress?.({ ...at, pilot: true });
  }
  await result;
  return last!;
}
