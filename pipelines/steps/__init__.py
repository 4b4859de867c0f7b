"""The steps that a recipe can name, a file per word."""
