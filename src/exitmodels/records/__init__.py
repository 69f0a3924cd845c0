"""From records as written to what was observed: dates of several calendars, and what is known of each.

Third floor. Read next: dates.py (`parse_dates`), monthnames.py (spellings), dayerror.py (the clerk's day).
"""
