from .decontamination import (
    ContaminationIndex as ContaminationIndex,
    DecontaminateConfig as DecontaminateConfig,
    Hit as Hit,
)
from .divergence import TokenCounts as TokenCounts, kl_divergence as kl_divergence
from .mixture import Mixture as Mixture, plan_mixture as plan_mixture
