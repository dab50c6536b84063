import { ClusterError } from '../cluster-error.ts';
import { checkSubmit, isAudited, makeFeed } from '../drive.ts';
import { runId } from '../plan.ts';
import type { ClusterProgress, ClusterResult, ClusterRun } from '../types.ts';
import { cancel, checkConflict, look, progressOf } from './checks.ts';
import { type Link, within } from './link.ts';
import { jobId, jobSettings } from './names.ts';
import { openPulse } from './pulse.ts';
import { openRun, type Running, type Seat, type Submission } from './running.ts';

/*
 * The coordinator of a run. Results in Redis are the truth, events of the queue are hints: the loop reads what they told
 * of at once, and everything else every second. Whoever leads hands shards out; a second coordinator of the same run
 * watches, and takes over when the first one is silent. Crashed? The same call again goes on.
 */

/** A run in a queue. */
export interface QueueRun<Y> extends ClusterRun<Y> {
  /** Who hands this run out, when somebody else does: 'node7, process 4711'. */
  readonly leader: string | undefined;
}

/** Shards that may wait in the queue: bounds what Redis keeps, and lets priorities act. */
const WINDOW = { perThread: 4, least: 1000 };
/** Jobs added by one command. */
const CHUNK = 500;

/** Starts a run, or joins it. */
export function submitToQueue<O, Y>(submission: Submission<O, Y>): QueueRun<Y> {
  checkSubmit(submission.options);
  const id = runId(submission.plan);
  const feed = makeFeed();
  const seat: Seat = { leads: false, other: undefined };
  const result = drive(submission, id, feed.push, seat).finally(feed.end);
  // Told to whoever asks for the result.
  result.catch(() => {});
  return {
    id,
    result: () => result,
    get leader() {
      return seat.other;
    },
    [Symbol.asyncIterator]: feed.iterate,
  };
}

async function drive<O, Y>(
  submission: Submission<O, Y>,
  id: string,
  push: (progress: ClusterProgress) => void,
  seat: Seat,
): Promise<ClusterResult<Y>> {
  const { signal } = submission.options;
  signal?.throwIfAborted();
  const link = await submission.link;
  const opening = openRun(submission, link, id, seat);
  const { run, close } = await orAborted(opening, signal).catch((error) => {
    opening.then(({ close }) => within(LEAVE, close())).catch(() => {});
    throw error;
  });
  const over = new AbortController();
  let last: ClusterProgress | undefined;
  const pulse = openPulse(link, run.timing.poll, (silent) => {
    if (last !== undefined) push(silent > 0 ? { ...last, waiting: awayWords(link), eta: undefined } : last);
    if (silent > 0 && isLate(run)) over.abort(lateAndAway(link, silent));
  });
  const tell = (progress: ClusterProgress): void => {
    last = progress;
    push(progress);
  };
  try {
    return await orAborted(orAborted(untilDone(run, tell), signal), over.signal);
  } catch (error) {
    run.closed = true;
    await within(LEAVE, cancel(run));
    throw error;
  } finally {
    pulse.close();
    await within(LEAVE, close());
  }
}

function awayWords({ address }: Link): string {
  return `Redis at ${address.shown} does not answer`;
}

function isLate({ options, began }: Running<unknown>): boolean {
  return performance.now() - began > (options.deadline ?? Number.POSITIVE_INFINITY);
}

/** Even the answer of the shards that are there needs the server. */
function lateAndAway(link: Link, silent: number): ClusterError {
  return new ClusterError({
    where: 'cluster',
    found: `the time of this run is over, and ${awayWords(link)} for ${(silent / 1000).toFixed(0)} s`,
    expected: 'a server that answers',
    fix: 'Shards that are done are kept there: the same call goes on.',
  });
}

/** Milliseconds in which a coordinator that leaves tells the server; it may be away. */
const LEAVE = 3000;

/** A task, or the reason of the signal as soon as there is one: commands to a server that is away never end. */
function orAborted<T>(task: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return task;
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    task.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** The loop. */
async function untilDone<Y>(
  run: Running<Y>,
  push: (progress: ClusterProgress) => void,
): Promise<ClusterResult<Y>> {
  const { ledger, hints, timing, options, total } = run;
  await ledger.resume();
  note(run, await ledger.readAll());
  run.before = ledger.gather.fold.count;
  for (let looked = Number.NEGATIVE_INFINITY; ; ) {
    options.signal?.throwIfAborted();
    const told = [...hints.done];
    hints.done.clear();
    hints.audited.clear();
    note(run, await ledger.read(told));
    // Of a run whose shards are all there the audits that are out are looked for at each event.
    const due =
      performance.now() - looked >= timing.poll || hints.failed || ledger.gather.fold.count === total;
    if (due && !isWhole(run)) {
      looked = performance.now();
      note(run, await look(run));
    }
    const progress = due ? progressOf(run).then(push) : undefined;
    const [result] = await Promise.all([finished(run), progress]);
    if (result !== undefined) return result;
    await handOut(run);
    await hints.wait(Math.max(0, looked + timing.poll - performance.now()));
  }
}

/** Shards that came: no longer in the queue; some are to be computed twice. */
function note<Y>(run: Running<Y>, fresh: readonly number[]): void {
  const { audit = 0 } = run.options;
  for (const index of fresh) {
    run.handed.delete(index);
    if (isAudited(run.id, index, audit)) run.audits.due.push(index);
  }
}

/** All shards are there, and were compared where they were to be. */
function isWhole<Y>({ ledger, total, audits }: Running<Y>): boolean {
  return ledger.gather.fold.count === total && audits.due.length === 0 && audits.out.size === 0;
}

/** The answer, when there is one. */
async function finished<Y>(run: Running<Y>): Promise<ClusterResult<Y> | undefined> {
  const { ledger, total, handed } = run;
  const { fold } = ledger.gather;
  if (isWhole(run)) {
    await checkConflict(run);
    return ledger.result();
  }
  return run.closed && handed.size === 0 && fold.count < total ? ledger.result() : undefined;
}

/** Fill the window. */
async function handOut<Y>(run: Running<Y>): Promise<void> {
  const { handed, ledger, total, audits } = run;
  const window = Math.max(WINDOW.perThread * run.threads, WINDOW.least);
  const { fold } = ledger.gather;
  while (mayHandOut(run) && audits.due.length > 0 && audits.out.size < window) {
    const part = audits.due.splice(0, CHUNK);
    for (const index of part) audits.out.add(index);
    if (await add(run, part, true)) continue;
    for (const index of part) audits.out.delete(index);
    audits.due.push(...part);
  }
  while (
    mayHandOut(run) &&
    !run.closed &&
    (run.next < total || run.again.length > 0) &&
    handed.size < window
  ) {
    // What was to be handed out again may have come meanwhile.
    const part = run.again.splice(0, CHUNK).filter((index) => !fold.has(index));
    while (run.next < total && part.length < Math.min(CHUNK, window - handed.size)) {
      const index = run.next++;
      if (!fold.has(index) && !handed.has(index)) part.push(index);
    }
    if (part.length === 0) continue;
    for (const index of part) handed.add(index);
    if (await add(run, part, false)) note(run, await ledger.read([...run.hints.done]));
    else takeAgain(run, part);
  }
}

/** Not while another leads or the server is full, and not when the run is no longer wanted. */
function mayHandOut({ seat, room, options }: Running<unknown>): boolean {
  return seat.leads && !room.full && options.signal?.aborted !== true;
}

/** Puts shards into the queue. False when the server has no room for all of them; some may be there. */
function add<Y>(
  { id, queue, options, timing, room }: Running<Y>,
  indices: readonly number[],
  audit: boolean,
): Promise<boolean> {
  const settings = jobSettings(timing, options.priority ?? 0);
  const jobs = indices.map((index) => ({
    name: 'shard',
    data: { run: id, index, ...(audit ? { audit } : {}) },
    opts: { ...settings, jobId: jobId(id, index, audit) },
  }));
  return room.tried(() => queue.addBulk(jobs));
}

/** Adding those again that did get into the queue does nothing. */
function takeAgain<Y>({ handed, again }: Running<Y>, indices: readonly number[]): void {
  for (const index of indices) handed.delete(index);
  again.push(...indices);
}
