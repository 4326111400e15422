"""How a lead and a home are named as one case: ``<lead>|<property>``.

A lead's id may hold the mark between the two. It is escaped as in a JSON pointer, so that what stands before
the first mark is one lead and no other.

References
----------
RFC 6901, section 3.
"""

from __future__ import annotations

from collections.abc import Collection

MARK = "|"


def pair_id(lead_id: str, property_id: str) -> str:
    """Return the name of a lead and a home.

    Examples
    --------
    >>> pair_id("L-1", "h7"), pair_id("a|b", "h7")
    ('L-1|h7', 'a~1b|h7')
    """
    return f"{pairs_begin(lead_id)}{property_id}"


def pairs_begin(lead_id: str) -> str:
    """Return what all pairs of a lead begin with, and none of another lead.

    Examples
    --------
    >>> pairs_begin("L-1")
    'L-1|'
    """
    return lead_id.replace("~", "~0").replace(MARK, "~1") + MARK


def is_about(name: str, lead_id: str, others: Collection[str] = ()) -> bool:
    """Return whether a case is a lead, or the lead with a home.

    Parameters
    ----------
    others : collection of str
        Leads whose own ids begin as the pairs of this one do.

    Examples
    --------
    >>> [is_about(name, "a", others={"a|b"}) for name in ("a", "a|h7", "ab|h7", "a|b")]
    [True, True, False, False]
    """
    return name == lead_id or (name.startswith(pairs_begin(lead_id)) and name not in others)
