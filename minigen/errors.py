"""The one exception that minigen raises on purpose."""


class MinigenError(ValueError):
    """Something that the caller can mend: what was wrong, with the value, and what to do.

    A ValueError, so that ``except ValueError`` catches it. The commands print its text as one
    line and exit with status 1.
    """
