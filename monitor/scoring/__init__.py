"""Scores: turn a rubric and history into points with every intermediate value; the engine is pure."""

import os

# numpy's matrices here are small. With several threads each product waits for the slowest one: on a busy machine that
# took ten times as long. The variable must be set before numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
