"""Aulario: the online-learning platform that academies run themselves."""

__version__ = "0.1.0"
