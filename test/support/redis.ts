import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A redis-server of a test: on a free port of loopback, in a folder of its own. */
export interface TestRedis {
  readonly port: number;
  readonly url: string;
  readonly folder: string;
  /** kill -9 */
  kill(): Promise<void>;
  /** Starts it again on the same port and folder. */
  start(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** Whether there is a redis-server; with REQUIRE_REDIS=1 there must be one. */
export function haveRedis(): boolean {
  const found = spawnSync('redis-server', ['--version']).status === 0;
  if (!found && process.env.REQUIRE_REDIS === '1')
    throw new Error('REQUIRE_REDIS=1 and there is no redis-server');
  if (!found)
    console.warn('test/cluster: skipped, there is no redis-server (Debian: apt-get install redis-server)');
  return found;
}

/** @param lines more of redis.conf. */
export async function startRedis(lines: readonly string[] = []): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'ensample-redis-'));
  const port = await freePort();
  const config = join(folder, 'redis.conf');
  const own = [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, 'appendonly yes', 'appendfsync everysec'];
  writeFileSync(config, [...own, 'maxmemory-policy noeviction', 'save ""', ...lines, ''].join('\n'));
  let child: ChildProcess | undefined;
  const ended = (): Promise<void> =>
    new Promise((resolve) => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) resolve();
      else child.once('exit', () => resolve());
    });
  const start = async (): Promise<void> => {
    const own = spawn('redis-server', [config], { stdio: ['ignore', 'pipe', 'inherit'] });
    child = own;
    await new Promise<void>((resolve, reject) => {
      own.stdout.on('data', (text: Buffer) => {
        if (String(text).includes('Ready to accept connections')) resolve();
      });
      own.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
    });
  };
  await start();
  return {
    ...{ port, url: `redis://127.0.0.1:${port}`, folder, start },
    async kill() {
      child?.kill('SIGKILL');
      await ended();
    },
    async stop() {
      child?.kill('SIGKILL');
      await ended();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
