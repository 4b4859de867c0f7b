"""Every step a recipe can name, in the order in which the Llama 3 paper uses them."""

from __future__ import annotations

from curate.steps import MAP_STEPS, MapStep
from pipelines.dedup.keep_first import ExactDedup, UrlDedup
from pipelines.steps.base import CorpusStep
from pipelines.steps.kl_divergence import Divergence
from pipelines.steps.line_dedup import LineDedup
from pipelines.steps.minhash_dedup import MinHashDedup
from pipelines.steps.mixture import MixtureStep
from pipelines.steps.quality_cut import QualityCut

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
