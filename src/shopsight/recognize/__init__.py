"""Says what a photo shows: which product, which category, which brand; or that it does not know.

Each of the three gives one :class:`~shopsight.recognize.answers.Recognition`, with its evidence.
"""
