"""Which submissions of an assignment resemble one another, and where. Nothing is sent anywhere; what it means is for people to say."""

from labkit.courses.similarity.comparing import compare_submissions
from labkit.courses.similarity.page import similarity_page
from labkit.courses.similarity.records import IdenticalFile, Pair, Passage, Place, SimilarityReport, SubmissionFacts

__all__ = [
    "IdenticalFile",
    "Pair",
    "Passage",
    "Place",
    "SimilarityReport",
    "SubmissionFacts",
    "compare_submissions",
    "similarity_page",
]
