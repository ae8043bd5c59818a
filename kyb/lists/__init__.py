"""Readers of lists of people and firms nobody may deal with: a publisher's file in, one ScreeningList out.

`entry` says what every reader gives; each package beside it reads one publisher's form.
"""
