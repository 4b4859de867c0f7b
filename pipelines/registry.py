"""Every step a recipe can name, in the order in which the Llama 3 paper uses them."""

from __future__ import annotations

from curate.steps import MAP_STEPS, MapStep
from pipelines.corpus.base import CorpusStep
from pipelines.corpus.cut import QualityCut
from pipelines.corpus.divergence import Divergence
from pipelines.corpus.keep_first import ExactDedup, UrlDedup
from pipelines.corpus.lines import LineDedup
from pipelines.corpus.minhash import MinHashDedup
from pipelines.corpus.mixture import MixtureStep

CORPUS_STEPS: dict[str, CorpusStep] = {
    "url_dedup": UrlDedup(),
    "exact_dedup": ExactDedup(),
    "minhash_dedup": MinHashDedup(),
    "line_dedup": LineDedup(),
    "kl_divergence": Divergence(),
    "quality_cut": QualityCut(),
    "mixture": MixtureStep(),
}

STEPS: dict[str, MapStep | CorpusStep] = {**MAP_STEPS, **CORPUS_STEPS}
