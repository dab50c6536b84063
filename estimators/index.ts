export * from '../engine/cluster/evaluate-points.ts';
export * from '../engine/index.ts';
export { type ModelServer, type ServeOptions, serveModel } from '../engine/model/um-bridge/server.ts';
export {
  type Corrected,
  type CorrectedRows,
  type Correction,
  type CorrectOptions,
  correct,
  type GuidedStep,
} from './corrector/correct.ts';
export { corrector } from './corrector/corrector.ts';
export {
  anneal,
  type CorrectorFactor,
  guide,
  product,
  type RewardTiltOptions,
  reward,
} from './corrector/presets.ts';
export { type ReverseDiffusionState, reverseDiffusion } from './corrector/reverse-diffusion.ts';
export type * from './corrector/reverse-types.ts';
export { richardson } from './corrector/richardson.ts';
export type { CorrectorState } from './corrector/state.ts';
export type { SteeringState } from './corrector/steering/open-chain.ts';
export type { Shift } from './corrector/steering/plan.ts';
export { type SteeringOptions, steering } from './corrector/steering/steering.ts';
export { type SvddOptions, svdd } from './corrector/steering/svdd.ts';
export {
  type DasOptions,
  type DpsOptions,
  das,
  dps,
  type TwistedOptions,
  twisted,
} from './corrector/steering/twisted.ts';
export type * from './corrector/steering/types.ts';
export { type BestOfOptions, bestOf, importanceAtEnd } from './corrector/steering/unguided.ts';
export type * from './corrector/types.ts';
export { denoisingMcmc } from './denoising/denoising-mcmc.ts';
export type { LevelHistory } from './denoising/diagnostics.ts';
export * from './denoising/level-calibration.ts';
export type {
  NoisedDensityChain,
  NoisedDensityOptions,
  NoisedDensityResult,
} from './denoising/noised-density.ts';
export { noisedDensityMcmc } from './denoising/noised-density-mcmc.ts';
export type { NoisedDensityState } from './denoising/noised-density-run.ts';
export type { DenoisingMcmcState } from './denoising/state.ts';
export type * from './denoising/types.ts';
export { controlVariates } from './importance/controls/control-variates.ts';
export type * from './importance/controls/control-variates-types.ts';
export {
  type ControlledMean,
  type ControlledMeanOptions,
  controlledMean,
} from './importance/controls/controlled-mean.ts';
export { crossEntropy } from './importance/cross-entropy/cross-entropy.ts';
export type * from './importance/cross-entropy/cross-entropy-types.ts';
export { expectations } from './importance/expectations/expectations.ts';
export type { ExpectationsState } from './importance/expectations/state.ts';
export type * from './importance/expectations/types.ts';
export { lawImpact } from './importance/laws/law-impact.ts';
export type * from './importance/laws/law-impact-types.ts';
export { reweight } from './importance/laws/reweight.ts';
export type * from './importance/laws/reweight-types.ts';
export { multilevel } from './importance/multilevel/multilevel.ts';
export type * from './importance/multilevel/multilevel-types.ts';
export { monteCarlo } from './importance/plain/monte-carlo.ts';
export type { MonteCarloOptions, MonteCarloResult } from './importance/plain/monte-carlo-types.ts';
export { adaptiveMultiple } from './importance/sampling/adaptive-multiple.ts';
export type { AdaptiveMultipleOptions } from './importance/sampling/adaptive-multiple-plan.ts';
export type { WeighedOptions } from './importance/sampling/importance-plan.ts';
export {
  type ImportanceSamplingOptions,
  importanceSampling,
} from './importance/sampling/importance-sampling.ts';
export type * from './importance/sampling/importance-types.ts';
export type { TargetOptions } from './importance/sampling/target.ts';
export { importanceSobol } from './importance/sobol/sobol.ts';
export type * from './importance/sobol/sobol-types.ts';
export { stratified } from './importance/strata/stratified.ts';
export type * from './importance/strata/stratified-types.ts';
export type { PointExpectation, PointExpectations } from './importance/weighted/point-functions.ts';
export {
  type TailMoments,
  type TailMomentsOptions,
  type TailOptions,
  tailMoments,
  weightedQuantile,
} from './importance/weighted/tail-moments.ts';
export type { WeightedEstimator, WeightedMean } from './importance/weighted/weighted-means.ts';
export type { PointDesign, WeightedResult } from './importance/weighted/weighted-result.ts';
export { type IslandsState, islands } from './islands/islands.ts';
export type * from './islands/types.ts';
export { type AskOptions, type SobolDesign, sobolAnalyze, sobolDesign } from './sensitivity/ask-tell.ts';
export {
  fromSalib,
  parseSalib,
  type SalibInputs,
  type SalibProblem,
  type SalibSource,
} from './sensitivity/salib.ts';
export { sobolIndices } from './sensitivity/sobol-indices.ts';
export type * from './sensitivity/types.ts';
export { auxiliary } from './smc/filter/auxiliary.ts';
export { bootstrap } from './smc/filter/bootstrap.ts';
export { filterBatch } from './smc/filter/filter-batch.ts';
export type * from './smc/filter/filter-types.ts';
export { guided } from './smc/filter/guided.ts';
export type { ObservationSeries } from './smc/filter/observations.ts';
export { type OnlineFilter, type OnlineFilterOptions, onlineFilter } from './smc/filter/online-filter.ts';
export { particleFilter } from './smc/filter/particle-filter.ts';
export { conditionalSmc } from './smc/mcmc/conditional-smc.ts';
export type {
  ConditionalSmcOptions,
  ConditionalSmcResult,
  ParticleGibbsOptions,
  ParticleGibbsResult,
  PathChainOptions,
  StartParameters,
} from './smc/mcmc/gibbs-types.ts';
export type { ModelOptions } from './smc/mcmc/parameter-models.ts';
export type { DrawParameters } from './smc/mcmc/parameter-update.ts';
export { particleGibbs } from './smc/mcmc/particle-gibbs.ts';
export type { SmoothedPath } from './smc/mcmc/path-record.ts';
export type { ConditionalVariant } from './smc/mcmc/path-updater.ts';
export { pmmh } from './smc/mcmc/pmmh.ts';
export type { LikelihoodNoise, PmmhOptions, PmmhResult } from './smc/mcmc/pmmh-types.ts';
export { smcSquared } from './smc/mcmc/smc-squared.ts';
export type { SmcSquaredOptions, SmcSquaredPath, SmcSquaredResult } from './smc/mcmc/smc-squared-types.ts';
export {
  type KalmanFilter,
  type KalmanSmoother,
  kalmanFilter,
  kalmanSmoother,
} from './smc/models/kalman.ts';
export {
  type KernelStateSpace,
  type KernelStateSpaceOptions,
  kernelStateSpace,
} from './smc/models/kernel-state-space.ts';
export {
  type LinearGaussian,
  type LinearGaussianMatrices,
  type LinearGaussianOptions,
  linearGaussian,
} from './smc/models/linear-gaussian.ts';
export {
  type LogisticRegression,
  type LogisticRegressionOptions,
  logisticRegression,
} from './smc/models/logistic-regression.ts';
export type { MatrixLike, VectorLike } from './smc/models/matrices.ts';
export { optimalLookahead, optimalProposal } from './smc/models/optimal-proposal.ts';
export { type PerParticleOptions, perParticle } from './smc/models/per-particle.ts';
export {
  type StochasticVolatility,
  type StochasticVolatilityOptions,
  stochasticVolatility,
} from './smc/models/stochastic-volatility.ts';
export {
  type DynamicSplittingOptions,
  dynamicSplitting,
  type PathProcess,
} from './smc/rare/dynamic-splitting.ts';
export { type LastParticleOptions, lastParticle } from './smc/rare/last-particle.ts';
export { type SplittingOptions, splitting } from './smc/rare/splitting.ts';
export type * from './smc/rare/types.ts';
export {
  type IbisOptions,
  type IbisResult,
  ibis,
  type TermsFn,
  type TermsWithGradient,
} from './smc/samplers/ibis.ts';
export type { LikelihoodOptions } from './smc/samplers/likelihood.ts';
export {
  type PersistentOptions,
  type PersistentResult,
  persistentSampler,
} from './smc/samplers/persistent-sampler.ts';
export type { Prior } from './smc/samplers/prior.ts';
export { type SmcSamplerOptions, type SmcSamplerResult, smcSampler } from './smc/samplers/smc-sampler.ts';
export type * from './smc/samplers/types.ts';
export type { AdditiveFunctional } from './smc/smoothing/additive-functional.ts';
export type { AdditiveMethod, AdditiveOptions } from './smc/smoothing/additive-plan.ts';
export { type AdditiveResult, additiveSmoother } from './smc/smoothing/additive-smoother.ts';
export { particleSmoother } from './smc/smoothing/particle-smoother.ts';
export type { ReversedModel } from './smc/smoothing/reversed-model.ts';
export type * from './smc/smoothing/smoother-types.ts';
export type { TwoFilterResult } from './smc/smoothing/two-filter-answer.ts';
export type { TwoFilterOptions } from './smc/smoothing/two-filter-plan.ts';
export { twoFilterSmoother } from './smc/smoothing/two-filter-smoother.ts';
export type * from './smc/state-space.ts';
export { type DiffusionChainOptions, diffusionChain, type TreeGuidance } from './tree/diffusion-chain.ts';
export { type DrawnLeaves, drawLeaves } from './tree/draw.ts';
export type { TreeForest } from './tree/forest.ts';
export { treeSampler } from './tree/tree-sampler.ts';
export type * from './tree/types.ts';
