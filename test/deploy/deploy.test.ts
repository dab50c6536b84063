import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { makeProgram } from '../../cli/program.ts';

const root = resolve(import.meta.dirname, '../..');
const files = readdirSync(join(root, 'deploy'), { recursive: true, encoding: 'utf8' });
const read = (name: string): string => readFileSync(join(root, name), 'utf8');

interface Manifest {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly metadata?: { readonly name: string };
  readonly services?: Readonly<Record<string, { readonly ports?: readonly string[] }>>;
}

test.each(files.filter((name) => name.endsWith('.yaml')))(
  'deploy/%s is YAML without duplicate keys',
  (name) => {
    const documents = parseAllDocuments(read(join('deploy', name)));
    for (const document of documents) {
      expect(document.errors).toEqual([]);
      const manifest = document.toJS() as Manifest;
      if (name.startsWith('kubernetes'))
        expect(manifest).toMatchObject({
          apiVersion: expect.any(String),
          kind: expect.any(String),
          metadata: { name: expect.any(String) },
        });
      else for (const port of manifest.services?.valkey?.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  },
);

test.each(files.filter((name) => /\.(sh|sbatch)$/.test(name)))(
  'deploy/%s is a script that bash can read',
  (name) => {
    const { status, stderr } = spawnSync('bash', ['-n', join(root, 'deploy', name)], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  },
);

/** Words of a command line, from `ensample` on. */
function commandsIn(text: string): readonly (readonly string[])[] {
  const lines = text.matchAll(
    /(?:^|[\s;|&(])ensample ((?:plan|shard|merge|worker|sobol|expect|evaluate|serve|cluster|backends)\b[^\n|;&)`#]*)/gm,
  );
  return Array.from(lines, ([, words]) => words!.trim().split(/\s+/));
}

/** The same of the lists that YAML has for containers. */
function argumentsIn(text: string): readonly (readonly string[])[] {
  const lists = text.matchAll(/^\s*(?:args|command):\s*\[\s*((?:worker|shard|sobol)[^\]]*?),?\s*\]/gm);
  return Array.from(lists, ([, words]) => words!.split(',').map((word) => word.trim().replaceAll('"', '')));
}

const TEXTS = [
  ...files
    .filter((name) => /\.(yaml|sh|sbatch)$/.test(name) && !name.includes('valkey'))
    .map((name) => join('deploy', name)),
  'docs/clusters.md',
];

test.each(TEXTS)('%s: every command and flag is one that the command line has', (name) => {
  const none = async (): Promise<number> => 0;
  const commands = new Proxy({} as Parameters<typeof makeProgram>[0], { get: () => none });
  const program = makeProgram(
    commands,
    () => {},
    () => {},
  );
  const text = read(name);
  const found = [...commandsIn(text), ...argumentsIn(text)];
  expect(found.length).toBeGreaterThan(0);
  for (const [command, ...words] of found) {
    const known = program.commands.find((candidate) => candidate.name() === command);
    const flags = known?.options.flatMap(({ short, long }) => [short, long]) ?? [];
    for (const word of words.filter((candidate) => /^--?[a-z]/.test(candidate)))
      expect(flags, `ensample ${command} ${word}`).toContain(word.split('=')[0]);
  }
});
