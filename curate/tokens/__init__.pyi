from .tokenizers import load_tokenizer as load_tokenizer
