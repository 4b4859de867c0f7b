"""Files in and out: inputs and their readers, tables, shards."""
