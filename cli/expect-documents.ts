import type { ExpectationsResult } from '../estimators/index.ts';
import { csvText, finite, indexDocument, nameCell, numberCell } from './documents.ts';

/** What `--json` prints, with full precision, ending in a newline. A number that does not exist is null. */
export function expectationsJson(result: ExpectationsResult, interrupted: boolean): string {
  const { provenance, diagnostics, design, sample } = result;
  const n = sample.shape[0]!;
  const document = {
    method: 'expectations',
    version: provenance.version,
    seed: provenance.seed,
    backend: provenance.backend,
    evaluations: diagnostics.evaluations,
    points: diagnostics.done,
    finalPoints: result.unbiased ? n : 0,
    replicates: Math.floor(n / design.perReplicate),
    level: result.estimate.level,
    interrupted,
    unbiased: result.unbiased,
    ...expectationsPart(result),
    failed: result.failed,
    failures: result.failures.map(({ index, input, reason }) => ({
      point: index,
      input: Array.from(input, finite),
      reason,
    })),
    warnings: diagnostics.warnings,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** The expectations, functionals and stages of a result, as a part of a document. */
export function expectationsPart(result: ExpectationsResult): Readonly<Record<string, unknown>> {
  const { estimate, covariance, functionals, diagnosticsOf, stages } = result;
  const J = estimate.names.length;
  return {
    expectations: {
      ...indexDocument(estimate),
      status: diagnosticsOf.map(({ status }) => status),
      effectivePoints: diagnosticsOf.map(({ ess }) => finite(ess)),
      paretoShape: diagnosticsOf.map(({ paretoShape }) => finite(paretoShape)),
      largestShare: diagnosticsOf.map(({ largestShare }) => finite(largestShare)),
      varianceRatio: diagnosticsOf.map(({ varianceRatio }) => finite(varianceRatio)),
    },
    covariance: Array.from({ length: J }, (_, j) =>
      Array.from(covariance.subarray(j * J, (j + 1) * J), finite),
    ),
    functionals: indexDocument(functionals),
    stages: stages.map(({ points, loss, share, certificate }) => ({
      points,
      loss: finite(loss),
      share: Array.from(share, finite),
      certificate: finite(certificate),
    })),
  };
}

/** Expectations and functionals as CSV, one a row. NaN is an empty cell. */
export function expectationsCsv({ estimate, functionals, diagnosticsOf }: ExpectationsResult): string {
  const rows: (string | number)[][] = [
    ['kind', 'name', 'value', 'standardError', 'low', 'high', 'level', 'status', 'effectivePoints'].concat([
      'paretoShape',
      'largestShare',
      'varianceRatio',
    ]),
  ];
  for (const [kind, found] of [
    ['expectation', estimate],
    ['functional', functionals],
  ] as const) {
    found.names.forEach((name, i) => {
      const numbers = [found.value, found.standardError, found.low, found.high].map((x) => numberCell(x[i]!));
      const told = kind === 'expectation' ? diagnosticsOf[i] : undefined;
      const more =
        told === undefined
          ? ['', '', '', '', '']
          : [
              told.status,
              ...[told.ess, told.paretoShape, told.largestShare, told.varianceRatio].map(numberCell),
            ];
      rows.push([kind, nameCell(name), ...numbers, found.level, ...more]);
    });
  }
  return csvText(rows);
}
