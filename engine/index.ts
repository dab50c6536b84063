export { type DecodedState, decodeState, encodeState, type StateArray } from './array/codec.ts';
export { type View, view } from './array/view.ts';
export { AUTO_CARD_EVALUATIONS } from './backend/auto-card.ts';
export type { Arena, Backend, Card, KernelCall } from './backend/backend.ts';
export {
  type BackendChoice,
  type BackendRow,
  chooseBackend,
  defaultBackend,
  describeBackends,
} from './backend/choose.ts';
export type * from './backend/gpu/types.ts';
export { type GpuOptions, gpuBackend, openGpu } from './backend/gpu.ts';
export { type HostOptions, hostBackend } from './backend/host.ts';
export { jsBackend } from './backend/js.ts';
export type {
  BoundKernel,
  GpuJsFunction,
  GpuJsMode,
  GpuKernel,
  KernelCode,
  KernelConstant,
  KernelConstants,
} from './backend/kernel/types.ts';
export {
  bindKernel,
  type GpuKernelOptions,
  gpuJsFunction,
  gpuKernel,
  type KernelFunction,
  type KernelHelper,
  kernelCode,
} from './backend/user-kernel.ts';
export { gatherRows as gatherRowsShader } from './backend/wgsl/gather.ts';
export { type CardMixture, mixtureKernel, mixtureScoreShader } from './backend/wgsl/mixture.ts';
export {
  kernelMoveShader,
  type MoveParam,
  type NoiseShape,
  normalMoveShader,
} from './backend/wgsl/moves.ts';
export { normals as normalsShader } from './backend/wgsl/normal.ts';
export type { CardProgram, PointFunction } from './backend/wgsl/program.ts';
export { nearestName } from './check.ts';
export type { Cluster, ClusterProgress } from './cluster/types.ts';
export {
  autocovariance,
  type ChainMemory,
  type Chains,
  chainMemory,
  splitRHat,
} from './diagnostics/autocorrelation.ts';
export {
  type ChainMeans,
  type ChainVariance,
  chainMeans,
  chainsTooShort,
  type LongRunVariance,
  logNormalizerStepVariance,
  longRunVariance,
} from './diagnostics/chain-variance.ts';
export { combinedLogNormalizer } from './diagnostics/combined-normalizer.ts';
export { essOfFunction } from './diagnostics/effective-size.ts';
export {
  type Families,
  type LagError,
  type LogNormalizerVariance,
  type MeanError,
  relativeVariance,
  standardErrorOfMean,
  varianceOfLogNormalizer,
} from './diagnostics/genealogy-variance.ts';
export { type ParetoTail, paretoSmooth, type TailReading } from './diagnostics/pareto.ts';
export {
  chiSquareTest,
  kolmogorovSmirnov,
  serialCorrelation,
  type TestResult,
} from './diagnostics/randomness.ts';
export {
  batchMean,
  type Coverage,
  coverage,
  type Interval,
  type MeanAndError,
  normalInterval,
  replicateMean,
  studentInterval,
} from './diagnostics/standard-error.ts';
export { type WeightDiagnostics, weightDiagnostics } from './diagnostics/weight-diagnostics.ts';
export { empiricalDenoiser } from './diffusion/analytic/empirical-denoiser.ts';
export { gaussianDenoiser, mixtureDenoiser, type NormalLaw } from './diffusion/analytic/mixture-denoiser.ts';
export type * from './diffusion/analytic-target.ts';
export { exactTarget } from './diffusion/analytic-target.ts';
export type * from './diffusion/denoiser.ts';
export { type Grid, type GridPoint, gridPoint, gridPointAt } from './diffusion/grid.ts';
export * from './diffusion/grids.ts';
export type { NetworkTime } from './diffusion/network-time.ts';
export {
  type OnnxDenoiser,
  type OnnxDenoiserOptions,
  type OnnxGuidance,
  onnxDenoiser,
} from './diffusion/onnx-denoiser.ts';
export type { OnnxCondition, OnnxConditions, OnnxNames } from './diffusion/onnx-inputs.ts';
export { type OpenDenoiserOptions, openDenoiser } from './diffusion/open-denoiser.ts';
export * from './diffusion/preconditioned.ts';
export { convert } from './diffusion/prediction.ts';
export * from './diffusion/quadrature-target.ts';
export * from './diffusion/reference-flow.ts';
export type * from './diffusion/reward.ts';
export { linearReward, quadraticReward } from './diffusion/reward.ts';
export type { NoiseSchedule } from './diffusion/schedule.ts';
export { scheduler } from './diffusion/scheduler.ts';
export type * from './diffusion/scheduler-types.ts';
export * from './diffusion/schedules.ts';
export * from './diffusion/solver/adams-bashforth.ts';
export * from './diffusion/solver/adaptive-dpm.ts';
export { dpmSolverPlusPlus2sAncestral } from './diffusion/solver/ancestral.ts';
export * from './diffusion/solver/compensation-search.ts';
export * from './diffusion/solver/dc-solver.ts';
export { ddim } from './diffusion/solver/ddim.ts';
export { ddpm } from './diffusion/solver/ddpm.ts';
export * from './diffusion/solver/dpm-solver.ts';
export * from './diffusion/solver/driver.ts';
export * from './diffusion/solver/edm-stochastic.ts';
export { analyticFirstStep, finalDenoise } from './diffusion/solver/ends.ts';
export { eulerMaruyama } from './diffusion/solver/euler-maruyama.ts';
export { DETERMINISTIC_INTEGRATORS, STOCHASTIC_INTEGRATORS } from './diffusion/solver/integrators.ts';
export type { MachineSetting, NoiseSupply } from './diffusion/solver/machine.ts';
export type { Start } from './diffusion/solver/multistep.ts';
export * from './diffusion/solver/predictor-corrector.ts';
export { pfEuler } from './diffusion/solver/probability-flow.ts';
export type * from './diffusion/solver/program.ts';
export {
  type HeunOptions,
  heun,
  type RungeKuttaOptions,
  rungeKutta,
} from './diffusion/solver/runge-kutta.ts';
export * from './diffusion/solver/sde-dpm-solver.ts';
export type { SolverType } from './diffusion/solver/singlestep.ts';
export {
  type DerivativeRelaxation,
  type DerivativeRule,
  type SolverRecord,
  solverSchedule,
  type TaylorRule,
} from './diffusion/solver/solver-schedule.ts';
export * from './diffusion/solver/solver-search.ts';
export {
  type DataMoments,
  type Teleport,
  teleport,
  teleportErrors,
  teleportPoint,
} from './diffusion/solver/teleport.ts';
export * from './diffusion/solver/thresholding.ts';
export * from './diffusion/solver/time-shift.ts';
export * from './diffusion/solver/uni-pc.ts';
export * from './diffusion/table-schedules.ts';
export { beta } from './distribution/beta.ts';
export { binomial } from './distribution/binomial.ts';
export { categorical } from './distribution/categorical.ts';
export { discreteUniform } from './distribution/discrete-uniform.ts';
export { empirical } from './distribution/empirical.ts';
export { exponential } from './distribution/exponential.ts';
export { gamma } from './distribution/gamma.ts';
export {
  type GaussianCopula,
  gaussianCopula,
  type NamedCorrelation,
} from './distribution/gaussian-copula.ts';
export { gumbel } from './distribution/gumbel.ts';
export { type Dependence, type InputSpace, type Inputs, inputSpace } from './distribution/inputs.ts';
export { type Law, upperQuantile } from './distribution/law.ts';
export { logNormal, logNormalFromMean } from './distribution/log-normal.ts';
export { logUniform } from './distribution/log-uniform.ts';
export { mixture } from './distribution/mixture.ts';
export { independent, type MultivariateLaw, type Rows } from './distribution/multivariate.ts';
export { densityMixture, multivariateMixture } from './distribution/multivariate-mixture.ts';
export { multivariateNormal } from './distribution/multivariate-normal.ts';
export { multivariateStudent } from './distribution/multivariate-student.ts';
export { normal } from './distribution/normal.ts';
export {
  type MixtureParameters,
  mixtureNumbers,
  mixtureParameters,
  type NormalMixture,
} from './distribution/normal-mixture.ts';
export { pareto } from './distribution/pareto.ts';
export { type Perturbation, type PerturbationSpace, perturbed } from './distribution/perturbed.ts';
export { poisson } from './distribution/poisson.ts';
export { type DrawAddress, drawLaw, drawPoints } from './distribution/sample.ts';
export { studentT } from './distribution/student-t.ts';
export { triangular } from './distribution/triangular.ts';
export { truncated } from './distribution/truncated.ts';
export { uniform } from './distribution/uniform.ts';
export { weibull } from './distribution/weibull.ts';
export * from './errors.ts';
export { type ComponentwiseOptions, componentwise } from './kernel/componentwise.ts';
export { type HmcOptions, hmc } from './kernel/hmc.ts';
export { type IndependentMovesOptions, independentMoves } from './kernel/independent.ts';
export {
  above,
  type ChainAddress,
  type ChainStates,
  type DensityRows,
  type KernelChoice,
  type KernelContext,
  type KernelNeeds,
  type MarkovKernel,
  type MoveOutcome,
  type MovePopulation,
  type MoveTarget,
  tempered,
} from './kernel/kernel.ts';
export type { KernelOptions } from './kernel/kernel-options.ts';
export { lawGradient } from './kernel/law-gradient.ts';
export { type MalaOptions, mala } from './kernel/mala.ts';
export { type PcnOptions, pcn } from './kernel/pcn.ts';
export { type RandomWalkOptions, randomWalk } from './kernel/random-walk.ts';
export {
  checkMoveCount,
  type MoveCount,
  type MoveRule,
  movesToReach,
  type RepeatOutcome,
  type Repetition,
  repeatMoves,
} from './kernel/repeat.ts';
export { cached } from './model/cached.ts';
export type { Event } from './model/event.ts';
// Not openLogDensity: with it every bundle of the engine would load the parser of user kernels at once.
export type {
  DensityWithGradient,
  LogDensity,
  LogDensityOptions,
  LogDensitySource,
} from './model/log-density.ts';
export type { MissingPolicy } from './model/missing.ts';
export {
  batch,
  type Model,
  type ModelLike,
  moduleModel,
  type NamedFn,
  named,
  type PointFn,
  type PointValue,
  pointwise,
  type RemoteConnection,
  type RemoteModel,
  type RemoteTrouble,
} from './model/model.ts';
export { checkGradient, type NumericGradientOptions, numericGradient } from './model/numeric-gradient.ts';
export {
  type OnnxArray,
  type OnnxNetwork,
  type OnnxOptions,
  type OnnxRuntime,
  type OnnxSession,
  type OnnxValue,
  onnxNetwork,
} from './model/onnx.ts';
export { type UmBridgeOptions, umBridge } from './model/um-bridge/client.ts';
export type { CardDynamics, DrawOptions, PotentialOptions } from './particles/card-dynamics.ts';
export {
  type CardFieldSpec,
  type CardFieldSpecs,
  type CardFields,
  makeCardFields,
} from './particles/card-fields.ts';
export type { CardMetropolis, MetropolisOptions } from './particles/card-metropolis.ts';
export type {
  CardMoves,
  LangevinOptions,
  MoveAddress,
  TransitionOptions,
  WalkOptions,
} from './particles/card-moves.ts';
export type { Noise } from './particles/card-noise.ts';
export { type CardParticles, type CardParticlesOptions, cardParticles } from './particles/card-particles.ts';
export {
  type CardResampler,
  type CardResamplerOptions,
  type CardScheme,
  makeCardResampler,
} from './particles/card-resampler.ts';
export type { CardFunction } from './particles/card-target.ts';
export { ancestorsBack, distinctCount, offspringCounts } from './particles/genealogy.ts';
export { type CurveOrder, makeHilbertOrder } from './particles/hilbert-order.ts';
export {
  type Frame,
  type History,
  type HistoryOptions,
  type HistoryRecord,
  historyBytes,
  makeHistory,
} from './particles/history.ts';
export type { SavedHistory } from './particles/history-state.ts';
export { permuteInPlace } from './particles/in-place.ts';
export { type IntegerWeights, integerWeights, quantise } from './particles/integer-weights.ts';
export {
  conditionalEss,
  ess,
  essOf,
  largestWeight,
  logMeanExp,
  logMeanOf,
  logSumExp,
  logSumOf,
  normalizedWeight,
  perplexity,
  type WeightSummary,
} from './particles/log-weight.ts';
export {
  type Moments,
  type MomentsOptions,
  makeMoments,
  type WeightedMoments,
  weightedMean,
  weightedMoments,
} from './particles/moments.ts';
export {
  type FieldArray,
  type FieldSpec,
  type FieldSpecs,
  makeParticles,
  type Particles,
  type ParticlesOptions,
} from './particles/particles.ts';
export { makePathTree, type PathTree, type PathTreeState } from './particles/path-tree.ts';
export { type Resampled, type ResampleOptions, resample } from './particles/resample.ts';
export { type DrawAt, makeResampler, type Resampler, type ResamplerOptions } from './particles/resampler.ts';
export { independentAncestors } from './particles/resampling/multinomial.ts';
export type { Drawing, ResamplingScheme, SchemeName } from './particles/resampling/scheme.ts';
export { RESAMPLING_SCHEMES } from './particles/resampling/schemes.ts';
export type * from './particles/smc/feynman-kac.ts';
export { checkSmcMemory, type SmcSize, smcBytes } from './particles/smc/memory.ts';
export { makeSmc } from './particles/smc/smc.ts';
export type { Smc, SmcOptions, SmcRunState } from './particles/smc/types.ts';
export { type TemperingOptions, type TemperingStep, temperingStep } from './particles/tempering.ts';
export type { TriggerMeasure, TriggerOptions } from './particles/trigger.ts';
export { loadModule } from './pool/module.ts';
export { SOBOL_DIMENSIONS } from './random/directions.ts';
export { latinHypercube } from './random/latin-hypercube.ts';
export { lattice } from './random/lattice.ts';
export {
  antithetic,
  iid,
  isPowerOfTwo,
  type NamedPointSetOptions,
  neighbouringPowers,
  openPointSet,
  type PointSetName,
} from './random/point-set.ts';
export type { FixedPointSetOptions, PointBackend, PointSet, PointSetOptions } from './random/point-types.ts';
export { PURPOSE, TAG } from './random/purpose.ts';
export { type Address, type Rng, rngFromSeed, type Stream } from './random/rng.ts';
export { type SobolPointsOptions, type SobolScramble, sobolPoints } from './random/sobol.ts';
export { iterate, type Progress, type RunOptions, resume, run } from './run.ts';
export type { Context, Ending, Info, Provenance, Result, Sample, Sampler, Step } from './sampler.ts';
export { cite } from './sampler.ts';
export type { ClusterOptions, MaybeSharded, ModelMethod, Shards } from './sharded.ts';
export type * from './types.ts';
export { VERSION } from './version.ts';
