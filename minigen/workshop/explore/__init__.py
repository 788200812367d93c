"""A page to play with, made of a run: one HTML file with the networks in it and a forward pass in
plain JavaScript.
"""

from minigen.workshop.explore.page import explore

__all__ = ["explore"]
