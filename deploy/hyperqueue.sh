#!/bin/bash
# A run in a folder by HyperQueue, which needs no rights and starts tasks in less than a millisecond:
#   deploy/hyperqueue.sh models/flood.ts models 1000
# Workers of HyperQueue come from `hq alloc add slurm --time-limit 1h -- --partition=...`.
set -euo pipefail
model=${1:?model file} models=${2:?folder of the models} wanted=${3:-128} run=${4:-run}
shards=$(ensample plan "$model" -o "$run" --models "$models" --shards "$wanted" --quiet)
hq submit --name ensample --array "0-$((shards - 1))" --crash-limit 5 --wait -- ensample shard "$run" --models "$models"
ensample merge "$run" --models "$models"
