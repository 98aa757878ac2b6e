"""Scores: rubric and history in, points out, with every figure between them; pure, and no room for files or clocks."""

import os

# numpy's matrices here are small. Shared out over threads each product waits for the slowest of them: on a busy machine
# that took ten times as long. It has to be said before numpy is first loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
