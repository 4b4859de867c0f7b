"""The commands: each module parses arguments, calls other packages, and prints results."""
