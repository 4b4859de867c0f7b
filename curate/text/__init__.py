"""Characters, words, charsets and hashes, the basis of everything that reads text, and how loops are compiled."""
