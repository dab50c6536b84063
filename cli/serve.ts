import {
  type DensityWithGradient,
  inputSpace,
  type ModelServer,
  moduleModel,
  type ServeOptions,
  serveModel,
} from '../estimators/index.ts';
import { type Flags, flagText, readInteger, readName } from './flag-values.ts';
import { count } from './format/number.ts';
import { wrap } from './format/text.ts';
import { counted } from './format/words.ts';
import { loadModelFile, loadModuleProblem, type ModelFile } from './model-file.ts';
import { chosenBackend } from './model-run.ts';
import { BACKENDS } from './settings.ts';
import type { Terminal } from './terminal.ts';

const WHERE = 'ensample serve';

/** Milliseconds that requests under way get at the end; the longest that batch systems usually wait is 30 s. */
const GRACE = 20_000;

/**
 * `ensample serve MODEL`: the model or log density of a module over HTTP, by UM-Bridge 1.0, until Ctrl-C or SIGTERM. Its
 * address goes to stdout. Resolves to the exit code.
 */
export async function serve(path: string, flags: Flags, { out, err }: Terminal): Promise<number> {
  const port = readInteger(WHERE, 'port', flagText(flags, 'port'), 0, 65_535, '4242');
  const threads = readInteger(WHERE, 'threads', flagText(flags, 'threads'), 1, 1024, '2');
  const backend = readName(WHERE, 'backend', flagText(flags, 'backend'), BACKENDS);
  const [host, name, allowOrigin] = ['host', 'name', 'allowOrigin'].map((flag) => flagText(flags, flag));
  const model = await loadModelFile(WHERE, path);
  const chosen = await chosenBackend({ backend, threads, allowSoftware: flags.allowSoftwareGpu === true });
  const server = await serveModel({
    ...(await servedOf(path, model)),
    backend: chosen,
    ...(port === undefined ? {} : { port }),
    ...(host === undefined ? {} : { host }),
    ...(name === undefined ? {} : { name }),
    ...(allowOrigin === undefined ? {} : { allowOrigin }),
  });
  out.write(`${server.url}\n`);
  const say = (line: string): void => {
    if (flags.quiet !== true) err.write(`${wrap(line, err.look.width)}\n`);
  };
  say(startLine(model.file, server));
  if (host !== undefined && !isLoopback(host))
    say(`Everybody who reaches port ${new URL(server.url).port} of this machine may call it.`);
  await stopAsked();
  say('Ending ... requests under way are answered first (Ctrl-C again quits at once).');
  await server.close(GRACE);
  const { evaluated, failed } = server.counts;
  say(`Evaluated ${counted(evaluated, count(evaluated), 'point')}, ${count(failed)} failed.`);
  await chosen.dispose();
  return 0;
}

/** The default export as what can be served; how many numbers a model returns is tried at the medians of its inputs. */
async function servedOf(path: string, model: ModelFile): Promise<ServeOptions> {
  const space = inputSpace(model.file, model.inputs, model.dependence);
  const { names: inputs, dimension } = space;
  // Loaded once already, so this only looks.
  const { model: exported } = await loadModuleProblem(WHERE, path);
  if (isDensity(exported)) return { logDensity: exported, inputs };
  const medians = new Float64Array(dimension).fill(0.5);
  space.transport(medians, medians, 1);
  const outputs = model.outputs === undefined ? { probe: medians } : { outputs: model.outputs };
  return { model: model.kernel ?? moduleModel(model.url!), inputs, ...outputs };
}

function isDensity(value: unknown): value is DensityWithGradient {
  if (value === null || typeof value !== 'object') return false;
  const { logDensity, gradient } = value as Partial<DensityWithGradient>;
  return typeof logDensity === 'function' && typeof gradient === 'function';
}

/** 'Serving flood.ts by UM-Bridge 1.0 as forward: 8 inputs, 1 output. Ctrl-C ends it.' */
function startLine(file: string, { name, inputSizes, outputSizes, gradient }: ModelServer): string {
  const total = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + size, 0);
  const [d, k] = [total(inputSizes), total(outputSizes)];
  const what = [
    counted(d, count(d), 'input'),
    counted(k, count(k), 'output'),
    ...(gradient ? ['gradient'] : []),
  ];
  return `Serving ${file} by UM-Bridge 1.0 as ${name}: ${what.join(', ')}. Ctrl-C ends it.`;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** Resolves at the first SIGINT or SIGTERM; the second ends the process. */
function stopAsked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
