"""BM25 in NumPy: what every store's scores of texts mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

K1 = 1.2
"""How slowly repetitions of a term stop counting."""

B = 0.75
"""How much the length of a text counts: 0 not at all, 1 fully."""


@dataclass(frozen=True, slots=True)
class TermIndex:
    """Which rows contain a term, and what it adds to their scores.

    The formula is that of Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and
    Beyond" (2009), with the inverse document frequency of Lucene, which is never negative. A row of
    ``l`` terms in which a term occurs ``f`` times gets for it::

        ln(1 + (N - n + .5) / (n + .5)) * f (K1 + 1) / (f + K1 (1 - B + B l / mean(l)))

    with ``N`` rows in all and ``n`` rows with that term. Rows without any term count neither in
    ``N`` nor in the mean.

    Attributes:
        places: Term -> its number.
        starts: ``(terms + 1,)``; term ``i`` owns ``[starts[i], starts[i + 1])`` of the following.
        rows: ``(m,)`` int32, the rows that contain a term, ascending per term.
        scores: ``(m,)`` float32, what the term adds to the score of the row, positive.
        count: Number of rows, with terms or without.
    """

    places: Mapping[str, int]
    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    count: int

    @classmethod
    def of(cls, texts: Sequence[str]) -> TermIndex:
        """Index the texts of rows.

        Args:
            texts: Per row, its terms, separated by single spaces; empty: none.
        """
        column = pa.array([text or None for text in texts], pa.large_string())
        split = pc.split_pattern(column, " ")
        lengths = pc.list_value_length(split).fill_null(0).to_numpy(zero_copy_only=False)
        encoded = split.flatten().dictionary_encode()
        numbers = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        count = max(1, len(texts))
        owners = np.repeat(np.arange(len(texts)), lengths)
        pairs, repetitions = np.unique(numbers * count + owners, return_counts=True)
        terms, rows = np.divmod(pairs, count)
        starts = np.searchsorted(terms, np.arange(len(encoded.dictionary) + 1))
        documents = max(1, int(np.count_nonzero(lengths)))
        frequency = np.diff(starts)
        rarity = np.log1p((documents - frequency + 0.5) / (frequency + 0.5))
        longer = lengths / (lengths.sum() / documents or 1)
        dampened = repetitions + K1 * (1 - B + B * longer[rows])
        scores = rarity[terms] * repetitions * (K1 + 1) / dampened
        return cls(
            places={term: place for place, term in enumerate(encoded.dictionary.to_pylist())},
            starts=starts,
            rows=rows.astype(np.int32),
            scores=scores.astype(np.float32),
            count=len(texts),
        )

    def search(self, terms: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Rows that contain any of some distinct terms, ascending, and their scores."""
        total = np.zeros(self.count, np.float64)
        for term in terms:
            place = self.places.get(term)
            if place is not None:
                owned = slice(self.starts[place], self.starts[place + 1])
                total[self.rows[owned]] += self.scores[owned]
        rows = np.flatnonzero(total)
        return rows, total[rows].astype(np.float32)
