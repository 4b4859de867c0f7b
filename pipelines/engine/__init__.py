"""Runs a recipe: passes over slices, decisions, shards, and what of it is done."""
