"""Another mixture of a finished run: the tokens of a run with that mixture, byte for byte, and what cannot be recut."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from pipelines.cli import main
from pipelines.engine.remix import write_remix
from pipelines.engine.run import run_recipe
from pipelines.engine.runners import Runner
from pipelines.io import files
from pipelines.recipe.errors import RecipeError
from pipelines.recipe.recipe import parse_recipe
from pipelines.result.finished import read_report
from pipelines.result.remix import plan_remix
from pipelines.result.verify import verify
from pipelines.steps.base import RunError
from tests.pipelines.conftest import PATIENCE, ROOT, curate
from tests.pipelines.small import FRENCH, GERMAN, english, write_rows
from tests.pipelines.test_files import flip

SOURCES = "sources: [{{input: {folder}/a.jsonl, name: a, columns: [kind]}}, {{input: {folder}/b.jsonl, name: b, columns: [kind]}}]\n"
STEPS = "steps: [{language: {min_score: 0.2}}, pii, tokenize, {mixture: {MIXTURE}}]\n"
OUTPUT = "output: {bytes_per_shard: 3000, tokens_per_shard: 700}\n"
PLAIN = "by: language, targets: {en: 1, de: 1, fr: 0}"
