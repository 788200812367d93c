"""minigen: generative models from scratch, every gradient by hand."""

__version__ = "0.1.0"
