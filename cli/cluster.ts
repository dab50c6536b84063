import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  announced,
  CLUSTER_ENTRY,
  fixedModules,
  folderStatus,
  forgetWhole,
  type Link,
  listRuns,
  openBlobs,
  openLink,
  openModules,
  openShardThreads,
  planOfRun,
  queueRows,
  type RunRow,
  readRecord,
} from '../estimators/cluster.ts';
import { InputError, OptionError } from '../estimators/index.ts';
import { readBlobs } from './blobs-flag.ts';
import { EXIT, usageError } from './errors.ts';
import { type Flags, flagText, readFile, readInteger } from './flag-values.ts';
import { count, duration } from './format/number.ts';
import { printable } from './format/text.ts';
import { counted } from './format/words.ts';
import { readRedis } from './redis-address.ts';
import type { Terminal } from './terminal.ts';

/** `ensample cluster status|forget`: who works, and which runs there are; forget one. Resolves to the exit code. */
export async function cluster(
  action: string,
  run: string | undefined,
  flags: Flags,
  terminal: Terminal,
): Promise<number> {
  const where = `ensample cluster ${action}`;
  if (action !== 'status' && action !== 'forget')
    throw usageError('ensample cluster', 'ACTION', action, 'status or forget');
  if (action === 'status' && run !== undefined) throw usageError(where, 'RUN', run, 'nothing after status');
  const id = action === 'forget' ? readRunId(where, run) : undefined;
  const blobs = readBlobs(where, flags);
  const directory = flagText(flags, 'files');
  if (directory !== undefined) return statusOfFolder(where, action, directory, flags, terminal);
  const link = await openLink(where, readRedis(where, '--redis', flagText(flags, 'redis'), flags));
  try {
    return id === undefined ? await status(link, flags, terminal) : await forget(link, id, blobs, terminal);
  } finally {
    await link.close();
  }
}

async function status(link: Link, flags: Flags, { out, err }: Terminal): Promise<number> {
  const [workers, runs] = await Promise.all([announced(link), listRuns(link)]);
  const queues = await queueRows(link, workers);
  if (flags.json === true) {
    const { address, warnings } = link;
    const document = { redis: address.shown, workers, runs, queues, warnings };
    out.write(`${JSON.stringify(document, null, 2)}\n`);
    return 0;
  }
  out.write(
    `${link.address.shown}: ${fleetText(workers)}, ${counted(runs.length, count(runs.length), 'run')}\n`,
  );
  for (const { host, pid, threads: own, engine, v8, modules, done } of workers) {
    const models = modules.map(({ name, hash }) => `${name} ${hash.slice(0, 8)}`).join(', ') || 'no models';
    const line = `  ${host}, process ${pid}: ${counted(own, count(own), 'thread')}, ${count(done)} shards done, ${models}, ensample ${engine}, V8 ${v8}`;
    out.write(`${printable(line)}\n`);
  }
  for (const row of runs) out.write(`${printable(runLine(row))}\n`);
  for (const { queue, waiting, active, delayed } of queues) {
    const later = delayed > 0 ? `, ${count(delayed)} to be tried again` : '';
    out.write(`  queue ${queue}: ${count(waiting)} waiting, ${count(active)} computed now${later}\n`);
  }
  for (const warning of link.warnings) err.write(`Warning: ${warning}\n`);
  return 0;
}

/** The same of the runs in a shared folder. */
function statusOfFolder(
  where: string,
  action: string,
  directory: string,
  flags: Flags,
  { out }: Terminal,
): number {
  if (action === 'forget')
    throw usageError(where, '--files', directory, 'status: a run in a folder is forgotten by deleting it');
  if (!existsSync(directory)) throw noFolder(where, directory);
  const { workers, runs } = folderStatus(directory);
  if (flags.json === true) {
    out.write(`${JSON.stringify({ files: directory, workers, runs }, null, 2)}\n`);
    return 0;
  }
  out.write(
    `${printable(directory)}: ${fleetText(workers)}, ${counted(runs.length, count(runs.length), 'run')}\n`,
  );
  for (const { host, pid, threads } of workers)
    out.write(`${printable(`  ${host}, process ${pid}: ${counted(threads, count(threads), 'thread')}`)}\n`);
  for (const row of runs) out.write(`${printable(runLine(row, false))}\n`);
  return 0;
}

/** '2 workers with 8 threads' */
function fleetText(workers: readonly { readonly threads: number }[]): string {
  const threads = workers.reduce((sum, worker) => sum + worker.threads, 0);
  return `${counted(workers.length, count(workers.length), 'worker')} with ${counted(threads, count(threads), 'thread')}`;
}

function noFolder(where: string, directory: string): InputError {
  return new InputError({
    where,
    file: directory,
    found: `there is no folder ${directory}`,
    expected: 'the one that workers have as --files',
  });
}

/** '  0123...: sobol of flood, seed 7: 212 of 400 shards, 3 retried, 12 shards/s, 15 s left, led by node7, process 4711' */
function runLine(row: RunRow, queued = true): string {
  const { id, work, module, seed, done, total, failed, retried, duplicates, leader, pilot, rate, left } = row;
  const ending = done === total ? ['done'] : leader === undefined ? ['nobody leads'] : [`led by ${leader}`];
  const parts = [
    `  ${id}: ${pilot ? 'pilot for ' : ''}${work}${module === undefined ? '' : ` of ${module}`}, seed ${seed}`,
    `${count(done)} of ${counted(total, count(total), 'shard')}`,
    ...(failed > 0 ? [`${count(failed)} failed`] : []),
    ...(retried > 0 ? [`${count(retried)} retried`] : []),
    ...(duplicates > 0 ? [`${count(duplicates)} twice`] : []),
    ...(rate === undefined ? [] : [`about ${Number(rate.toPrecision(2))} shards/s`]),
    ...(left === undefined ? [] : [`${duration(left)} left`]),
    ...(queued || done === total ? ending : []),
  ];
  return parts.join(', ');
}

async function forget(link: Link, id: string, place: string | undefined, { err }: Terminal): Promise<number> {
  const { gone, blobs } = await forgetWhole(
    link,
    id,
    place === undefined ? undefined : openBlobs(place).remove,
  );
  const large = counted(blobs.length, count(blobs.length), 'large result');
  const rest =
    blobs.length === 0
      ? ''
      : place === undefined
        ? `; its ${large} stay where workers put them (see --blobs)`
        : `, with its ${large}`;
  err.write(gone ? `Run ${id} is forgotten${rest}.\n` : `There is no run ${id}.\n`);
  return gone ? 0 : EXIT.failed;
}

function readRunId(where: string, run: string | undefined): string {
  if (run !== undefined && isRunId(run)) return run;
  throw usageError(where, 'RUN', run ?? '', 'the 32 digits that `ensample cluster status` shows');
}

function isRunId(word: string): boolean {
  return /^[0-9a-f]{32}$/.test(word);
}

/** `ensample shard RUN --index I`: computes one shard here and shows its fingerprint, writing nothing. */
export async function shard(run: string, flags: Flags, { out, err }: Terminal): Promise<number> {
  const where = 'ensample shard';
  const id = readShardRun(where, run);
  const index = readInteger(where, 'index', flagText(flags, 'index'), 0, 2 ** 24, '17');
  if (index === undefined)
    throw new OptionError({
      where,
      option: '--index',
      value: '',
      found: 'no --index',
      expected: 'the number of a shard',
    });
  const plan = await findPlan(where, id, flags);
  const models = readFile(where, 'models', flagText(flags, 'models'));
  const modules = models === undefined ? fixedModules({}) : openModules(models);
  const blobs = readBlobs(where, flags) ?? mkdtempSync(join(tmpdir(), 'ensample-blobs-'));
  const threads = openShardThreads({ threads: 1, entry: CLUSTER_ENTRY, files: modules.files, blobs });
  try {
    err.write(`Shard ${index} of run ${run} ...\n`);
    const { header } = readRecord(await threads.compute(plan, index));
    const { bodyHash, bodyBytes, evaluations, wallMs } = header;
    out.write(
      `${JSON.stringify({ index, bodyHash, bodyBytes, evaluations, wallMs, fields: header.fields })}\n`,
    );
    return 0;
  } finally {
    await threads.close();
    if (flags.blobs === undefined) rmSync(blobs, { recursive: true, force: true });
  }
}

/** What is no run of Redis was meant as a folder. */
function readShardRun(where: string, run: string): string {
  if (isRunId(run)) return run;
  throw new OptionError({
    where,
    option: 'RUN',
    value: run,
    found: `there is no folder ${run}`,
    expected: 'one that `ensample plan` wrote, or the 32 digits that `ensample cluster status` shows',
  });
}

async function findPlan(where: string, id: string, flags: Flags): Promise<Uint8Array> {
  const link = await openLink(where, readRedis(where, '--redis', flagText(flags, 'redis'), flags));
  try {
    const plan = await planOfRun(link, id);
    if (plan !== undefined) return plan;
    throw new InputError({
      where,
      file: id,
      found: `Redis at ${link.address.shown} has no run ${id}`,
      expected: 'one that `ensample cluster status` shows',
    });
  } finally {
    await link.close();
  }
}
