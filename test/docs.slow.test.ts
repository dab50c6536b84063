import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Snippet, snippets, withOutput } from './support/documents.ts';

// Every ```ts block of the documents runs as a module of its own, every `npx ensample` command as written; a
// ```text block right below shows what it prints. UPDATE_DOCS=1 npx vitest run test/docs.slow.test.ts renews those.
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const scratch = join(root, 'test', '.snippets');
const environment = { ...process.env, LC_ALL: 'C.UTF-8', NO_COLOR: '1' };
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'));

beforeAll(() => mkdirSync(scratch, { recursive: true }));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function play({ language, code }: Snippet, name: string): string {
  if (language === 'ts') {
    const file = join(scratch, `${name}.ts`);
    writeFileSync(file, `${code}\n`);
    return execFileSync(join(root, 'node_modules/.bin/tsx'), [file], {
      cwd: root,
      encoding: 'utf8',
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
  return code
    .split('\n')
    .map((line) => {
      const [, ...args] = line
        .replace(/\s+#.*$/, '')
        .trim()
        .split(/\s+/);
      const done = spawnSync(process.execPath, ['dist/cli/main.js', ...args.slice(1)], {
        cwd: root,
        encoding: 'utf8',
        env: environment,
      });
      if (done.status !== 0) throw new Error(`${line} ended with ${done.status}: ${done.stderr}`);
      return done.stdout;
    })
    .join('');
}

for (const document of documents) {
  if (snippets(readFileSync(join(root, document), 'utf8')).length === 0) continue;
  describe(document, () => {
    for (const [index, snippet] of snippets(readFileSync(join(root, document), 'utf8')).entries()) {
      test(`line ${snippet.line}: the ${snippet.language} block runs and prints what is shown`, () => {
        const printed = play(snippet, `${document.replaceAll('/', '-')}-${snippet.line}`).trimEnd();
        if (snippet.output === undefined) return;
        if (process.env.UPDATE_DOCS === '1') {
          const text = readFileSync(join(root, document), 'utf8');
          writeFileSync(join(root, document), withOutput(text, index, printed));
          return;
        }
        expect(printed).toBe(snippet.output.trimEnd());
      });
    }
  });
}
