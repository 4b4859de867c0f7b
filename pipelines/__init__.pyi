"""The public names: Beam transforms, and the base classes of user-defined steps."""

from .recipe.model import Output as Output, Source as Source
from .steps.base import CorpusStep as CorpusStep, MapStep as MapStep
from .transforms import Apply as Apply, ReadDocuments as ReadDocuments, Rejected as Rejected
from .write_corpus import WriteCorpus as WriteCorpus
