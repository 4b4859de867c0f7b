from .detection import (
    LanguageConfig as LanguageConfig,
    LanguageScore as LanguageScore,
    detect_language as detect_language,
    language_shares as language_shares,
)
