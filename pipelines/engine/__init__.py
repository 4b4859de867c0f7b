"""Running a recipe: the plan, passes over slices, decisions, shards, and resuming."""
