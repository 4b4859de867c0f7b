"""Training, evaluation and export of the small models that `curate` uses, and the models themselves."""
