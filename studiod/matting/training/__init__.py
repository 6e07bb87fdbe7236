"""Training of the matting networks (needs the extra `train`)."""
