#!/usr/bin/env python3
"""Makes the corpus of image files: make_images.py DIRECTORY. What each has to be taken for is in its expected.json.

Real ones are made by qemu-img and xorriso, hostile and broken ones byte by byte. The same bytes each time, but for the
ids that the programs draw.
"""

import sys
from pathlib import Path

from corpus import Corpus
from qcow2 import add_headers
from qcow2_tables import add_tables
from raw import add_raws
from real import add_real
from unsupported import add_unsupported
from vdi import add_vdis
from vhd import add_vhds
from vhdx import add_vhdxs
from vmdk import add_vmdks

MAKERS = (add_headers, add_tables, add_vmdks, add_vhds, add_vhdxs, add_vdis, add_unsupported, add_raws, add_real)


def make_images(folder: Path) -> Corpus:
    corpus = Corpus(folder)
    for maker in MAKERS:
        maker(corpus)
    return corpus


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: make_images.py DIRECTORY", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    corpus = make_images(folder)
    corpus.write_expectations()
    hostile = sum(not case.accepted for case in corpus.cases)
    print(f"{len(corpus.cases)} images in {folder}, {hostile} of them to be refused")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
