"""VHD images (QEMU: vpc) byte by byte: dynamic ones, which begin with their footer, and fixed ones."""

from corpus import GIB, KIB, MIB, TIB, Corpus, big, disk, noise, patched

SECTOR = 512
FIXED, DYNAMIC, DIFFERENCING = 2, 3, 4
SIZE = 2 * MIB
BLOCK = 512 * KIB
DYNAMIC_HEADER, TABLE, CONTENT = SECTOR, 3 * SECTOR, 4 * SECTOR
BITMAP = SECTOR
MAX_GEOMETRY = big(65535, 2) + b"\x10\xff"


def with_checksum(structure: bytes, at: int) -> bytes:
    """One's complement of the sum of all its bytes, its own four taken for zeros."""
    cleared = patched(structure, (at, bytes(4)))
    return patched(cleared, (at, big(~sum(cleared) & 0xffffffff, 4)))


def footer(kind: int, size: int = SIZE, creator: bytes = b"qem2", geometry: bytes = big(60, 2) + b"\4\x11",
           version: int = 0x10000) -> bytes:
    offset = (1 << 64) - 1 if kind == FIXED else DYNAMIC_HEADER
    structure = (b"conectix" + big(2, 4) + big(version, 4) + big(offset, 8) + big(0, 4) + creator + big(0x50003, 4) +
                 b"Wi2k" + big(size, 8) * 2 + geometry + big(kind, 4) + bytes(4) + noise(16))
    return with_checksum(structure.ljust(SECTOR, b"\0"), 64)


def dynamic_header(*patches: tuple[int, bytes], entries: int = SIZE // BLOCK, block: int = BLOCK,
                   table: int = TABLE) -> bytes:
    structure = (b"cxsparse" + b"\xff" * 8 + big(table, 8) + big(0x10000, 4) + big(entries, 4) + big(block, 4))
    return with_checksum(patched(structure.ljust(1024, b"\0"), *patches), 36)


def dynamic(first: bytes | None = None, second: bytes | None = None, last: bytes | None = None,
            table: bytes = big(CONTENT // SECTOR, 4) + b"\xff" * 12) -> bytes:
    """One block of four is there; footer at both ends."""
    first = footer(DYNAMIC) if first is None else first
    return patched(bytes(CONTENT + BITMAP + BLOCK + SECTOR), (0, first), (DYNAMIC_HEADER, second or dynamic_header()),
                   (TABLE, table.ljust(SECTOR, b"\xff")), (CONTENT, b"\xff" * BITMAP), (CONTENT + BITMAP, disk(BLOCK)),
                   (CONTENT + BITMAP + BLOCK, first if last is None else last))


def fixed(end: bytes | None = None, size: int = SIZE) -> bytes:
    return disk(size) + (footer(FIXED, size) if end is None else end)


def add_vhds(corpus: Corpus) -> None:
    corpus.accept("vhd-dynamic-made-by-hand", "vpc", SIZE, dynamic())
    corpus.accept("vhd-fixed-made-by-hand", "vpc", SIZE, fixed())
    # QEMU believes some programs' sizes, and of all others the geometry.
    geometry, by_geometry = big(60, 2) + b"\4\x10", 60 * 4 * 16 * SECTOR
    for creator, size in [(b"vpc ", by_geometry), (b"vs  ", by_geometry), (b"qemu", by_geometry), (b"vbox", by_geometry),
                          (b"win ", SIZE), (b"d2v ", SIZE), (b"CTXS", SIZE), (b"tap\0", SIZE)]:
        name = f"vhd-fixed-by-{creator.decode().strip(' ' + chr(0)).lower()}"
        corpus.accept(name, "vpc", size, fixed(footer(FIXED, creator=creator, geometry=geometry)))
    corpus.accept("vhd-fixed-of-the-largest-geometry", "vpc", SIZE,
                  fixed(footer(FIXED, creator=b"vpc ", geometry=MAX_GEOMETRY)))
    _add_footers(corpus)
    _add_dynamic_headers(corpus)
    _add_disagreeing_ends(corpus)
    _add_fixed(corpus)
    _add_behind_others(corpus)
    _add_cut(corpus)


def _add_footers(corpus: Corpus) -> None:
    for name, end, check in [
            ("differencing", footer(DIFFERENCING), "backing_file"),
            ("of-type-0", footer(0), "header"),
            ("of-type-5", footer(5), "header"),
            ("of-type-6", footer(6), "header"),
            ("fixed-that-begins-with-its-footer", footer(FIXED), "header"),
            ("wrong-checksum", patched(footer(DYNAMIC), (64, bytes(4))), "header"),
            ("size-0", footer(DYNAMIC, 0), "virtual_size"),
            ("size-beyond-its-table", footer(DYNAMIC, SIZE + SECTOR), "header"),
            ("size-overflows", footer(DYNAMIC, (1 << 64) - 1), "header"),
            ("geometry-0-where-it-sizes-the-disk", footer(DYNAMIC, creator=b"vpc ", geometry=bytes(4)), "virtual_size"),
            ("geometry-beyond-its-table", footer(DYNAMIC, creator=b"vpc ", geometry=b"\xff\xff\x10\x20"), "header")]:
        corpus.refuse(f"vhd-{name}", check, dynamic(end), "vpc")
    # QEMU opens no VHD above 2040 GiB.
    first, table = footer(DYNAMIC, 3 * TIB, geometry=MAX_GEOMETRY), b"\xff" * 3 * 4 * KIB
    large = first + dynamic_header(entries=3 * 1024, block=GIB) + table + first
    corpus.refuse("vhd-size-above-2040-gib", "virtual_size", large, "vpc")


def _add_dynamic_headers(corpus: Corpus) -> None:
    for name, second, check in [
            ("magic", with_checksum(patched(dynamic_header(), (0, b"cxSparse")), 36), "header"),
            ("wrong-checksum", patched(dynamic_header(), (36, bytes(4))), "header"),
            ("parent-uuid", dynamic_header((40, noise(16))), "backing_file"),
            ("parent-name", dynamic_header((64, "/etc/shadow".encode("utf-16-be"))), "backing_file"),
            ("parent-locator", dynamic_header((576, b"W2ku" + big(1, 4) + big(22, 4) + bytes(4) + big(CONTENT, 8))),
             "backing_file"),
            ("block-size-0", dynamic_header(block=0), "header"),
            ("block-size-odd", dynamic_header(block=BLOCK + 512), "header"),
            ("block-size-256", dynamic_header(block=256, entries=SIZE // 256), "header"),
            ("table-of-0-entries", dynamic_header(entries=0), "header"),
            ("table-too-short", dynamic_header(entries=3), "header"),
            ("table-entries-overflow", dynamic_header(entries=0xffffffff), "header"),
            ("table-behind-the-end", dynamic_header(table=1 << 40), "header"),
            ("table-offset-overflows", dynamic_header(table=(1 << 64) - SECTOR), "header"),
            ("table-odd", dynamic_header(table=TABLE + 4), "header"),
            ("table-in-footer", dynamic_header(table=0), "header"),
            ("table-in-dynamic-header", dynamic_header(table=DYNAMIC_HEADER), "header")]:
        corpus.refuse(f"vhd-dynamic-header-{name}", check, dynamic(second=second), "vpc")
    for name, place in [("behind-the-end", 1 << 40), ("overflows", (1 << 64) - 1), ("in-footer", 0)]:
        first = with_checksum(patched(footer(DYNAMIC), (16, big(place, 8))), 64)
        corpus.refuse(f"vhd-dynamic-header-{name}", "truncated" if place else "header", dynamic(first), "vpc")
    for name, sector, check in [("behind-the-end", 1 << 30, "truncated"), ("largest", 0xfffffffe, "truncated"),
                                ("reaches-behind-the-end", CONTENT // SECTOR + 4, "truncated"),
                                ("in-footer", 0, "tables"), ("in-dynamic-header", 1, "tables"),
                                ("on-its-table", TABLE // SECTOR, "tables")]:
        corpus.refuse(f"vhd-block-{name}", check, dynamic(table=big(sector, 4)), "vpc")
    corpus.refuse("vhd-blocks-share-their-place", "tables", dynamic(table=big(CONTENT // SECTOR, 4) * 2), "vpc")


def _add_disagreeing_ends(corpus: Corpus) -> None:
    for name, last in [("size", footer(DYNAMIC, SIZE * 2)), ("type", footer(DIFFERENCING)), ("fixed", footer(FIXED)),
                       ("hidden-text", patched(footer(DYNAMIC), (100, b"/etc/shadow")))]:
        corpus.refuse(f"vhd-footers-differ-in-{name}", "header", dynamic(last=last), "vpc")
    corpus.refuse("vhd-dynamic-without-its-second-footer", "truncated", dynamic()[:-SECTOR], "vpc")
    corpus.refuse("vhd-dynamic-second-footer-cut", "truncated", dynamic()[:-100], "vpc")


def _add_fixed(corpus: Corpus) -> None:
    for name, end, check in [
            ("differencing", footer(DIFFERENCING), "backing_file"),
            ("dynamic", footer(DYNAMIC), "header"),
            ("wrong-checksum", patched(footer(FIXED), (64, bytes(4))), "header"),
            ("size-0", footer(FIXED, 0), "virtual_size"),
            ("larger-than-the-file", footer(FIXED, SIZE + SECTOR), "truncated"),
            ("size-overflows", footer(FIXED, (1 << 64) - 1), "truncated")]:
        corpus.refuse(f"vhd-footer-only-{name}", check, fixed(end), "vpc")
    corpus.refuse("vhd-footer-alone", "truncated", footer(FIXED), "vpc")
    # QEMU rounds the file's length up to a sector and looks 512 bytes before that.
    corpus.refuse("vhd-fixed-with-an-odd-length", "header", fixed(size=SIZE + 100), "vpc")
    corpus.refuse("vhd-fixed-with-a-footer-of-511-bytes", "truncated", fixed()[:-1], "vpc")
    corpus.refuse("vhd-fixed-with-a-footer-of-85-bytes", "truncated", fixed()[:-427], "vpc")


def _add_behind_others(corpus: Corpus) -> None:
    """A footer makes a VHD of anything, for who looks there first."""
    corpus.refuse("raw-with-vhd-footer-and-no-size", "virtual_size", disk(MIB) + footer(FIXED, 0))
    corpus.refuse("raw-with-damaged-vhd-footer", "header", disk(MIB) + patched(footer(FIXED, MIB), (200, b"x")))


def _add_cut(corpus: Corpus) -> None:
    for length in (4, 8, 16, 511, 512, 1000, TABLE, TABLE + 8, CONTENT, CONTENT + BITMAP + BLOCK):
        corpus.refuse(f"vhd-cut-to-{length}-bytes", "truncated", dynamic()[:length], "vpc")
