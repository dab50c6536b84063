import { type KernelSource, standAlone } from './source.ts';
import type { KernelConstant, KernelConstants } from './types.ts';

/** What the host needs of a kernel. */
export interface HostKernel {
  readonly source: KernelSource;
  /** The functions it calls, by name. */
  readonly functions: ReadonlyMap<string, KernelSource>;
  readonly constants: KernelConstants;
  /** Outputs, when the function is called for each by itself. */
  readonly byOutput: number | undefined;
}

type Evaluate = (x: Float64Array) => number | ArrayLike<number>;

/** A kernel's function on the host: of (x), or of (x, j) for output j. */
export type HostFunction = (this: unknown, x: Float64Array, j: number) => number | ArrayLike<number>;

/** A function of (x) or (x, j) with constants as a function of (x). */
export function hostEvaluate(f: HostFunction, { constants, byOutput }: HostKernel): Evaluate {
  const self = { constants };
  if (byOutput === undefined) return (x) => f.call(self, x, 0);
  // Output j of a function (x, j) is one number.
  return (x) => Float64Array.from({ length: byOutput }, (_, j) => f.call(self, x, j) as number);
}

/** The same for a function given as text, compiled at the first call. Only checked text comes here. */
export function hostEvaluateText(host: HostKernel): Evaluate {
  let evaluate: Evaluate | undefined;
  return (x) => {
    evaluate ??= hostEvaluate(
      new Function(`${functionTexts(host)}return ${standAlone(host.source)};`)(),
      host,
    );
    return evaluate(x);
  };
}

/** data: URL of a module that holds the same function for a worker. */
export function hostModule(host: HostKernel): string {
  const { source, constants, byOutput } = host;
  const call =
    byOutput === undefined
      ? 'f.call(self, x, 0)'
      : `Float64Array.from({ length: ${byOutput} }, (_, j) => f.call(self, x, j))`;
  const text = `${functionTexts(host)}const self = { constants: ${constantText(constants)} };
const f = ${standAlone(source)};
export default { kind: 'pointwise', evaluate: (x) => ${call} };
`;
  return `data:text/javascript;charset=utf-8,${encodeURIComponent(text)}`;
}

function functionTexts({ functions }: HostKernel): string {
  return [...functions].map(([name, source]) => `const ${name} = ${standAlone(source)};\n`).join('');
}

function constantText(constants: KernelConstants): string {
  const parts = Object.entries(constants).map(
    ([name, value]) => `[${JSON.stringify(name)}]: ${textOf(value)}`,
  );
  return `{ ${parts.join(', ')} }`;
}

function textOf(value: KernelConstant): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  return `[${Array.from(value as ArrayLike<KernelConstant>, textOf).join()}]`;
}
