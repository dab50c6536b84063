import { startFileWorker } from '../estimators/cluster.ts';
import type { Terminal } from './terminal.ts';
import { openThreads, startLine, teller, untilStopped, type WorkerSetup } from './worker.ts';

/** `ensample worker --files DIR`: computes shards of the runs in a folder until it is stopped. Resolves to the exit code. */
export async function fileWorker(directory: string, setup: WorkerSetup, terminal: Terminal): Promise<number> {
  const computing = openThreads(setup);
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
