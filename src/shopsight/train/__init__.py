"""Training of encoders on a shop's own pictures; needs the extra ``train``."""
