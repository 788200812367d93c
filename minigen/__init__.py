"""minigen: generative models from scratch, every gradient by hand."""
