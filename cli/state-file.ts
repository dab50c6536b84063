import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import * as v from 'valibot';
import { InputError, OptionError } from '../estimators/index.ts';

/** What a state file says about the run it belongs to. */
export interface StateHeader {
  readonly seed: number;
  /** SHA-256 of the model file. */
  readonly model: string;
}

const MAGIC = 'ensample state 1 ';
const header = v.object({ seed: v.pipe(v.number(), v.safeInteger()), model: v.string() });

/** Writes a state next to its place and moves it there, so that a broken write never replaces a good one. */
export function writeState(file: string, { seed, model }: StateHeader, state: Uint8Array): void {
  const head = new TextEncoder().encode(`${MAGIC}${JSON.stringify({ seed, model })}\n`);
  writeFileSync(`${file}.part`, Buffer.concat([head, state]));
  renameSync(`${file}.part`, file);
}

/**
 * The state in a file; undefined when there is no such file yet.
 * @throws InputError when it is no state; OptionError when it belongs to another seed.
 */
export function readState(
  where: string,
  file: string,
  seed: number | undefined,
): { readonly header: StateHeader; readonly state: Uint8Array } | undefined {
  if (!existsSync(file)) return undefined;
  const bytes = readFileSync(file);
  const end = bytes.indexOf('\n');
  const parsed = v.safeParse(header, parseHeader(bytes.subarray(0, Math.max(0, end)).toString()));
  if (!parsed.success) {
    throw new InputError({
      where,
      file,
      found: `${file} holds no state of a run`,
      expected: 'a file that --resume wrote',
      fix: 'Give another name; that file was left as it is.',
    });
  }
  if (seed !== undefined && seed !== parsed.output.seed) {
    throw new OptionError({
      where,
      option: '--seed',
      value: seed,
      found: `option --seed is ${seed}, and ${file} belongs to seed ${parsed.output.seed}`,
      expected: 'the same seed, or none',
    });
  }
  return { header: parsed.output, state: new Uint8Array(bytes.subarray(end + 1)) };
}

function parseHeader(line: string): unknown {
  if (!line.startsWith(MAGIC)) return undefined;
  try {
    return JSON.parse(line.slice(MAGIC.length));
  } catch {
    return undefined;
  }
}
