import { killing } from './killing.ts';
import { metropolis } from './metropolis.ts';
import { multinomial } from './multinomial.ts';
import { rejection } from './rejection.ts';
import { residual } from './residual.ts';
import type { ResamplingScheme, SchemeName } from './scheme.ts';
import { ssp } from './ssp.ts';
import { stratified } from './stratified.ts';
import { systematic } from './systematic.ts';

/** All resampling schemes by name. The default is systematic; see each file for when another one is better. */
export const RESAMPLING_SCHEMES: Readonly<Record<SchemeName, ResamplingScheme>> = {
  multinomial,
  residual,
  stratified,
  systematic,
  ssp,
  killing,
  rejection,
  metropolis,
};

export const SCHEME_NAMES: readonly SchemeName[] = [
  'multinomial',
  'residual',
  'stratified',
  'systematic',
  'ssp',
  'killing',
  'rejection',
  'metropolis',
];
