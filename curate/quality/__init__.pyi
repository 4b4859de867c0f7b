from .domains import classify_domain as classify_domain
from .scoring import quality_score as quality_score
