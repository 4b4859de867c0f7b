"""Train and evaluate the small models that `curate` uses; the package also contains the models."""
