"""Recipes: YAML in, checked values out, with the steps, readers and modules that they name."""
