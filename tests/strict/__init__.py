"""A strict stand-in for CuPy, for machines without a GPU: `standin` poses as the module `cupy`."""
