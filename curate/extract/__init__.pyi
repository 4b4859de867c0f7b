from .extraction import ExtractConfig as ExtractConfig, Extraction as Extraction, extract_text as extract_text
