"""Characters, words, charsets and hashes: what all who read text share, and how loops over it are compiled."""
