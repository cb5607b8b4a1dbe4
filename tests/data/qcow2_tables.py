"""What can be wrong with a qcow2's tables: the places that they name, and bits that nobody writes."""

from corpus import KIB, MIB, Corpus, big, little, patched
from qcow2 import (BITMAPS, CLUSTER, COMPRESSED, CONTENT, COPIED, EXTENSIONS, L1, L2, REFCOUNT_BLOCK, REFCOUNT_TABLE,
                   SIZE, extension, header, image)

FAR = 1 << 40
OFFSET_BITS = 62 - (12 - 8)  # of a compressed cluster's entry; sectors stand above

# name, offset, entry, check
ENTRY_CASES = [
    ("l1-entry-behind-the-end", L1, FAR | COPIED, "truncated"),
    ("l1-entry-in-header", L1, 512 | COPIED, "tables"),
    ("l1-entry-odd", L1, L2 + 512 | COPIED, "tables"),
    ("l1-entry-on-l1-table", L1, L1 | COPIED, "tables"),
    ("l1-entry-on-refcount-table", L1, REFCOUNT_TABLE | COPIED, "tables"),
    ("l1-entry-reserved-low-bit", L1, L2 | COPIED | 1, "tables"),
    ("l1-entry-reserved-high-bit", L1, L2 | COPIED | COMPRESSED, "tables"),
    ("l1-entry-on-refcount-block", L1, REFCOUNT_BLOCK | COPIED, "tables"),
    ("l2-entry-behind-the-end", L2, FAR | COPIED, "truncated"),
    ("l2-entry-in-header", L2, 512 | COPIED, "tables"),
    ("l2-entry-odd", L2, CONTENT + 512 | COPIED, "tables"),
    ("l2-entry-on-l1-table", L2, L1 | COPIED, "tables"),
    ("l2-entry-on-refcount-table", L2, REFCOUNT_TABLE | COPIED, "tables"),
    ("l2-entry-on-refcount-block", L2, REFCOUNT_BLOCK | COPIED, "tables"),
    ("l2-entry-on-its-table", L2, L2 | COPIED, "tables"),
    ("l2-entries-share-a-cluster", L2 + 8, CONTENT | COPIED, "tables"),
    ("zero-cluster-shares-its-place", L2 + 8, CONTENT | COPIED | 1, "tables"),
    ("l2-entry-reserved-low-bit", L2, CONTENT | COPIED | 2, "tables"),
    ("l2-entry-reserved-high-bit", L2, CONTENT | COPIED | 1 << 61, "tables"),
    ("l2-entry-largest", L2, 0x00fffffffffff000 | COPIED, "truncated"),
    ("last-l2-entry-behind-the-end", L2 + 511 * 8, FAR | COPIED, "truncated"),
    ("compressed-behind-the-end", L2, COMPRESSED | FAR, "truncated"),
    ("compressed-reaches-behind-the-end", L2, COMPRESSED | 7 << OFFSET_BITS | 7 * CLUSTER - 512, "truncated"),
    ("compressed-in-header", L2, COMPRESSED | 100, "tables"),
    ("compressed-reaches-into-l1-table", L2, COMPRESSED | L1 + 4, "tables"),
    ("compressed-and-copied", L2, COMPRESSED | COPIED | CONTENT, "tables"),
    ("refcount-entry-behind-the-end", REFCOUNT_TABLE, FAR, "truncated"),
    ("refcount-entry-in-header", REFCOUNT_TABLE, 512, "tables"),
    ("refcount-entry-odd", REFCOUNT_TABLE, REFCOUNT_BLOCK + 512, "tables"),
    ("refcount-entry-reserved-bit", REFCOUNT_TABLE, REFCOUNT_BLOCK | 1, "tables"),
    ("refcount-entry-on-l1-table", REFCOUNT_TABLE, L1, "tables"),
    ("refcount-entries-share-a-block", REFCOUNT_TABLE + 8, REFCOUNT_BLOCK, "tables"),
    ("last-refcount-entry-behind-the-end", REFCOUNT_TABLE + 511 * 8, FAR, "truncated"),
]


def add_tables(corpus: Corpus) -> None:
    corpus.accept("qcow2-without-any-content", "qcow2", SIZE, patched(image(), (L1, bytes(8))))
    corpus.accept("qcow2-zero-cluster", "qcow2", SIZE, patched(image(), (L2 + 8, big(1, 8))))
    for name, at, entry, check in ENTRY_CASES:
        corpus.refuse(f"qcow2-{name}", check, patched(image(), (at, big(entry, 8))), "qcow2")
    corpus.refuse("qcow2-version-2-zero-cluster", "tables", patched(image(version=2), (L2 + 8, big(1, 8))), "qcow2")
    _add_shared_tables(corpus)
    _add_refcounts(corpus)
    _add_bitmaps(corpus)
    _add_extended(corpus)


def _add_shared_tables(corpus: Corpus) -> None:
    # 2 GiB from one L2 table of 4 KiB: each of the 1024 L1 entries names the same one.
    many = 1024
    shared = patched(image(size=many * SIZE), (36, big(many, 4)), (40, big(8 * CLUSTER, 8)),
                     (8 * CLUSTER, big(L2 | COPIED, 8) * many), (REFCOUNT_BLOCK, big(1, 2) * 10))
    corpus.refuse("qcow2-l1-entries-share-an-l2-table", "tables", shared, "qcow2")
    _add_bomb(corpus)
    sectors = big(COMPRESSED | 7 << OFFSET_BITS | CONTENT, 8) * 511
    corpus.refuse("qcow2-compressed-clusters-share-sectors", "tables", patched(image(), (L2, sectors)), "qcow2")


def _add_bomb(corpus: Corpus) -> None:
    """512 GiB out of one cluster of 2 MiB, which all entries of a whole L2 table name."""
    cluster, entries = 2 * MIB, 2 * MIB // 8
    places = (40, big(cluster, 8) + big(2 * cluster, 8))
    base = patched(bytes(6 * cluster), (0, header(size=entries * cluster)), (20, big(21, 4)), places,
                   (cluster, big(4 * cluster | COPIED, 8)), (2 * cluster, big(3 * cluster, 8)),
                   (3 * cluster, big(1, 2) * 6))
    for name, entry in [("cluster", 5 * cluster | COPIED), ("compressed-sector", COMPRESSED | 5 * cluster)]:
        corpus.refuse(f"qcow2-all-l2-entries-share-a-{name}", "tables", patched(base, (4 * cluster, big(entry, 8) * entries)),
                      "qcow2")


def _refcounts(bits: int, *numbers: int) -> bytes:
    """Numbers of less than a byte stand from its lowest bits on."""
    if bits >= 8:
        return b"".join(big(number, bits // 8) for number in numbers)
    return little(sum(number << at * bits for at, number in enumerate(numbers)), 8)


def _add_refcounts(corpus: Corpus) -> None:
    for name, place in [("header", 0), ("l1-table", L1), ("refcount-table", REFCOUNT_TABLE),
                        ("refcount-block", REFCOUNT_BLOCK), ("l2-table", L2), ("first-cluster", CONTENT),
                        ("last-cluster", CONTENT + CLUSTER)]:
        count = REFCOUNT_BLOCK + place // CLUSTER * 2
        corpus.refuse(f"qcow2-refcount-0-of-{name}", "tables", patched(image(), (count, big(0, 2))), "qcow2")
        # Left by a snapshot that was removed in haste, say: lost room, and no harm to data.
        corpus.accept(f"qcow2-refcount-2-of-{name}", "qcow2", SIZE, patched(image(), (count, big(2, 2))))
    corpus.refuse("qcow2-refcount-block-missing", "tables", patched(image(), (REFCOUNT_TABLE, bytes(8))), "qcow2")
    corpus.refuse("qcow2-version-2-refcount-0", "tables",
                  patched(image(version=2), (REFCOUNT_BLOCK + CONTENT // CLUSTER * 2, big(0, 2))), "qcow2")
    for order in range(7):
        bits, base = 1 << order, patched(image(), (96, big(order, 4)), (REFCOUNT_BLOCK, bytes(64)))
        good, unused = _refcounts(bits, *[1] * 7), _refcounts(bits, *[1] * 6, 0)
        corpus.accept(f"qcow2-refcounts-of-{bits}-bits", "qcow2", SIZE, patched(base, (REFCOUNT_BLOCK, good)))
        corpus.refuse(f"qcow2-refcount-0-of-{bits}-bits", "tables", patched(base, (REFCOUNT_BLOCK, unused)), "qcow2")
    # Nothing names the seventh cluster: it is only lost.
    corpus.accept("qcow2-leaked-cluster", "qcow2", SIZE, patched(image(), (L2 + 511 * 8, bytes(8))))
    _add_compressed_refcounts(corpus)


def _add_compressed_refcounts(corpus: Corpus) -> None:
    """Two compressed clusters in one, of which the second reaches into the next."""
    first, second = COMPRESSED | CONTENT, COMPRESSED | 1 << OFFSET_BITS | CONTENT + CLUSTER - 512
    base = patched(image(), (L2, big(first, 8) + big(second, 8)), (L2 + 511 * 8, bytes(8)))
    counts = REFCOUNT_BLOCK + CONTENT // CLUSTER * 2
    corpus.accept("qcow2-compressed-clusters-side-by-side", "qcow2", SIZE, patched(base, (counts, big(2, 2))))
    for name, numbers in [("first", big(0, 2) + big(1, 2)), ("second", big(2, 2) + big(0, 2))]:
        corpus.refuse(f"qcow2-refcount-0-of-compressed-cluster-s-{name}", "tables", patched(base, (counts, numbers)),
                      "qcow2")


DIRECTORY, BITMAP_TABLE, BITMAP = 7 * CLUSTER, 8 * CLUSTER, 9 * CLUSTER


def _with_bitmaps(count: int = 1, directory: int = DIRECTORY, size: int = 32, table: int = BITMAP_TABLE,
                  table_size: int = 1, bitmap: int = BITMAP, granularity: int = 16, name_length: int = 4) -> bytes:
    place = big(count, 4) + bytes(4) + big(size, 8) + big(directory, 8)
    entry = (big(table, 8) + big(table_size, 4) + big(0, 4) + big(1, 1) + big(granularity, 1) + big(name_length, 2) + big(0, 4) +
             b"mark")
    return patched(bytes(10 * CLUSTER), (0, image()), (88, big(1, 8)), (EXTENSIONS, extension(BITMAPS, place)),
                   (DIRECTORY, entry), (BITMAP_TABLE, big(bitmap, 8)), (REFCOUNT_BLOCK, big(1, 2) * 10))


def _add_bitmaps(corpus: Corpus) -> None:
    corpus.accept("qcow2-bitmap", "qcow2", SIZE, _with_bitmaps())
    # Written by a program that knows no bitmaps and has cleared the bit, and its clusters given back.
    corpus.accept("qcow2-bitmap-not-in-force", "qcow2", SIZE,
                  patched(_with_bitmaps(), (88, big(0, 8)), (REFCOUNT_BLOCK + 14, bytes(6))))
    for name, fields, check in [
            ("directory-outside", {"directory": 100 * CLUSTER}, "truncated"),
            ("directory-offset-overflows", {"directory": (1 << 64) - CLUSTER}, "truncated"),
            ("directory-size-overflows", {"size": (1 << 64) - 8}, "truncated"),
            ("directory-in-header", {"directory": 0}, "tables"),
            ("directory-odd", {"directory": DIRECTORY + 8}, "tables"),
            ("directory-empty", {"size": 0}, "tables"),
            ("directory-too-short", {"size": 16}, "tables"),
            ("directory-longer-than-its-entries", {"size": 64}, "tables"),
            ("name-reaches-behind-the-directory", {"name_length": 1000}, "tables"),
            ("count-overflows", {"count": 0xffffffff}, "tables"),
            ("table-outside", {"table": 100 * CLUSTER}, "truncated"),
            ("table-in-header", {"table": 0}, "tables"),
            ("table-length-overflows", {"table_size": 0xffffffff}, "tables"),
            ("table-empty", {"table_size": 0}, "tables"),
            ("table-longer-than-the-disk-needs", {"table_size": 2}, "tables"),
            ("of-sectors-of-256-bytes", {"granularity": 8}, "tables"),
            ("of-sectors-of-4-gib", {"granularity": 32}, "tables"),
            ("granularity-overflows", {"granularity": 255}, "tables"),
            ("on-its-table", {"bitmap": BITMAP_TABLE}, "tables"),
            ("outside", {"bitmap": 100 * CLUSTER}, "truncated"),
            ("on-l1-table", {"bitmap": L1}, "tables")]:
        corpus.refuse(f"qcow2-bitmap-{name}", check, _with_bitmaps(**fields), "qcow2")
    # Two entries of 32 bytes.
    both = _with_bitmaps(count=2, size=64)
    again = patched(both, (DIRECTORY + 32, both[DIRECTORY:DIRECTORY + 28]))
    corpus.refuse("qcow2-bitmaps-share-a-table", "tables", again, "qcow2")


def _add_extended(corpus: Corpus) -> None:
    """Subclusters: an entry of 16 bytes, whose second half says which are there and which are zeros."""
    cluster, size = 16 * KIB, 1 * MIB
    base = patched(bytes(6 * cluster), (0, image(size=size, incompatible=16)[:EXTENSIONS]), (20, big(14, 4)),
                   (40, big(cluster, 8) + big(2 * cluster, 8)), (cluster, big(4 * cluster | COPIED, 8)),
                   (2 * cluster, big(3 * cluster, 8)), (3 * cluster, big(1, 2) * 6),
                   (4 * cluster, big(5 * cluster | COPIED, 8) + big(0xffffffff, 8)))
    corpus.accept("qcow2-extended-l2-made-by-hand", "qcow2", size, base)
    for name, entry, bitmap in [("present-and-zero", 5 * cluster | COPIED, 1 << 32 | 1),
                                ("compressed-with-bitmap", COMPRESSED | 5 * cluster, 1),
                                ("present-nowhere", 0, 1),
                                ("zero-bit-of-plain-entries", 5 * cluster | COPIED | 1, 0xffffffff)]:
        content = patched(base, (4 * cluster, big(entry, 8) + big(bitmap, 8)))
        corpus.refuse(f"qcow2-extended-l2-{name}", "tables", content, "qcow2")
    outside = patched(base, (4 * cluster, big(FAR | COPIED, 8) + big(1, 8)))
    corpus.refuse("qcow2-extended-l2-behind-the-end", "truncated", outside, "qcow2")
