from .in_memory import NearDuplicatesConfig as NearDuplicatesConfig, near_duplicates as near_duplicates
from .lines import LineDedupConfig as LineDedupConfig, line_hashes as line_hashes, remove_lines as remove_lines
from .minhash import MinHashConfig as MinHashConfig, minhash_signature as minhash_signature
from .sketch import Sketch as Sketch
