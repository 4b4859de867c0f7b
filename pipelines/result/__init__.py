"""What a run leaves: the report, and the commands that look at it afterwards."""
