#!/usr/bin/env python3
"""Makes the seeds of the HTTP harnesses anew from a file of wire cases: fuzz/make_corpus.py CASES.json

The heads go to corpus/http1_head, the contents of chunked requests to corpus/http1_chunked; a few dates and encoded
texts, which no wire case has, stand below. A seed's first octet is the harness's (where to cut, which limits). Names
are the contents' hashes, so making them again changes nothing but what changed."""

import hashlib
import json
import pathlib
import sys

SEED_MAX = 1024

DATES = [
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "Thu, 29 Feb 2024 23:59:60 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "a%20b+c%2Fd%zz",
    "%25%c3%a9%00",
]


def octets(raw):
    """The exact octets of a case: a string, or a list of strings and repetitions."""
    pieces = [raw] if isinstance(raw, str) else raw
    made = b""
    for piece in pieces:
        if isinstance(piece, str):
            made += piece.encode("latin-1")
            continue
        for i in range(piece["count"]):
            made += piece["repeat"].replace("{i}", str(i)).encode("latin-1")
            if len(made) > SEED_MAX:
                break
    return made


def main():
    here = pathlib.Path(__file__).parent / "corpus"
    seeds = {"http1_head": set(), "http1_chunked": set(), "http_date": {d.encode() for d in DATES}}
    for case in json.load(open(sys.argv[1], encoding="utf-8")):
        raw = octets(case["raw"])
        head, end, content = raw.partition(b"\r\n\r\n")
        if len(raw) <= SEED_MAX:
            seeds["http1_head"].add(b"\x02" + head + end)
        if b"chunked" in head.lower() and 0 < len(content) <= SEED_MAX:
            seeds["http1_chunked"].add(b"\x02" + content)
    for harness, contents in seeds.items():
        folder = here / harness
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for content in contents:
            (folder / hashlib.sha1(content).hexdigest()[:16]).write_bytes(content)
        print(f"{folder}: {len(contents)} seeds")


if __name__ == "__main__":
    main()
