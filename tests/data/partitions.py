"""Boot records and partition tables byte by byte."""

import uuid
import zlib

from corpus import MIB, disk, little, patched

SECTOR = 512
LINUX, PROTECTIVE = 0x83, 0xee
ANY_PLACE = b"\xfe\xff\xff"  # head, sector and cylinder, where they are too large to count
SECOND_BLOCK = b"\0\2\0"


def entry(kind: int, first: int, sectors: int, flag: int = 0, chs: bytes = ANY_PLACE) -> bytes:
    return bytes([flag]) + chs + bytes([kind]) + ANY_PLACE + little(first, 4) + little(sectors, 4)


def boot_record(*entries: bytes) -> bytes:
    return b"\xeb\x63\x90".ljust(446, b"\0") + b"".join(entries).ljust(64, b"\0") + b"\x55\xaa"


def with_boot_record(*entries: bytes, size: int = MIB) -> bytes:
    return patched(bytes(size), (0, boot_record(*entries)), (size // 2, disk(size // 4)))


def protective(sectors: int, flag: int = 0, chs: bytes = SECOND_BLOCK, first: int = 1) -> bytes:
    return entry(PROTECTIVE, first, sectors, flag, chs)


def guid_table(size: int = 2 * MIB, sector: int = SECTOR) -> bytes:
    """A disk with a GUID partition table at both ends, and one partition."""
    last = size // sector - 1
    kind = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4").bytes_le
    own = uuid.UUID(int=1).bytes_le
    entries = (kind + own + little(34, 8) + little(last - 34, 8) + bytes(8) + "root".encode("utf-16-le")).ljust(
        128 * 128, b"\0")
    table_sectors = len(entries) // sector

    def header(at: int, other: int, table: int) -> bytes:
        text = (b"EFI PART" + little(0x10000, 4) + little(92, 4) + bytes(8) + little(at, 8) + little(other, 8) +
                little(34, 8) + little(last - 34, 8) + uuid.UUID(int=2).bytes_le + little(table, 8) + little(128, 4) +
                little(128, 4) + little(zlib.crc32(entries), 4))
        return patched(text, (16, little(zlib.crc32(text), 4)))

    return patched(bytes(size), (0, boot_record(protective(last))), (sector, header(1, last, 2)), (2 * sector, entries),
                   ((last - table_sectors) * sector, entries), (last * sector, header(last, 1, last - table_sectors)))
