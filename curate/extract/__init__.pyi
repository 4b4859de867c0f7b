from .extraction import ExtractConfig as ExtractConfig, Extraction as Extraction, extract_text as extract_text
from .markdown_text import markdown_to_text as markdown_to_text
