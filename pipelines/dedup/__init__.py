"""Which of several near duplicates stay: order, clusters in one process and on many, sketches of earlier corpora."""
