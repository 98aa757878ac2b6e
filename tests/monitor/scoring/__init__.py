"""Tests of scores: from rubric and history to points."""
