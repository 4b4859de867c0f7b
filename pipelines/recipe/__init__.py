"""What a user writes: recipes, and the steps and readers that they name."""
