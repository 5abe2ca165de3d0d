"""Why no budget fits, and what a change of a limit is worth."""
