"""VHDX images byte by byte: two headers, a region table twice, a log, metadata, the block table, blocks."""

from corpus import KIB, MIB, TIB, Corpus, disk, little, noise, patched

HEADERS, REGION_TABLES = (64 * KIB, 128 * KIB), (192 * KIB, 256 * KIB)
LOG, METADATA, TABLE, CONTENT, LENGTH = 1 * MIB, 2 * MIB, 3 * MIB, 4 * MIB, 5 * MIB
SIZE = 4 * MIB
FULLY_PRESENT = 6

TABLE_REGION = bytes.fromhex("6677c22d23f600429d64115e9bfd4a08")
METADATA_REGION = bytes.fromhex("06a27c8b90479a4bb8fe575f050f886e")
FILE_PARAMETERS = bytes.fromhex("3767a1ca36fa434db3b633f0aa44e76b")
DISK_SIZE = bytes.fromhex("2442a52f1bcd7648b2115dbed83bf4b8")
DISK_ID = bytes.fromhex("ab12cabee6b2234593efc309e000c746")
LOGICAL_SECTOR = bytes.fromhex("1dbf41816fa90947ba47f233a8faab5f")
PHYSICAL_SECTOR = bytes.fromhex("c748a3cd5d4471449cc9e9885251c556")
PARENT_LOCATOR = bytes.fromhex("2d5fd3a80bb34d45abf7d3d84834ab0c")


def _crc32c_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
        table.append(value)
    return table


_CRC32C = _crc32c_table()


def with_checksum(structure: bytes) -> bytes:
    """CRC-32C of the whole, its own four bytes at 4 taken for zeros."""
    crc = 0xffffffff
    for byte in patched(structure, (4, bytes(4))):
        crc = crc >> 8 ^ _CRC32C[(crc ^ byte) & 0xff]
    return patched(structure, (4, little(crc ^ 0xffffffff, 4)))


def header(*patches: tuple[int, bytes], sequence: int = 1) -> bytes:
    structure = b"head" + bytes(4) + little(sequence, 8) + noise(32) + bytes(16) + little(0, 2) + little(1, 2) + little(
        MIB, 4) + little(LOG, 8)
    return with_checksum(patched(structure.ljust(4 * KIB, b"\0"), *patches))


def region(guid: bytes, offset: int, length: int = MIB, required: int = 1) -> bytes:
    return guid + little(offset, 8) + little(length, 4) + little(required, 4)


GOOD_REGIONS = (region(TABLE_REGION, TABLE), region(METADATA_REGION, METADATA))


def regions(*entries: bytes, count: int | None = None) -> bytes:
    number = len(entries) if count is None else count
    structure = b"regi" + bytes(4) + little(number, 4) + bytes(4) + b"".join(entries)
    return with_checksum(structure.ljust(64 * KIB, b"\0"))


ITEMS = {
    FILE_PARAMETERS: (little(MIB, 4) + little(0, 4), 4),
    DISK_SIZE: (little(SIZE, 8), 6),
    DISK_ID: (noise(16), 6),
    LOGICAL_SECTOR: (little(512, 4), 6),
    PHYSICAL_SECTOR: (little(4096, 4), 6),
}


def metadata(*more: tuple[bytes, bytes, int], without: bytes = b"", count: int | None = None,
             **changed: bytes) -> bytes:
    """The table of items, and from 64 KiB their values. `changed`: other values, by the item's name in small letters."""
    values = {guid: (changed.get(NAMES[guid], value), flags) for guid, (value, flags) in ITEMS.items() if guid != without}
    entries, content, at = b"", b"", 64 * KIB
    for guid, value, flags in [(guid, *pair) for guid, pair in values.items()] + list(more):
        entries += guid + little(at + len(content), 4) + little(len(value), 4) + little(flags, 4) + bytes(4)
        content += value
    number = len(entries) // 32 if count is None else count
    table = b"metadata" + bytes(2) + little(number, 2) + bytes(20) + entries
    return table.ljust(at, b"\0") + content


NAMES = {FILE_PARAMETERS: "file_parameters", DISK_SIZE: "disk_size", DISK_ID: "disk_id",
         LOGICAL_SECTOR: "logical_sector", PHYSICAL_SECTOR: "physical_sector"}


def image(first: bytes | None = None, second: bytes | None = None, table: bytes | None = None,
          items: bytes | None = None, block: int = CONTENT | FULLY_PRESENT) -> bytes:
    """One block of four is there."""
    table = GOOD_TABLE if table is None else table
    return patched(bytes(LENGTH), (0, b"vhdxfile"), (HEADERS[0], GOOD_HEADER if first is None else first),
                   (HEADERS[1], LATER_HEADER if second is None else second), (REGION_TABLES[0], table),
                   (REGION_TABLES[1], table), (METADATA, metadata() if items is None else items),
                   (TABLE, little(block, 8)), (CONTENT, disk(MIB)))


GOOD_HEADER, LATER_HEADER = header(), header(sequence=2)
GOOD_TABLE = regions(*GOOD_REGIONS)


def add_vhdxs(corpus: Corpus) -> None:
    corpus.accept("vhdx-made-by-hand", "vhdx", SIZE, image())
    corpus.accept("vhdx-first-header-torn", "vhdx", SIZE, image(first=bytes(4 * KIB)))
    corpus.accept("vhdx-second-header-torn", "vhdx", SIZE, image(second=noise(4 * KIB)))
    for add in (_add_headers, _add_regions, _add_items, _add_blocks, _add_cut):
        add(corpus)


def _add_headers(corpus: Corpus) -> None:
    torn = bytes(4 * KIB)
    for name, heads, check in [
            ("both-headers-torn", (torn, torn), "header"),
            ("checksums-wrong", (patched(GOOD_HEADER, (4, b"xxxx")), patched(LATER_HEADER, (4, b"xxxx"))), "header"),
            ("version-2", (header((66, little(2, 2))), header((66, little(2, 2)), sequence=2)), "header"),
            ("log-to-be-replayed", (GOOD_HEADER, header((48, noise(16)), sequence=2)), "features"),
            ("log-to-be-replayed-by-the-header-in-force", (header((48, noise(16)), sequence=9), LATER_HEADER), "features"),
            ("log-on-metadata", (GOOD_HEADER, header((72, little(METADATA, 8)), sequence=2)), "header"),
            ("log-in-header", (GOOD_HEADER, header((72, little(0, 8)), sequence=2)), "header"),
            ("log-reaches-into-metadata", (GOOD_HEADER, header((68, little(MIB + 512, 4)), sequence=2)), "header"),
            ("headers-of-one-sequence-differ", (header(), header((16, bytes(16)))), "header")]:
        corpus.refuse(f"vhdx-{name}", check, image(*heads), "vhdx")


def _add_regions(corpus: Corpus) -> None:
    table, items = GOOD_REGIONS
    for name, content, check in [
            ("region-table-torn", bytes(64 * KIB), "header"),
            ("region-table-checksum-wrong", patched(GOOD_TABLE, (4, b"xxxx")), "header"),
            ("regions-2048", regions(table, items, count=2048), "header"),
            ("regions-overflow", regions(table, items, count=0xffffffff), "header"),
            ("regions-none", regions(), "header"),
            ("block-table-region-missing", regions(items), "header"),
            ("metadata-region-missing", regions(table), "header"),
            ("block-table-region-twice", regions(table, items, table), "header"),
            ("metadata-region-twice", regions(table, items, items), "header"),
            ("unknown-required-region", regions(table, items, region(noise(16), CONTENT)), "features"),
            ("region-in-header", regions(table, region(METADATA_REGION, 0)), "header"),
            ("region-empty", regions(table, region(METADATA_REGION, METADATA, 0)), "header"),
            ("regions-overlap", regions(region(TABLE_REGION, METADATA), items), "header"),
            ("region-behind-the-end", regions(table, region(METADATA_REGION, 1 << 40)), "truncated"),
            ("region-reaches-behind-the-end", regions(region(TABLE_REGION, TABLE, 3 * MIB), items), "truncated"),
            ("region-offset-overflows", regions(table, region(METADATA_REGION, (1 << 64) - MIB)), "truncated")]:
        corpus.refuse(f"vhdx-{name}", check, image(table=content), "vhdx")


def _add_items(corpus: Corpus) -> None:
    for name, content, check in [
            ("metadata-without-signature", b"METADATA", "header"),
            ("metadata-of-2048-items", metadata(count=2048), "header"),
            ("metadata-item-twice", metadata((DISK_SIZE, little(8 * MIB, 8), 6)), "header"),
            ("unknown-required-item", metadata((noise(16), bytes(8), 4)), "features"),
            ("parent-locator", metadata((PARENT_LOCATOR, b"/etc/shadow".ljust(32, b"\0"), 4)), "backing_file"),
            ("has-parent-bit", metadata(file_parameters=little(MIB, 4) + little(2, 4)), "backing_file"),
            ("block-size-0", metadata(file_parameters=bytes(8)), "header"),
            ("block-size-512-kib", metadata(file_parameters=little(MIB // 2, 4) + bytes(4)), "header"),
            ("block-size-512-mib", metadata(file_parameters=little(512 * MIB, 4) + bytes(4)), "header"),
            ("block-size-odd", metadata(file_parameters=little(3 * MIB, 4) + bytes(4)), "header"),
            ("sector-size-0", metadata(logical_sector=little(0, 4)), "header"),
            ("sector-size-1024", metadata(logical_sector=little(1024, 4)), "header"),
            # QEMU counts such sectors as if they had 512 bytes.
            ("sector-size-4096", metadata(logical_sector=little(4096, 4)), "features"),
            ("size-0", metadata(disk_size=little(0, 8)), "virtual_size"),
            ("size-odd", metadata(disk_size=little(SIZE - 1, 8)), "header"),
            ("size-beyond-its-table", metadata(disk_size=little(1 * TIB, 8)), "header"),
            ("size-overflows", metadata(disk_size=little((1 << 64) - 512, 8)), "header")]:
        corpus.refuse(f"vhdx-{name}", check, image(items=content), "vhdx")
    for guid, name in NAMES.items():
        corpus.refuse(f"vhdx-without-{name.replace('_', '-')}", "header", image(items=metadata(without=guid)), "vhdx")
    outside = patched(metadata(), (32 + 32 + 16, little(0xfffffff8, 4)))
    corpus.refuse("vhdx-item-outside-its-region", "truncated", image(items=outside), "vhdx")


def _add_blocks(corpus: Corpus) -> None:
    for name, place, check in [("behind-the-end", 1 << 40, "truncated"), ("overflows", 0xfffffffffff00000, "truncated"),
                               ("in-header", 0, "tables"), ("in-log", LOG, "tables"), ("in-metadata", METADATA, "tables"),
                               ("on-block-table", TABLE, "tables")]:
        corpus.refuse(f"vhdx-block-{name}", check, image(block=place | FULLY_PRESENT), "vhdx")
    shared = patched(image(), (TABLE + 8, little(CONTENT | FULLY_PRESENT, 8)))
    corpus.refuse("vhdx-blocks-share-their-place", "tables", shared, "vhdx")
    larger = image(items=metadata(file_parameters=little(2 * MIB, 4) + bytes(4)))
    corpus.refuse("vhdx-block-reaches-behind-the-end", "truncated", larger, "vhdx")
    corpus.refuse("vhdx-block-partially-present", "tables", image(block=CONTENT | 7), "vhdx")


def _add_cut(corpus: Corpus) -> None:
    for length in (3, 8, 64 * KIB, 64 * KIB + 100, 128 * KIB + 100, 192 * KIB, 192 * KIB + 100, MIB, METADATA + 100,
                   METADATA + 64 * KIB, TABLE, TABLE + 100, CONTENT, CONTENT + 100):
        corpus.refuse(f"vhdx-cut-to-{length}-bytes", "truncated", image()[:length], "vhdx")
