"""Answers on disk before they are sent, and on their way from there to Postgres.

::

    <home>/serving/journal/<process>-<n>.seg    records, appended; its writer holds a lock on it
    <home>/serving/journal/<process>-<n>.off    how far it was brought to Postgres
    <home>/serving/journal/<process>-<n>.bad    a segment with a record that can't be read, kept for a person
    <home>/serving/journal/refused/             rows that Postgres refuses, kept for a person
    <home>/serving/journal/shipper.lock         one shipper at a time
"""
