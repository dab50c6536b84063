import type { OutputIndices, SobolResult } from '../../estimators/index.ts';
import type { Paint } from './color.ts';
import { printable } from './text.ts';

/** How wide, in which characters and colours text is set. */
export interface Look {
  readonly width: number;
  /** UTF-8 may be used: solid bars and the plus-minus sign. */
  readonly utf8: boolean;
  readonly paint: Paint;
}

/** What a module says about an output. */
export interface OutputText {
  readonly unit?: string;
  readonly label?: string;
}

/** Outputs shown one by one; of more, five spread over the list stand for the rest. */
const MOST_OUTPUTS = 6;
const SHOWN_OUTPUTS = 5;

/** The outputs that are shown, the aggregate first, and how many are not. */
export function shownOutputs(result: SobolResult): { shown: readonly OutputIndices[]; hidden: number } {
  const all = result.outputs;
  if (result.aggregated === undefined) return { shown: all, hidden: 0 };
  if (all.length <= MOST_OUTPUTS) return { shown: [result.aggregated, ...all], hidden: 0 };
  const chosen = Array.from(
    { length: SHOWN_OUTPUTS },
    (_, i) => all[Math.round((i * (all.length - 1)) / (SHOWN_OUTPUTS - 1))]!,
  );
  return { shown: [result.aggregated, ...chosen], hidden: all.length - SHOWN_OUTPUTS };
}

/** 'overflow', or 'all 3 outputs together' for the aggregate. */
export function outputTitle(result: SobolResult, indices: OutputIndices): string {
  return indices === result.aggregated
    ? `all ${result.outputs.length} outputs together`
    : printable(indices.name);
}
