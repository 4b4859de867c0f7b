"""Random faults over runs of the sample recipe: each ends in the bytes of an undisturbed run."""
