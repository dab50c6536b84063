import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  CLUSTER_ENTRY,
  fixedModules,
  type ModuleRegistry,
  openBlobs,
  openLink,
  openModules,
  openShardThreads,
  ownWorks,
  queueWorker,
  readRecord,
  startFileWorker,
  type Timing,
  tryBlobs,
  type WorkTable,
} from '../estimators/cluster.ts';
import { EngineError, loadModule, OptionError } from '../estimators/index.ts';
import { readBlobs } from './blobs-flag.ts';
import { EXIT, usageError } from './errors.ts';
import { type Flags, flagText, readFile, readInteger, readName, readPositive } from './flag-values.ts';
import { count } from './format/number.ts';
import { printable } from './format/text.ts';
import { counted } from './format/words.ts';
import { readRedis } from './redis-address.ts';
import type { Terminal } from './terminal.ts';
import { LOGS, type WorkerLog, workerLog } from './worker-log.ts';
import {
  type MetricsPlace,
  readMetrics,
  serveMetrics,
  type WorkerCounts,
  workerCounts,
} from './worker-metrics.ts';

const WHERE = 'ensample worker';
/** Milliseconds; batch systems usually wait for 30 s. */
const GRACE = 20_000;

/** What a worker brings along, as its flags say. */
export interface WorkerSetup {
  readonly threads: number;
  readonly modules: ModuleRegistry;
  readonly works: WorkTable;
  /** URL of the module that `works` came from; undefined for those of the package. */
  readonly worksUrl: string | undefined;
  readonly blobs: string | undefined;
  /** Milliseconds that a shard may take. */
  readonly mostTime: number | undefined;
  /** MB of the JavaScript heap of a thread. */
  readonly mostHeap: number | undefined;
  /** Milliseconds that shards get to finish when the worker is stopped. */
  readonly grace: number;
  readonly log: (typeof LOGS)[number];
  readonly metrics: MetricsPlace | undefined;
  readonly quiet: boolean;
}

/** `ensample worker`: computes shards for whoever submits them, until it is stopped. Resolves to the exit code. */
export async function worker(flags: Flags, terminal: Terminal): Promise<number> {
  const [redis, files] = [flagText(flags, 'redis'), flagText(flags, 'files')];
  if (redis !== undefined && files !== undefined) throw both();
  const blobs = flagText(flags, 'blobs');
  if (files !== undefined && blobs !== undefined)
    throw usageError(
      WHERE,
      '--blobs',
      blobs,
      'nothing beside --files, where large results lie with their run',
    );
  const setup = await readSetup(flags);
  const telling = await openTelling(setup, terminal);
  try {
    if (files !== undefined) return await fileWorker(files, setup, telling);
    return await redisWorker(flags, setup, telling);
  } finally {
    await telling.close();
  }
}

/** Where a worker tells of itself. */
interface Telling {
  readonly log: WorkerLog;
  readonly counts: WorkerCounts;
  readonly event: WorkerLog['event'];
  /** Where metrics are; undefined where none were asked for. */
  readonly url: string | undefined;
  close(): Promise<void>;
}

async function openTelling(setup: WorkerSetup, terminal: Terminal): Promise<Telling> {
  const log = workerLog(setup, terminal);
  const counts = workerCounts(setup.threads);
  const server = setup.metrics === undefined ? undefined : await serveMetrics(setup.metrics, counts.text);
  return {
    log,
    counts,
    event(event) {
      counts.event(event);
      log.event(event);
    },
    url: server?.url,
    async close() {
      await server?.close();
    },
  };
}

async function readSetup(flags: Flags): Promise<WorkerSetup> {
  const models = readFile(WHERE, 'models', flagText(flags, 'models'));
  const works = readFile(WHERE, 'works', flagText(flags, 'works'));
  const worksUrl = works === undefined ? undefined : pathToFileURL(resolve(works)).href;
  return {
    threads:
      readInteger(WHERE, 'threads', flagText(flags, 'threads'), 1, 1024, '2') ?? availableParallelism(),
    modules: models === undefined ? fixedModules({}) : openModules(models),
    works: worksUrl === undefined ? ownWorks : ((await loadModule(worksUrl)).works as WorkTable),
    worksUrl,
    blobs: readBlobs(WHERE, flags),
    mostTime: milliseconds('max-shard-seconds', flagText(flags, 'maxShardSeconds')),
    mostHeap: readInteger(WHERE, 'max-heap', flagText(flags, 'maxHeap'), 16, 2 ** 20, '512'),
    grace: milliseconds('grace', flagText(flags, 'grace')) ?? GRACE,
    log: readName(WHERE, 'log', flagText(flags, 'log'), LOGS) ?? 'text',
    metrics: readMetrics(flagText(flags, 'metrics')),
    quiet: flags.quiet === true,
  };
}

async function redisWorker(flags: Flags, setup: WorkerSetup, telling: Telling): Promise<number> {
  const link = await openLink(WHERE, readRedis(WHERE, '--redis', flagText(flags, 'redis'), flags));
  const { threads, works, modules, blobs } = setup;
  const { log, counts, event } = telling;
  const computing = openThreads(setup);
  try {
    // Better now than when the first shard is done.
    if (blobs !== undefined) await tryBlobs(openBlobs(blobs));
    const serving = await queueWorker({
      ...{ link, works, threads, modules: modules.refs(), timing: readTiming(flags), say: event },
      run: async (plan, index, signal) =>
        inReach(
          await counts.during(computing.threads.compute(plan, index, signal)).catch((error) => {
            throw blobs === undefined && lacksBlob(error) ? noBlobs(index, error) : error;
          }),
          setup,
        ),
    });
    for (const warning of link.warnings) log.say('warning', warning);
    tellStart(setup, telling, `at ${link.address.shown}`);
    await untilStopped(log, setup.grace);
    await serving.stop(setup.grace);
    log.end();
    return 0;
  } finally {
    await computing.close();
    await link.close();
  }
}

/** The same of the runs in a folder. */
async function fileWorker(directory: string, setup: WorkerSetup, telling: Telling): Promise<number> {
  const { log, counts, event } = telling;
  // What a run starts from lies beside it, what it finds in its own folder.
  const computing = openThreads({ ...setup, blobs: join(directory, 'blobs') });
  try {
    const worker = startFileWorker({
      directory,
      threads: setup.threads,
      works: setup.works,
      modules: setup.modules.refs(),
      run: (...shard) => counts.during(computing.threads.compute(...shard)),
      say: event,
    });
    tellStart(setup, telling, `in ${directory}`);
    await untilStopped(log, setup.grace);
    await worker.stop(setup.grace);
    log.end();
    return 0;
  } finally {
    await computing.close();
  }
}

/** A result above 256 kB lies in a folder: it must be one that others see. */
function inReach(record: Uint8Array, { blobs }: WorkerSetup): Uint8Array {
  const { header } = readRecord(record);
  if (blobs !== undefined || header.blobs.length === 0) return record;
  throw new EngineError('blob', {
    where: WHERE,
    found: `shard ${header.index} has contents of ${header.blobs.reduce((sum, { bytes }) => sum + bytes, 0)} bytes`,
    expected: 'results of at most 256 kB, or a folder or S3 that all machines share',
    fix: 'Start the workers, and the command that waits for them, with --blobs DIR or s3://BUCKET/PREFIX.',
  });
}

/** A shard reads contents that are nowhere: without --blobs the place is one of this worker's own. */
function lacksBlob(error: unknown): boolean {
  return (
    error instanceof EngineError && error.code === 'cluster' && /: blob .* is not there/.test(error.message)
  );
}

function noBlobs(index: number, cause: unknown): EngineError {
  return new EngineError('blob', {
    where: WHERE,
    found: `shard ${index} reads contents of a blob store, and this worker has no --blobs`,
    expected: 'the folder or S3 that the command which waits for it has',
    fix: 'Start the workers with --blobs DIR or s3://BUCKET/PREFIX, the same as there.',
    cause,
  });
}

/** Threads for shards, and a folder for blobs where none is shared. */
function openThreads({ threads, modules, blobs, worksUrl, mostTime, mostHeap }: WorkerSetup): {
  readonly threads: ReturnType<typeof openShardThreads>;
  close(): Promise<void>;
} {
  const folder = blobs ?? mkdtempSync(join(tmpdir(), 'ensample-blobs-'));
  const pool = openShardThreads({
    ...{ threads, entry: CLUSTER_ENTRY, files: modules.files, blobs: folder },
    ...(worksUrl === undefined ? {} : { works: worksUrl }),
    ...(mostTime === undefined ? {} : { mostTime }),
    ...(mostHeap === undefined ? {} : { mostHeap }),
  });
  return {
    threads: pool,
    async close() {
      await pool.close();
      if (blobs === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Seconds of a flag as milliseconds. */
function milliseconds(option: string, text: string | undefined): number | undefined {
  const seconds = readPositive(WHERE, option, text);
  return seconds === undefined ? undefined : 1000 * seconds;
}

function readTiming(flags: Flags): Partial<Timing> {
  const [lock, stall] = ['lock', 'stall'].map((option) => milliseconds(option, flagText(flags, option)));
  return {
    ...(lock === undefined ? {} : { lock }),
    ...(stall === undefined ? {} : { stall }),
  };
}

/** 'Worker with 2 threads and models flood, ishigami at redis://127.0.0.1:6379. Ctrl-C stops it.' */
function tellStart({ threads, modules }: WorkerSetup, { log, url }: Telling, place: string): void {
  const { names } = modules;
  const models =
    names.length === 0
      ? 'no models (see --models)'
      : `${names.length === 1 ? 'model' : 'models'} ${names.join(', ')}`;
  const own = `${counted(threads, count(threads), 'thread')} and ${printable(models)}`;
  if (url !== undefined) log.say('start', `Metrics at ${url}.`);
  log.say('start', `Worker with ${own} ${place}. Ctrl-C stops it.`);
}

/** Resolves at SIGTERM or Ctrl-C; the second one ends the process at once, and its shards go to others. */
function untilStopped(log: WorkerLog, grace: number): Promise<void> {
  return new Promise((done) => {
    let asked = false;
    const stop = (): void => {
      if (asked) process.exit(EXIT.interrupted);
      asked = true;
      log.say('stop', `Stopping: shards are finished, or handed back after ${grace / 1000} s.`);
      done();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}

function both(): OptionError {
  return new OptionError({
    where: WHERE,
    option: '--files',
    value: '',
    found: 'options --redis and --files are both given',
    expected: 'one of them',
  });
}
