"""The public names: transforms for pipelines of your own, and what steps of your own are made of."""

from .recipe.model import Output as Output, Source as Source
from .steps.base import CorpusStep as CorpusStep, MapStep as MapStep
from .transforms import Apply as Apply, ReadDocuments as ReadDocuments, Rejected as Rejected
from .write_corpus import WriteCorpus as WriteCorpus
