import type { ExpectationsResult, SobolResult, Warning } from '../../estimators/index.ts';

/** How one input is described. */
export interface InputNote {
  readonly name: string;
  /** What `law.describe()` says: 'triangular on [49, 51], mode 50'. */
  readonly law: string;
  readonly unit?: string;
}

/** How one output is described; `name` is the one in `result.outputs`. */
export interface OutputNote {
  readonly name: string;
  /** Longer words for titles and axes. Default: the name. */
  readonly label?: string;
  /** Never guessed: printed only where given. */
  readonly unit?: string;
}

/** Says that the outputs are one quantity along an axis (time, place), in the order of `result.outputs`. */
export interface SeriesNote {
  /** Name of the quantity: 'water level'. */
  readonly name: string;
  readonly unit?: string;
  /** Name of the axis: 'time'. */
  readonly axis: string;
  readonly axisUnit?: string;
  /** Position of each output on the axis, increasing; as many as `result.outputs`. */
  readonly at: readonly number[];
}

/** What every report shows beside its numbers. */
export interface ReportFrame {
  /** Base name of the model file, never a path: 'flood.ts'. */
  readonly model: string;
  /** Hash of the model file, hexadecimal; undefined when there is no file to hash. */
  readonly modelHash: string | undefined;
  /** One grey line: 'flood.ts, 8 inputs, 16 384 points in 8 scrambles, seed 7'. */
  readonly settings: string;
  /** Generated sentences, the ones the terminal prints too; plain text. */
  readonly lead: readonly string[];
  readonly warnings: readonly Warning[];
  /** In column order. */
  readonly inputs: readonly InputNote[];
  /** The command that gives these numbers again. */
  readonly command: string;
  /** Milliseconds. */
  readonly elapsed: number;
  /** The document `--csv` writes. */
  readonly csv: string;
  /** The document `--json` prints. */
  readonly json: string;
}

/** Everything a report of Sobol' indices shows; the rest (seed, backend, precision, version) is in `result`. */
export interface ReportInput extends ReportFrame {
  readonly result: SobolResult;
  /** In the order of `result.outputs`. */
  readonly outputs: readonly OutputNote[];
  readonly series?: SeriesNote;
  /** Half-width the run was asked to reach (`--until`), drawn as a line. */
  readonly target?: number;
}

/** Everything a report of expectations shows. */
export interface ExpectationsReport extends ReportFrame {
  readonly result: ExpectationsResult;
  readonly interrupted: boolean;
  readonly design: 'sobol' | 'iid';
  /** [J] 'event', 'function', or the name of the output that is averaged. */
  readonly kinds: readonly string[];
  /** [J] units where they are known. */
  readonly units: readonly (string | undefined)[];
  /** Laws beside that of the inputs, and what each says of them. */
  readonly laws: readonly { readonly name: string; readonly changes: readonly string[] }[];
}
