from .clean import (
    C4CleanConfig as C4CleanConfig,
    RefinedWebCleanConfig as RefinedWebCleanConfig,
    RepetitionCleanConfig as RepetitionCleanConfig,
    c4_clean as c4_clean,
    refinedweb_clean as refinedweb_clean,
    repetition_clean as repetition_clean,
)
from .heuristics import (
    RuleConfig as RuleConfig,
    c4_quality as c4_quality,
    decide_preset as decide_preset,
    explain as explain,
    fineweb_quality as fineweb_quality,
    gopher_quality as gopher_quality,
    gopher_repetition as gopher_repetition,
    llama3_heuristics as llama3_heuristics,
)
from .pii import PiiConfig as PiiConfig, scrub_pii as scrub_pii
from .presets import PRESETS as PRESETS, rules_of as rules_of
from .rules import Rule as Rule, decide as decide
from .signals import Signals as Signals, measure as measure, signal_names as signal_names
from .urls import UrlFilterConfig as UrlFilterConfig, normalize_url as normalize_url
