import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  CLUSTER_ENTRY,
  fixedModules,
  type ModuleRegistry,
  openLink,
  openModules,
  openShardThreads,
  ownWorks,
  queueWorker,
  readRecord,
  startFileWorker,
  type Timing,
  type WorkerEvent,
  type WorkTable,
} from '../estimators/cluster.ts';
import { EngineError, loadModule, OptionError } from '../estimators/index.ts';
import { EXIT } from './errors.ts';
import { type Flags, flagText, readFile, readInteger, readPositive } from './flag-values.ts';
import { count } from './format/number.ts';
import { printable, wrap } from './format/text.ts';
import { counted } from './format/words.ts';
import { readRedis } from './redis-address.ts';
import type { Terminal } from './terminal.ts';

const WHERE = 'ensample worker';

/** What a worker brings along, as its flags say. */
export interface WorkerSetup {
  readonly threads: number;
  readonly modules: ModuleRegistry;
  readonly works: WorkTable;
  /** URL of the module that `works` came from; undefined for those of the package. */
  readonly worksUrl: string | undefined;
  readonly blobs: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** `ensample worker`: computes shards for whoever submits them, until it is stopped. Resolves to the exit code. */
export async function worker(flags: Flags, terminal: Terminal): Promise<number> {
  const [redis, files] = [flagText(flags, 'redis'), flagText(flags, 'files')];
  if (redis !== undefined && files !== undefined) throw both();
  const setup = await readSetup(flags);
  if (files !== undefined) return fileWorker(files, setup, terminal);
  return redisWorker(flags, setup, terminal);
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
    blobs: readFile(WHERE, 'blobs', flagText(flags, 'blobs')),
    json: flags.json === true,
    quiet: flags.quiet === true,
  };
}

async function redisWorker(flags: Flags, setup: WorkerSetup, terminal: Terminal): Promise<number> {
  const link = await openLink(WHERE, readRedis(WHERE, '--redis', flagText(flags, 'redis'), flags));
  const { threads, works, modules } = setup;
  const computing = openThreads(setup);
  try {
    const tell = teller(setup, terminal);
    const serving = await queueWorker({
      ...{ link, works, threads, modules: modules.refs(), timing: readTiming(flags), say: tell.say },
      run: async (plan, index, signal) =>
        inReach(await computing.threads.compute(plan, index, signal), setup),
    });
    for (const warning of link.warnings)
      terminal.err.write(`${wrap(`Warning: ${warning}`, terminal.err.look.width)}\n`);
    if (!setup.quiet) terminal.err.write(`${startLine(setup, `at ${link.address.shown}`)}\n`);
    await untilStopped(terminal, setup.quiet);
    await serving.stop();
    tell.end();
    return 0;
  } finally {
    await computing.close();
    await link.close();
  }
}

/** The same of the runs in a folder. */
async function fileWorker(directory: string, setup: WorkerSetup, terminal: Terminal): Promise<number> {
  // What a run starts from lies beside it, what it finds in its own folder.
  const computing = openThreads({ ...setup, blobs: join(directory, 'blobs') });
  const tell = teller(setup, terminal);
  try {
    const worker = startFileWorker({
      directory,
      threads: setup.threads,
      works: setup.works,
      modules: setup.modules.refs(),
      run: computing.threads.compute,
      say: tell.say,
    });
    if (!setup.quiet) terminal.err.write(`${startLine(setup, `in ${directory}`)}\n`);
    await untilStopped(terminal, setup.quiet);
    await worker.stop();
    tell.end();
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
    found: `the result of shard ${header.index} has ${header.bodyBytes} bytes`,
    expected: 'at most 256 kB, or a folder that all machines share',
    fix: 'Start the workers, and the command that waits for them, with --blobs DIR.',
  });
}

/** Threads for shards, and a folder for blobs where none is shared. */
function openThreads({ threads, modules, blobs, worksUrl }: WorkerSetup): {
  readonly threads: ReturnType<typeof openShardThreads>;
  close(): Promise<void>;
} {
  const folder = blobs ?? mkdtempSync(join(tmpdir(), 'ensample-blobs-'));
  const pool = openShardThreads({
    ...{ threads, entry: CLUSTER_ENTRY, files: modules.files, blobs: folder },
    ...(worksUrl === undefined ? {} : { works: worksUrl }),
  });
  return {
    threads: pool,
    async close() {
      await pool.close();
      if (blobs === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Seconds of --lock and --stall as milliseconds. */
function readTiming(flags: Flags): Partial<Timing> {
  const seconds = (option: string): number | undefined =>
    readPositive(WHERE, option, flagText(flags, option));
  const [lock, stall, grace] = [seconds('lock'), seconds('stall'), seconds('grace')];
  return {
    ...(lock === undefined ? {} : { lock: 1000 * lock }),
    ...(stall === undefined ? {} : { stall: 1000 * stall }),
    ...(grace === undefined ? {} : { grace: 1000 * grace }),
  };
}

/** 'Worker with 2 threads and models flood, ishigami at redis://127.0.0.1:6379. Ctrl-C stops it.' */
function startLine({ threads, modules }: WorkerSetup, place: string): string {
  const { names } = modules;
  const models =
    names.length === 0
      ? 'no models (see --models)'
      : `${names.length === 1 ? 'model' : 'models'} ${names.join(', ')}`;
  return `Worker with ${counted(threads, count(threads), 'thread')} and ${printable(models)} ${place}. Ctrl-C stops it.`;
}

/** Resolves at SIGTERM or Ctrl-C; the second one ends the process at once, and its shards go to others. */
function untilStopped({ err }: Terminal, quiet: boolean): Promise<void> {
  return new Promise((done) => {
    let asked = false;
    const stop = (): void => {
      if (asked) process.exit(EXIT.interrupted);
      asked = true;
      if (!quiet) err.write('Stopping: shards are finished, or handed back after 20 s.\n');
      done();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}

/** Tells what happens: one JSON line for each event, or words for what is worth them, and a sum at the end. */
function teller(
  { json, quiet }: Pick<WorkerSetup, 'json' | 'quiet'>,
  { out, err }: Terminal,
): { readonly say: (event: WorkerEvent) => void; readonly end: () => void } {
  let [done, busy] = [0, 0];
  return {
    say(event) {
      if (event.kind === 'done') {
        done++;
        busy += event.milliseconds ?? 0;
      }
      if (json) out.write(`${JSON.stringify(event)}\n`);
      else if (!quiet && event.message !== undefined && event.kind !== 'open')
        err.write(
          `${printable(`shard ${event.index} of run ${event.run}: ${event.kind}: ${event.message}`)}\n`,
        );
    },
    end() {
      if (!quiet)
        err.write(
          `${counted(done, count(done), 'shard')} done in ${(busy / 1000).toFixed(1)} s of threads.\n`,
        );
    },
  };
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
