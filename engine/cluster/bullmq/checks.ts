import { hostname } from 'node:os';
import { ModelError } from '../../errors.ts';
import { VERSION } from '../../version.ts';
import type { Announcement } from '../announcement.ts';
import { ClusterError, NondeterminismError } from '../cluster-error.ts';
import { spanOf } from '../drive.ts';
import { v8Version } from '../plan.ts';
import { MOST_INLINE } from '../record.ts';
import { poisonShard } from '../threads.ts';
import type { ClusterProgress } from '../types.ts';
import { announced, fleetLack, leaderWords } from './fleet.ts';
import { mostMemory } from './link.ts';
import { jobId, KEPT, MOST_STARTS, openKey, shardOfJob } from './names.ts';
import { putPlan, type Running } from './running.ts';

/* What a coordinator looks at now and then, because events are hints only. */

const WHERE = 'cluster';
const ME = `${hostname()} ${process.pid}`;

/** Looks at everything, on a full server too; answers the shards that came. @throws what ends the run. */
export async function look<Y>(run: Running<Y>): Promise<readonly number[]> {
  const { ledger, timing, hints, room } = run;
  const fresh = await ledger.readAll();
  if (!room.full) await room.tried(() => arrive(run));
  for (const index of ledger.lost()) {
    run.handed.delete(index);
    run.again.push(index);
  }
  // What does not depend on each other is asked for at once: ways to the server are what a short run takes.
  const fleet = announced(run.link);
  await Promise.all([checkAudits(run), checkConflict(run), fleet]);
  const due = performance.now() - run.reconciled > timing.reconcile;
  if (hints.failed || due) await checkFailures(run);
  hints.failed = false;
  checkFleet(run, await fleet);
  await checkRoom(run);
  if (due) await reconcile(run);
  const { deadline } = run.options;
  if (deadline !== undefined && !run.closed && performance.now() - run.began > deadline) {
    run.closed = true;
    await takeBack(run);
  }
  return fresh;
}

/** Tells workers and other coordinators that this one is there. */
async function arrive<Y>(run: Running<Y>): Promise<void> {
  const { link, key, timing, total, seat } = run;
  const led = seat.leads;
  await takeSeat(run);
  if (seat.leads && !led && run.arrived) await takeOver(run);
  await link.client.set(openKey(key), '1', 'PX', Math.max(60_000, 4 * timing.poll));
  if (!run.arrived && seat.leads && run.before < total) await forgetFailures(run);
  run.arrived = true;
}

/**
 * Who led before may have stopped the run: it goes on. A shard that a worker has left alone just now is still in the queue,
 * so that adding it does nothing: all are added once more after a poll.
 */
async function takeOver<Y>(run: Running<Y>): Promise<void> {
  const { link, keys, timing } = run;
  await link.client.del(keys.stop);
  run.reconciled = performance.now() - timing.reconcile + timing.poll;
}

/** Leads the run, unless somebody else does who is alive. */
async function takeSeat<Y>({ link, keys, timing, seat, token }: Running<Y>): Promise<void> {
  const { client } = link;
  const own = `${ME} ${token}`;
  const free = await client.set(keys.leader, own, 'PX', timing.lease, 'NX');
  const leader = free === 'OK' ? own : await client.get(keys.leader);
  if (leader === own || leader === null) {
    seat.leads = true;
    seat.other = undefined;
    if (free !== 'OK') await client.set(keys.leader, own, 'PX', timing.lease);
    return;
  }
  seat.leads = false;
  seat.other = leaderWords(leader);
  // A coordinator of this machine that was killed says nothing more: no need to wait for its time to run out.
  const [host, pid] = leader.split(' ');
  if (host === hostname() && !isAlive(Number(pid))) await client.del(keys.leader);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Second computations that agree are counted off; those that differ are a conflict. */
async function checkAudits<Y>({ link, keys, audits }: Running<Y>): Promise<void> {
  if (audits.out.size === 0) return;
  const indices = [...audits.out];
  const hashes = await link.client.hmget(keys.audits, ...indices.map(String));
  indices.forEach((index, i) => {
    if (hashes[i] != null) audits.out.delete(index);
  });
}

/** @throws NondeterminismError when two results of a shard differ. */
export async function checkConflict<Y>({ id, link, keys, plan }: Running<Y>): Promise<void> {
  const text = await link.client.get(keys.conflict);
  if (text === null) return;
  const { index, one, other } = JSON.parse(text) as {
    readonly index: number;
    readonly one: { readonly hash: string; readonly worker: string };
    readonly other: { readonly hash: string; readonly worker: string };
  };
  // On graphics cards (tier B) results agree within a tolerance only.
  if (plan.tier !== 'A') return;
  const forget = `ensample cluster forget ${id} --redis ${link.address.shown}`;
  throw new NondeterminismError(WHERE, index, one, other, forget);
}

/** What a worker wrote about a shard that failed. */
interface Told {
  readonly message: string;
  readonly code: string;
  readonly worker: string;
}

/** @throws ModelError for a shard that fails anywhere; ClusterError for one that ended whoever computed it. */
async function checkFailures<Y>(run: Running<Y>): Promise<void> {
  const { link, keys, queue } = run;
  const failures = await link.client.hgetall(keys.failures);
  for (const [index, text] of Object.entries(failures))
    throw failedShard(run, Number(index), JSON.parse(text));
  for (const job of await queue.getFailed(0, -1)) {
    const shard = job?.id === undefined ? undefined : shardOfJob(job.id);
    if (shard?.run !== run.id || (shard.audit !== true && run.ledger.gather.fold.has(shard.index))) continue;
    const words = await link.client.hget(keys.words, String(shard.index));
    const told = words === null ? undefined : (JSON.parse(words) as Told);
    const last =
      told === undefined ? (job.failedReason ?? 'without a word') : `${told.worker}: ${told.message}`;
    const starts = Math.min(MOST_STARTS, job.attemptsStarted);
    throw poisonShard(
      shard.index,
      spanOf(run.work, run.plan, shard.index),
      starts,
      last,
      shardCommand(run, shard.index),
    );
  }
}

function failedShard<Y>(run: Running<Y>, index: number, { message, code, worker }: Told): Error {
  const fault = {
    where: WHERE,
    found: `${place(run, index)} failed on ${worker}: ${message.replace(/\.$/, '')}`,
    expected: 'shards that can be computed',
    fix: wayOn(run, index, code, message),
  };
  return code === 'model' ? new ModelError(fault) : new ClusterError({ ...fault, shard: index });
}

/** What to do about a shard that failed: some failures are those of one worker. */
function wayOn<Y>(run: Running<Y>, index: number, code: string, message: string): string {
  if (code === 'blob') return 'Then the same call goes on.';
  if (code === 'option' && /^cluster: model .* has hash /.test(message))
    return 'Were its files changed after that worker was started? Restart it; the same call goes on.';
  return `It fails anywhere. Here: ${shardCommand(run, index)}.`;
}

/** 'shard 17 (points 17408 .. 18431)' */
function place<Y>({ work, plan }: Running<Y>, index: number): string {
  return `shard ${index} (${spanOf(work, plan, index)})`;
}

function shardCommand<Y>({ id, link }: Running<Y>, index: number): string {
  return `ensample shard ${id} --index ${index} --redis ${link.address.shown} --models DIR`;
}

/** Counts workers. @throws ClusterError when none could serve the run all along. */
function checkFleet<Y>(run: Running<Y>, fleet: readonly Announcement[]): void {
  const { link, key, timing, ledger, plan, work } = run;
  // On a full server workers cannot say that they are there.
  if (run.room.full) {
    run.alone = performance.now();
    return;
  }
  run.threads = fleet.reduce((sum, { classes, threads }) => sum + (classes.includes(key) ? threads : 0), 0);
  if (run.threads > 0) run.alone = performance.now();
  run.served ||= run.threads > 0 || ledger.gather.fold.count > run.before;
  if (run.served || ledger.gather.fold.count === run.total || performance.now() - run.alone < timing.nobody)
    return;
  const { words, fix } = fleetLack(fleet, work, plan, { engine: VERSION, v8: v8Version() });
  const start = `ensample worker --redis ${link.address.shown} --models DIR, a folder with ensample.models.json or a model file.`;
  throw new ClusterError({
    where: WHERE,
    found: `nobody serves this run (${words})`,
    expected: `a worker for work ${work.name}${plan.module === undefined ? '' : ` and model ${plan.module.name}`}`,
    fix: fix === '' ? `Start one: ${start}` : `${fix} Or start another: ${start}`,
  });
}

/** @throws ClusterError when results as long as those that are there would fill half of the server's memory. */
async function checkRoom<Y>({ link, ledger, total, room }: Running<Y>): Promise<void> {
  const { done, bytes } = ledger.gather.progress(0);
  const most = room.full ? await mostMemory(link) : link.mostMemory;
  // Longer results lie in a folder, and Redis has a few hundred bytes of each.
  const each = Math.min(MOST_INLINE, bytes / Math.max(1, done));
  if (most === 0 || done === 0 || each * total < most / 2) return;
  throw new ClusterError({
    where: WHERE,
    found: `${total} results of ${Math.round(each)} bytes would fill more than half of the memory of Redis at ${link.address.shown} (${most} bytes)`,
    expected: 'room for all results',
    fix: 'Raise its maxmemory, or cut the run into fewer shards. Finished shards are kept.',
  });
}

/** Puts back what Redis lost: the plan, and jobs. Adding one is ignored where it exists in any state. */
async function reconcile<Y>(run: Running<Y>): Promise<void> {
  const { id, link, keys, plan, room } = run;
  run.reconciled = performance.now();
  if (!run.seat.leads) return;
  if (!room.full && (await link.client.exists(keys.plan)) === 0)
    await room.tried(() => putPlan(link, keys, plan, id));
  run.again.push(...run.handed);
  run.handed.clear();
  run.audits.due.push(...run.audits.out);
  run.audits.out.clear();
}

/** Failures of earlier calls: this one tries again. A failed job would keep its name, so that adding it does nothing. */
async function forgetFailures<Y>({ link, keys, queue, id }: Running<Y>): Promise<void> {
  const [jobs] = await Promise.all([
    queue.getFailed(0, -1),
    link.client.del(keys.failures, keys.words, keys.stop),
  ]);
  for (const job of jobs) if (job?.id !== undefined && shardOfJob(job.id)?.run === id) await job.remove();
}

/** Takes shards out of the queue that nobody has begun, those as well that were to be handed out again. */
async function takeBack<Y>({ queue, id, handed, again }: Running<Y>): Promise<void> {
  for (const index of again.splice(0)) handed.add(index);
  const indices = [...handed];
  // 1 unless a worker has it, also where there is no such job.
  const removed = await Promise.all(indices.map((index) => queue.remove(jobId(id, index)).catch(() => 0)));
  indices.forEach((index, i) => {
    if (removed[i] === 1) handed.delete(index);
  });
}

/** The run is no longer wanted: its shards leave the queue, and workers leave those that they have. */
export async function cancel<Y>(run: Running<Y>): Promise<void> {
  if (!run.seat.leads) return;
  const { client } = run.link;
  if (client.status !== 'ready') return;
  const stop = (): Promise<boolean> => run.room.tried(() => client.set(run.keys.stop, '1', 'EX', 60));
  const told = await stop();
  await client.expire(run.keys.results, KEPT);
  await takeBack(run);
  // What left the queue makes room on a full server.
  if (!told) await stop();
}

export async function progressOf<Y>(run: Running<Y>): Promise<ClusterProgress> {
  const { link, keys, ledger, threads, room } = run;
  const counts = await link.client.hgetall(keys.counts);
  const [retried, duplicates] = [Number(counts.retried ?? 0), Number(counts.duplicates ?? 0)];
  const why = room.full ? `Redis at ${link.address.shown} is full` : deserted(run);
  const waiting = why === undefined ? {} : { waiting: why, eta: undefined };
  return { ...ledger.gather.progress(threads), retried, duplicates, ...waiting };
}

/** What a run waits for whose workers have all left. One that nobody served yet ends in words. */
function deserted<Y>({ link, ledger, total, threads, timing, ...run }: Running<Y>): string | undefined {
  const silent = performance.now() - run.alone;
  if (threads > 0 || !run.served || ledger.gather.fold.count === total || silent < timing.nobody)
    return undefined;
  return `its workers have left; start one: ensample worker --redis ${link.address.shown} --models DIR`;
}
