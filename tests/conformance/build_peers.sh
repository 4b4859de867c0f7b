#!/usr/bin/env bash
# Builds the environments in which the original filters run: build_peers.sh DIRECTORY
#
# Three, because their requirements exclude each other: DIRECTORY/datatrove (datatrove 0.10.1 with spaCy, and the files
# of NeMo Curator and TensorFlow Datasets that the filters are in, without what those packages require),
# DIRECTORY/datatrove-2024 (0.2.0, the filters that made FineWeb), DIRECTORY/dolma. About 1.5 GB and two minutes.
# Needs a package index and nothing else: NLTK's Punkt model is taken from a wheel that carries it.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: $0 DIRECTORY" >&2; exit 2; }
mkdir -p "$1"
cd "$1"
python=${PYTHON:-python3.11}

$python -m venv tools
tools/bin/pip install --quiet --disable-pip-version-check uv
for name in datatrove datatrove-2024 dolma; do
  [ -d "$name" ] || $python -m venv "$name"
done
install() { local name=$1; shift; tools/bin/uv pip install --quiet --python "$name/bin/python" "$@"; }

install datatrove datatrove==0.10.1 spacy==3.8.18 nltk==3.9.1 regex uniseg==0.10.1 fasttext-community==0.11.9
install datatrove --no-deps nemo-curator==1.4.0 tensorflow-datasets==4.9.10
install datatrove-2024 datatrove==0.2.0 nltk==3.9.1 xxhash numpy
install dolma dolma==1.2.1

# Punkt, from the wheel of a package that ships it for its own use.
if [ ! -d nltk_data/tokenizers/punkt_tab/english ]; then
  tools/bin/pip download --quiet --disable-pip-version-check --no-deps --dest wheels llama-index-core==0.14.25
  mkdir -p nltk_data/tokenizers
  $python - <<'PY'
import pathlib, zipfile
wheel = next(pathlib.Path("wheels").glob("llama_index_core-*.whl"))
prefix = "llama_index/core/_static/nltk_cache/tokenizers/punkt_tab/english/"
out = pathlib.Path("nltk_data/tokenizers/punkt_tab/english")
out.mkdir(parents=True)
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if name.startswith(prefix) and not name.endswith("/"):
            (out / name.removeprefix(prefix)).write_bytes(archive.read(name))
PY
  rm -r wheels
fi
for name in datatrove datatrove-2024 dolma; do
  echo "$name: $(tools/bin/uv pip list --python "$name/bin/python" 2>/dev/null | grep -iE '^(datatrove|dolma|spacy|nltk|uniseg|nemo-curator|tensorflow-datasets) ' | tr -s ' ' | tr '\n' ',')"
done
