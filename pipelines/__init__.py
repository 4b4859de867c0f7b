"""The Beam side: keys, grouping, files and counters around the functions of `curate`."""
