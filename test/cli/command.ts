import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const TOGETHER = fileURLToPath(new URL('./together.mjs', import.meta.url));

/** What a command printed and how it ended. */
export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Spawned {
  readonly done: Promise<Finished>;
  /** Resolves when stderr holds the text. */
  said(text: string): Promise<void>;
  /** What stdout holds so far. */
  printed(): string;
  interrupt(): void;
}

/** Starts the built command in `folder`. */
export function start(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Spawned {
  const { PATH } = process.env;
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, env: { PATH, ...env } });
  let out = '';
  let err = '';
  const waiting: { readonly text: string; readonly resolve: () => void }[] = [];
  child.stdout.on('data', (data: Buffer) => {
    out += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    err += data.toString();
    for (const { text, resolve } of waiting) if (err.includes(text)) resolve();
  });
  const done = new Promise<Finished>((resolve) => {
    child.on('close', (code) => resolve({ code, out, err }));
  });
  return {
    done,
    said: (text) =>
      err.includes(text) ? Promise.resolve() : new Promise((resolve) => void waiting.push({ text, resolve })),
    printed: () => out,
    interrupt: () => void child.kill('SIGINT'),
  };
}

/** Runs the built command in `folder` to its end. */
export function run(folder: string, args: string, env?: Readonly<Record<string, string>>): Promise<Finished> {
  return start(
    folder,
    args.split(' ').filter((word) => word !== ''),
    env,
  ).done;
}

/** Runs commands one after the other in one process: for those that do not test how a process starts and ends. */
export async function runTogether(
  folder: string,
  commands: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<readonly Finished[]> {
  const lists = commands.map((args) => args.split(' ').filter((word) => word !== ''));
  const { PATH } = process.env;
  const child = spawn(process.execPath, [TOGETHER, pathToFileURL(MAIN).href, JSON.stringify(lists)], {
    ...{ cwd: folder, env: { PATH, ...env }, stdio: ['ignore', 'pipe', 'inherit'] },
  });
  const parts: Buffer[] = [];
  child.stdout!.on('data', (data: Buffer) => void parts.push(data));
  await once(child, 'close');
  return JSON.parse(Buffer.concat(parts).toString());
}

/** A folder with these files, removed by the function that comes with it. */
export function folderOf(files: Readonly<Record<string, string>>): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'ensample-cli-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return { path, remove: () => rmSync(path, { recursive: true }) };
}
