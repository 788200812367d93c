"""The pages of tutorials/: run, compared with what they print, held against the source."""
