"""The public names: the base classes of steps with their helpers, and the built-in steps."""

from .base import (
    Applied as Applied,
    CorpusStep as CorpusStep,
    DecisionTable as DecisionTable,
    KeySource as KeySource,
    MapStep as MapStep,
    Step as Step,
    block_address as block_address,
    from_settings as from_settings,
    rows_at as rows_at,
    table_at as table_at,
    table_part as table_part,
)
from .c4_clean import C4Clean as C4Clean
from .decontaminate import Decontaminate as Decontaminate
from .domain import Domain as Domain
from .exact_dedup import ExactDedup as ExactDedup
from .extract import Extract as Extract
from .heuristics import Heuristics as Heuristics
from .kl_divergence import KlDivergence as KlDivergence
from .language import Language as Language
from .line_dedup import LineDedup as LineDedup
from .listings import Listings as Listings
from .minhash_dedup import MinHashDedup as MinHashDedup
from .mixture import Mixture as Mixture
from .perplexity import Perplexity as Perplexity
from .pii import Pii as Pii
from .quality import Quality as Quality
from .quality_cut import QualityCut as QualityCut
from .repetition_clean import RepetitionClean as RepetitionClean
from .tokenize import Tokenize as Tokenize
from .url_dedup import UrlDedup as UrlDedup
from .url_filter import UrlFilter as UrlFilter
