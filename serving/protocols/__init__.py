"""Further ways to ask for scores, so that clients of other servers work unchanged.

Each of them reads its own bodies and writes its own answers; between the two all is as for ``/v1``: the same
checks of rows, the same lanes, the same log.
"""
