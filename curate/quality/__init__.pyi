from .domains import classify_domain as classify_domain
from .judge import Judgement as Judgement, judge_page as judge_page
from .scoring import quality_score as quality_score
