"""The public names, each from the module that it lives in; they are loaded on first use."""

from .dedup.in_memory import NearDuplicatesConfig as NearDuplicatesConfig, near_duplicates as near_duplicates
from .dedup.lines import LineDedupConfig as LineDedupConfig, line_hashes as line_hashes, remove_lines as remove_lines
from .dedup.minhash import MinHashConfig as MinHashConfig, minhash_signature as minhash_signature
from .dedup.sketch import Sketch as Sketch
from .document import Decision as Decision, Document as Document, Edit as Edit, Rejection as Rejection
from .extract.extraction import ExtractConfig as ExtractConfig, Extraction as Extraction, extract_text as extract_text
from .extract.markdown_text import markdown_to_text as markdown_to_text
from .filters.clean import (
    C4CleanConfig as C4CleanConfig,
    RefinedWebCleanConfig as RefinedWebCleanConfig,
    RepetitionCleanConfig as RepetitionCleanConfig,
    c4_clean as c4_clean,
    refinedweb_clean as refinedweb_clean,
    repetition_clean as repetition_clean,
)
from .filters.heuristics import (
    RuleConfig as RuleConfig,
    c4_quality as c4_quality,
    decide_preset as decide_preset,
    explain as explain,
    fineweb_quality as fineweb_quality,
    gopher_quality as gopher_quality,
    gopher_repetition as gopher_repetition,
    llama3_heuristics as llama3_heuristics,
)
from .filters.pii import PiiConfig as PiiConfig, scrub_pii as scrub_pii
from .filters.presets import PRESETS as PRESETS, rules_of as rules_of
from .filters.signals import Signals as Signals, measure as measure, signal_names as signal_names
from .filters.urls import UrlFilterConfig as UrlFilterConfig, normalize_url as normalize_url
from .language.detection import (
    LanguageConfig as LanguageConfig,
    LanguageScore as LanguageScore,
    detect_language as detect_language,
    language_shares as language_shares,
)
from .mixing.decontamination import (
    ContaminationIndex as ContaminationIndex,
    DecontaminateConfig as DecontaminateConfig,
    Hit as Hit,
)
from .mixing.divergence import TokenCounts as TokenCounts, kl_divergence as kl_divergence
from .mixing.mixture import Mixture as Mixture, plan_mixture as plan_mixture
from .quality.domains import classify_domain as classify_domain
from .quality.scoring import quality_score as quality_score
from .tokens.tokenizers import load_tokenizer as load_tokenizer

__version__: str
