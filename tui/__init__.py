"""The review terminal: the night's pieces, those first where a mistake would cost most."""
