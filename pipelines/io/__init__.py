"""Input and output: sources and readers, tables, shards."""
