import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The built command: `npm run bench` builds it. */
const MAIN = process.env.ENSAMPLE_MAIN ?? fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

/** A Redis and workers of the built command, on this machine. */
export interface Fleet {
  readonly url: string;
  /** Folder of blobs that all see. */
  readonly blobs: string;
  readonly works: string;
  /** A worker with one thread. */
  worker(): Promise<ChildProcess>;
  close(): Promise<void>;
}

/** Undefined where there is no redis-server. @param lock, stall seconds of the workers. */
export async function openFleet(lock: number, stall: number): Promise<Fleet | undefined> {
  if (spawnSync('redis-server', ['--version']).status !== 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'ensample-bench-'));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const options = ['--appendonly', 'yes', '--save', '', '--bind', '127.0.0.1', '--dir', folder];
  const server = spawn('redis-server', ['--port', String(port), ...options], { stdio: 'pipe' });
  const children: ChildProcess[] = [server];
  await said(server, 'Ready to accept connections');
  const works = fileURLToPath(new URL('./cluster-works.mjs', import.meta.url));
  const blobs = join(folder, 'blobs');
  return {
    ...{ url, blobs, works },
    async worker() {
      const timing = ['--lock', String(lock), '--stall', String(stall)];
      const args = [
        'worker',
        '--redis',
        url,
        '--threads',
        '1',
        '--works',
        works,
        '--blobs',
        blobs,
        ...timing,
      ];
      const child = spawn(process.execPath, [MAIN, ...args], { stdio: 'pipe' });
      children.push(child);
      await said(child, 'Ctrl-C stops it.');
      return child;
    },
    async close() {
      for (const child of children.reverse()) child.kill('SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, 100));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function said(child: ChildProcess, text: string): Promise<void> {
  let heard = '';
  return new Promise((resolve, reject) => {
    const hear = (data: Buffer): void => {
      heard += String(data);
      if (heard.includes(text)) resolve();
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', () => reject(new Error(heard)));
  });
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
