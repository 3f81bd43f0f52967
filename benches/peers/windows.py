"""The windows in which peers ask for a range: so short that no window has more pages than the API serves of one."""

import datetime
import os

HOURS = 2
PAGE_ROWS = 100
FIELDS = ["skills", "customerinfo", "userleveltags", "sessionleveltags", "campaigninfo"]


def windows(first, days):
    """Pairs of times from the date `first` on; both are part of their window."""
    start = datetime.datetime.fromisoformat(first)
    step = datetime.timedelta(hours=HOURS)
    for index in range(days * 24 // HOURS):
        begin = start + index * step
        yield str(begin), str(begin + step - datetime.timedelta(seconds=1))


def body(start, end):
    return {"startDate": start, "endDate": end, "timeZoneOffset": 0, "selectedFields": FIELDS}


def headers():
    return {
        "auth": os.environ["BENCH_TOKEN"],
        "accountId": os.environ["BENCH_ACCOUNT"],
        "iId": os.environ["BENCH_STREAM"],
        "content-type": "application/json",
    }
