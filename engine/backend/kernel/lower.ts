import type { Node } from 'acorn';
import { pointArray } from './arrays.ts';
import type { ConstantTable } from './constants.ts';
import { expression } from './expressions.ts';
import { lowerHelper } from './helpers.ts';
import { type Resolution, resolveNames } from './resolve.ts';
import { type KernelSource, refusal } from './source.ts';
import { functionBody } from './statements.ts';
import {
  asNumber,
  type Binding,
  call,
  type Frame,
  type Helper,
  integer,
  intText,
  isList,
  number,
  numberText,
  type Program,
  type Value,
} from './value.ts';

/** A kernel in the plain language that gpu.js translates without guessing: float numbers, counted loops, ifs and calls. */
export interface LoweredKernel {
  /** Statements of the kernel. */
  readonly body: string;
  /** Its functions, before their callers. */
  readonly helpers: readonly LoweredHelper[];
  /** Numbers by name: f.. are floats, i.. integers. */
  readonly pool: ReadonlyMap<string, number>;
  /** Functions of kernel-library.ts that are called. */
  readonly calls: ReadonlySet<string>;
  readonly outputs: number;
  /** Whether the function is called for each output j by itself. */
  readonly byOutput: boolean;
  /** Whether an output may be the stand-in of an infinity. */
  readonly infinite: boolean;
}

export interface LoweredHelper {
  readonly id: string;
  readonly text: string;
  readonly parameters: readonly string[];
}

export interface LoweringOptions {
  readonly source: KernelSource;
  readonly functions: ReadonlyMap<string, KernelSource>;
  readonly constants: ConstantTable;
  readonly dims: number;
  readonly outputs: number | undefined;
  /** Where the text will run: it decides how arrays are read. */
  readonly target: 'card' | 'gpu.js';
}

/** Rounds in which what may be infinite is found: each finds one more variable or function at least. */
const MOST_PASSES = 1000;

/**
 * Lower a kernel and its functions.
 * @throws OptionError naming line and column of what cannot run on the card.
 */
export function lowerKernel(options: LoweringOptions): LoweredKernel {
  const { source, functions } = options;
  const resolution = resolveNames(source);
  const helpers = new Map(
    [...functions].map(([name, text], i): [string, Helper] => [
      name,
      {
        name,
        id: `h${i}`,
        source: text,
        resolution: resolveNames(text),
        state: 'new',
        returns: 'number',
        infinite: false,
        rounded: undefined,
        text: '',
        parameters: [],
      },
    ]),
  );
  for (let pass = 0; pass < MOST_PASSES; pass++) {
    const { program, lowered } = lowerOnce(options, resolution, helpers);
    if (!program.changed) return lowered;
    for (const helper of helpers.values()) helper.state = 'new';
  }
  throw new Error('kernel: lowering does not settle');
}

function lowerOnce(
  options: LoweringOptions,
  resolution: Resolution,
  helpers: ReadonlyMap<string, Helper>,
): { readonly program: Program; readonly lowered: LoweredKernel } {
  const { source, constants, dims, outputs } = options;
  const program: Program = {
    constants,
    helpers,
    read: (from, position) => readText(program, options, from, position),
    pool: new Map(),
    calls: new Set(),
    finished: [],
    prepare: (helper) => lowerHelper(program, helper, expression),
    changed: false,
    fresh: 0,
  };
  for (const helper of helpers.values()) program.prepare(helper);
  const answers: Answers = { outputs, infinite: false };
  const frame: Frame = {
    program,
    source,
    resolution,
    bindings: parameterBindings(source, resolution, dims, outputs),
    assigned: new Set(),
    helper: undefined,
    lower: (node, out) => expression(frame, node, out),
    answer: (node, value, out) => answerKernel(frame, answers, node, value, out),
  };
  const byOutput = resolution.parameters.length === 2;
  const body = functionBody(frame).join('\n');
  for (const helper of program.finished) checkDepth(helper.source, helper.text);
  checkDepth(source, body);
  const lowered = {
    body,
    helpers: program.finished.map(({ id, text, parameters }) => ({ id, text, parameters })),
    pool: program.pool,
    calls: program.calls,
    outputs: answers.outputs ?? 1,
    byOutput,
    infinite: answers.infinite,
  };
  return { program, lowered };
}

/** Blocks inside blocks, beyond which compilers of cards give up. */
const MOST_BLOCKS = 60;

function checkDepth(source: KernelSource, text: string): void {
  let open = 0;
  let most = 0;
  for (const letter of text) {
    if (letter === '{') open++;
    else if (letter === '}') open--;
    if (open > most) most = open;
  }
  if (most <= MOST_BLOCKS) return;
  throw refusal(source, source.tree, {
    found: `the function has ${most} blocks inside each other`,
    expected: `at most ${MOST_BLOCKS}`,
    fix: 'Else-if and ?: count one each: end them earlier by return, or move parts into functions.',
  });
}

/** On the card a read is a function of ours; in gpu.js it is an element of an argument or of a constant. */
function readText(
  program: Program,
  { target, dims }: LoweringOptions,
  from: 'point' | 'constants',
  position: string,
): string {
  if (target === 'card') return call(program, from === 'point' ? 'gpoint' : 'gconstant', position);
  if (from === 'constants') return `this.constants.packed[${position}]`;
  const row = intText(program, { text: '', lo: dims, hi: dims });
  return `x[this.thread.x * ${row} + ${position}]`;
}

/** What the returns have in common. */
interface Answers {
  outputs: number | undefined;
  infinite: boolean;
}

function parameterBindings(
  source: KernelSource,
  { parameters }: Resolution,
  dims: number,
  outputs: number | undefined,
): Frame['bindings'] {
  const [x, j, more] = parameters;
  if (more !== undefined) {
    throw refusal(source, more.declared, {
      found: `the function takes ${parameters.length} parameters`,
      expected: 'the point, and the number of the output at most: function (x, j)',
    });
  }
  const bindings = new Map<Resolution['parameters'][number], Binding>();
  if (x !== undefined) bindings.set(x, { kind: 'value', value: pointArray(dims) });
  if (j === undefined) return bindings;
  if (outputs === undefined) {
    throw refusal(source, j.declared, {
      found: `the function takes the number \`${j.name}\` of an output, and there is no option \`outputs\``,
      expected: 'outputs: how many numbers it is called for',
    });
  }
  const value = integer({ text: 'j', lo: 0, hi: outputs - 1 });
  bindings.set(j, { kind: 'value', value });
  return bindings;
}

function answerKernel(
  frame: Frame,
  answers: Answers,
  node: Node,
  value: Value | readonly Value[],
  out: string[],
): void {
  const { source, resolution } = frame;
  const values = valuesOf(value);
  const byOutput = resolution.parameters.length === 2;
  if (byOutput && values.length !== 1) {
    throw refusal(source, node, {
      found: 'an array is returned by a function (x, j)',
      expected: 'output j alone',
    });
  }
  const wanted = byOutput ? 1 : (answers.outputs ?? values.length);
  if (values.length !== wanted) {
    throw refusal(source, node, {
      found: `${counted(values.length)} returned`,
      expected: `${wanted}, as ${answers.outputs === undefined ? 'elsewhere in the function' : 'option `outputs` or another `return` says'}`,
    });
  }
  if (values.length > 4) {
    throw refusal(source, node, {
      found: `${values.length} numbers are returned at once`,
      expected: 'at most 4',
      fix: `Write function (x, j) that returns output j, with outputs: ${values.length}.`,
    });
  }
  if (!byOutput) answers.outputs = values.length;
  const texts = values.map((part) => {
    if (part.kind === 'boolean') {
      throw refusal(source, node, {
        found: 'true or false is returned',
        expected: 'a number: return c ? 1 : 0',
      });
    }
    const found = asNumber(frame, part, node);
    if (found.infinite) answers.infinite = true;
    return numberText(frame, found, node);
  });
  out.push(`return ${texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`};`);
}

/** The numbers behind a returned value; a local array counts as its elements. */
function valuesOf(value: Value | readonly Value[]): readonly Value[] {
  if (isList(value)) return value;
  if (value.kind === 'array' && value.from === 'local') return value.locals.map((id) => number(id));
  return [value];
}

function counted(n: number): string {
  return n === 1 ? '1 number is' : `${n} numbers are`;
}
