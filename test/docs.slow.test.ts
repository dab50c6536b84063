import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Snippet, snippets, withOutput } from './support/documents.ts';

// Every ```ts block of the documents runs as a module of its own on the built package, every `npx ensample` command as
// written; a ```text block right below shows what it prints. UPDATE_DOCS=1 npx vitest run test/docs.slow.test.ts renews those.
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const scratch = join(root, 'test', '.snippets');
const environment = { ...process.env, LC_ALL: 'C.UTF-8', NO_COLOR: '1' };
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'));

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Between what one module prints and the next. */
const MARK = '\u0001';

/** Where a ts block of a document is kept as a module. */
const moduleOf = (document: string, line: number): string => `${document.replaceAll('/', '-')}-${line}.mjs`;

/** What the ts blocks print, by module: one after the other in one process. From the source each thread would transpile all. */
function playModules(modules: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const names = Object.keys(modules);
  // Places in the code of a kernel are told as tsx would leave them.
  const options = { loader: 'ts', target: 'es2022', minifyWhitespace: true } as const;
  for (const [name, code] of Object.entries(modules))
    writeFileSync(join(scratch, name), transformSync(code, options).code);
  const main = names.map((name) => `process.stdout.write('${MARK}');\nawait import('./${name}');\n`).join('');
  writeFileSync(join(scratch, 'all.mjs'), main);
  const printed = execFileSync(process.execPath, [join(scratch, 'all.mjs')], {
    cwd: root,
    encoding: 'utf8',
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return new Map(
    printed
      .split(MARK)
      .slice(1)
      .map((text, at) => [names[at]!, text]),
  );
}

function playCommands(code: string): string {
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

const found = documents.map((document): [string, readonly Snippet[]] => [
  document,
  snippets(readFileSync(join(root, document), 'utf8')),
]);
let modules: ReadonlyMap<string, string> = new Map();
beforeAll(() => {
  mkdirSync(scratch, { recursive: true });
  const written = found.flatMap(([document, blocks]) =>
    blocks
      .filter(({ language }) => language === 'ts')
      .map(({ line, code }) => [moduleOf(document, line), code] as const),
  );
  modules = playModules(Object.fromEntries(written));
}, 120_000);

for (const [document, blocks] of found) {
  if (blocks.length === 0) continue;
  describe(document, () => {
    for (const [index, { line, language, code, output }] of blocks.entries()) {
      test(`line ${line}: the ${language} block runs and prints what is shown`, () => {
        const printed = (
          language === 'ts' ? modules.get(moduleOf(document, line))! : playCommands(code)
        ).trimEnd();
        if (output === undefined) return;
        if (process.env.UPDATE_DOCS === '1') {
          const text = readFileSync(join(root, document), 'utf8');
          writeFileSync(join(root, document), withOutput(text, index, printed));
          return;
        }
        expect(printed).toBe(output.trimEnd());
      });
    }
  });
}
