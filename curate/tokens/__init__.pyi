from .own_tokenizer import TokenizerLike as TokenizerLike
from .tokenizers import Tokenizer as Tokenizer, load_tokenizer as load_tokenizer
