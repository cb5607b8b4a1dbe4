"""VMDK images byte by byte: sparse and stream-optimised ones, bare descriptors, ESX's older kind."""

import zlib

from corpus import KIB, MIB, Corpus, little, noise, patched

SECTOR = 512
CAPACITY = 4096  # sectors: 2 MiB, of 32 grains
GRAIN = 128  # sectors
DIRECTORY, TABLE, CONTENT = 24, 25, 128  # sectors
LENGTH = (CONTENT + GRAIN) * SECTOR
AT_END = (1 << 64) - 1

DESCRIPTOR = ("# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType=\"{kind}\"\n\n"
              "# Extent description\nRW {capacity} SPARSE \"disk.vmdk\"\n\n# The Disk Data Base\n#DDB\n\n"
              "ddb.virtualHWVersion = \"4\"\nddb.geometry.cylinders = \"4\"\nddb.geometry.heads = \"16\"\n"
              "ddb.geometry.sectors = \"63\"\nddb.adapterType = \"ide\"\n")


def descriptor(kind: str = "monolithicSparse", capacity: int = CAPACITY) -> str:
    return DESCRIPTOR.format(kind=kind, capacity=capacity)


def header(version: int = 1, flags: int = 3, directory: int = DIRECTORY, compression: int = 0) -> bytes:
    """3: line ends are checked, the redundant directory holds."""
    return (b"KDMV" + little(version, 4) + little(flags, 4) + little(CAPACITY, 8) + little(GRAIN, 8) + little(1, 8) +
            little(20, 8) + little(512, 4) + little(DIRECTORY, 8) + little(directory, 8) + little(CONTENT, 8) +
            b"\0\n \r\n" + little(compression, 2)).ljust(SECTOR, b"\0")


def image(text: str | None = None) -> bytes:
    """Header, descriptor, one grain directory that stands for both, one grain table, one grain."""
    return patched(bytes(LENGTH), (0, header()), (SECTOR, (descriptor() if text is None else text).encode()),
                   (DIRECTORY * SECTOR, little(TABLE, 4)), (TABLE * SECTOR, little(CONTENT, 4)),
                   (CONTENT * SECTOR, noise(GRAIN * SECTOR)))


def marker(kind: int, sectors: int) -> bytes:
    return (little(sectors, 8) + little(0, 4) + little(kind, 4)).ljust(SECTOR, b"\0")


def stream() -> bytes:
    """Stream-optimised as VMware writes it: the directory behind the content, its place in the footer."""
    packed = zlib.compress(noise(GRAIN * SECTOR))
    grain = little(0, 8) + little(len(packed), 4) + packed
    grain = grain.ljust(-(-len(grain) // SECTOR) * SECTOR, b"\0")
    table_at = CONTENT + len(grain) // SECTOR + 1
    head = header(version=3, flags=0x30001, directory=AT_END, compression=1)
    footer = header(version=3, flags=0x30001, directory=table_at + 5, compression=1)
    return b"".join([
        head, descriptor("streamOptimized").encode().ljust((CONTENT - 1) * SECTOR, b"\0"), grain,
        marker(1, 4), little(CONTENT, 4).ljust(4 * SECTOR, b"\0"),
        marker(2, 1), little(table_at, 4).ljust(SECTOR, b"\0"),
        marker(3, 1), footer, bytes(SECTOR)])


HEADER_CASES = [
    # name, offset, bytes, check
    ("version-0", 4, little(0, 4), "header"),
    ("version-4", 4, little(4, 4), "header"),
    ("capacity-0-opens-the-extents", 12, little(0, 8), "data_file"),
    ("capacity-overflows", 12, little(AT_END, 8), "header"),
    ("capacity-of-8-eib", 12, little(1 << 54, 8), "header"),
    ("capacity-not-the-extents", 12, little(CAPACITY - 1, 8), "descriptor"),
    ("grain-0", 20, little(0, 8), "header"),
    ("grain-odd", 20, little(129, 8), "header"),
    ("grain-of-512-bytes", 20, little(1, 8), "header"),
    ("grain-too-large", 20, little(1 << 22, 8), "header"),
    ("grain-overflows", 20, little(1 << 63, 8), "header"),
    ("descriptor-nowhere", 28, little(0, 8), "header"),
    ("descriptor-elsewhere", 28, little(2, 8), "header"),
    ("descriptor-offset-overflows", 28, little(AT_END, 8), "header"),
    ("descriptor-empty", 36, little(0, 8), "header"),
    ("descriptor-above-1-mib", 36, little(2 * KIB + 1, 8), "header"),
    ("descriptor-size-overflows", 36, little(AT_END, 8), "header"),
    ("grain-table-of-0-entries", 44, little(0, 4), "header"),
    ("grain-table-of-513-entries", 44, little(513, 4), "header"),
    ("directory-nowhere", 56, little(0, 8), "truncated"),
    ("directory-in-descriptor", 56, little(2, 8), "header"),
    ("directory-behind-the-end", 56, little(1 << 30, 8), "truncated"),
    ("directory-offset-overflows", 56, little(1 << 60, 8), "truncated"),
    ("directory-at-end-without-footer", 56, little(AT_END, 8), "truncated"),
    ("overhead-behind-the-end", 64, little(1 << 30, 8), "truncated"),
    ("line-ends-changed", 73, b"\n \n\n", "header"),
    ("compression-without-flag", 77, little(1, 2), "features"),
    ("compression-unknown", 77, little(2, 2), "features"),
    ("compression-flag-without-algorithm", 8, little(0x10003, 4), "features"),
]

# Words of the descriptor and what stands there instead.
DESCRIPTOR_CASES = [
    ("extent-names-etc-shadow", "disk.vmdk", "/etc/shadow"),
    ("extent-names-a-file-above", "disk.vmdk", "../disk"),
    ("extent-names-a-windows-path", "disk.vmdk", "..\\\\disk"),
    ("extent-names-a-protocol", "disk.vmdk", "nbd:127.0.0.1:10809"),
    ("extent-names-json", "disk.vmdk", "json:{}"),
    ("extent-without-name", "\"disk.vmdk\"", ""),
    ("extent-empty-name", "disk.vmdk", ""),
    ("extent-with-offset", "\"disk.vmdk\"", "\"disk.vmdk\" 64"),
    ("extent-flat", "SPARSE", "FLAT"),
    ("extent-vmfs", "SPARSE", "VMFS"),
    ("extent-zero", "SPARSE \"disk.vmdk\"", "ZERO"),
    ("extent-noaccess", "RW ", "NOACCESS "),
    ("extent-small-letters", "RW ", "rw "),
    ("extent-longer-than-the-disk", "4096 ", "4097 "),
    ("extent-negative", "4096 ", "-4096 "),
    ("extent-overflows", "4096 ", "18446744073709551616 "),
    ("extent-twice", "RW 4096", "RW 4096 SPARSE \"disk.vmdk\"\nRW 4096"),
    ("extent-twice-second-flat", "RW 4096", "RW 4096 FLAT \"/etc/shadow\" 0\nRW 4096"),
    ("extent-missing", "RW 4096 SPARSE \"disk.vmdk\"\n", ""),
    ("parent-cid", "parentCID=ffffffff", "parentCID=12345678"),
    ("parent-cid-twice", "parentCID=ffffffff", "parentCID=ffffffff\nparentCID=12345678"),
    ("parent-cid-missing", "parentCID=ffffffff\n", ""),
    ("parent-file-name-hint", "version=1", "version=1\nparentFileNameHint=\"/etc/shadow\""),
    ("parent-file-name-hint-in-capitals", "version=1", "version=1\nPARENTFILENAMEHINT=\"/etc/shadow\""),
    ("parent-file-name-hint-in-a-comment", "#DDB", "#parentFileNameHint=\"/etc/shadow\""),
    ("parent-file-name-hint-in-a-value", "= \"ide\"", "= \"parentFileNameHint=\"/etc/shadow\""),
    ("change-tracking-file", "version=1", "version=1\nchangeTrackPath=\"/etc/shadow\""),
    ("create-type-missing", "createType=\"monolithicSparse\"\n", ""),
    ("create-type-twice", "CID=1", "createType=\"monolithicFlat\"\nCID=1"),
    ("create-type-twice-in-another-case", "CID=1", "CREATETYPE=\"monolithicFlat\"\nCID=1"),
    ("create-type-in-a-comment", "#DDB", "#createType=\"monolithicFlat\""),
    ("create-type-monolithic-flat", "monolithicSparse", "monolithicFlat"),
    ("create-type-two-gb-extents", "monolithicSparse", "twoGbMaxExtentSparse"),
    ("create-type-vmfs", "monolithicSparse", "vmfs"),
    ("create-type-full-device", "monolithicSparse", "fullDevice"),
    ("create-type-in-capitals", "monolithicSparse", "MONOLITHICSPARSE"),
    ("create-type-empty", "monolithicSparse", ""),
    ("key-twice", "CID=1", "CID=2\nCID=1"),
    ("key-in-another-case", "CID=1", "cid=2\nCID=1"),
    ("key-unknown", "version=1", "version=1\nhello=world"),
    ("line-without-meaning", "version=1", "version=1\nhello"),
    ("encoding-hides-a-line", "CID=1", "encoding=\"UTF-8\"\rparentFileNameHint=\"/etc/shadow\"\nCID=1"),
]


def add_vmdks(corpus: Corpus) -> None:
    size = CAPACITY * SECTOR
    corpus.accept("vmdk-made-by-hand", "vmdk", size, image())
    corpus.accept("vmdk-stream-made-by-hand", "vmdk", size, stream())
    for version in (2, 3):
        corpus.accept(f"vmdk-version-{version}", "vmdk", size, patched(image(), (4, little(version, 4))))
    corpus.accept("vmdk-descriptor-with-crlf", "vmdk", size, image(descriptor().replace("\n", "\r\n")))
    for name, at, new, check in HEADER_CASES:
        corpus.refuse(f"vmdk-{name}", check, patched(image(), (at, new)), "vmdk")
    for name, old, new in DESCRIPTOR_CASES:
        text = descriptor()
        if old not in text:
            raise ValueError(f"{name}: the descriptor has no {old!r}")
        corpus.refuse(f"vmdk-{name}", "descriptor", image(text.replace(old, new, 1)), "vmdk")
    _add_hidden(corpus)
    _add_tables(corpus)
    _add_footers(corpus)
    _add_texts(corpus)
    _add_cut(corpus)


def _add_hidden(corpus: Corpus) -> None:
    hint = b"\nparentFileNameHint=\"/etc/shadow\"\n"
    behind = len(descriptor()) + SECTOR
    corpus.refuse("vmdk-text-behind-a-nul", "header", patched(image(), (behind + 1, hint)), "vmdk")
    corpus.refuse("vmdk-text-in-the-descriptor-s-last-sector", "header", patched(image(), (20 * SECTOR, hint)), "vmdk")
    # QEMU reads 20 sectors, whatever the header says.
    one_more = patched(image("#" * 20 * SECTOR + "\n" + descriptor()), (36, little(22, 8)))
    corpus.refuse("vmdk-descriptor-behind-what-qemu-reads", "header", one_more, "vmdk")
    short = patched(image(), (36, little(1, 8)), (SECTOR + len(descriptor()), b"#" * (2 * SECTOR - len(descriptor()))),
                    (2 * SECTOR, hint))
    corpus.refuse("vmdk-descriptor-goes-on-behind-its-end", "header", short, "vmdk")
    corpus.refuse("vmdk-descriptor-of-zeros", "descriptor", image(""), "vmdk")
    corpus.refuse("vmdk-descriptor-of-noise", "descriptor", patched(image(), (SECTOR, noise(20 * SECTOR))), "vmdk")


def _add_tables(corpus: Corpus) -> None:
    for name, at, entry, check in [
            ("directory-entry-behind-the-end", DIRECTORY, 1 << 30, "truncated"),
            ("directory-entry-in-header", DIRECTORY, 1, "tables"),
            ("grain-behind-the-end", TABLE, 1 << 30, "truncated"),
            ("grain-reaches-behind-the-end", TABLE, CONTENT + 1, "truncated"),
            ("grain-in-descriptor", TABLE, 2, "tables")]:
        corpus.refuse(f"vmdk-{name}", check, patched(image(), (at * SECTOR, little(entry, 4))), "vmdk")
    again = little(CONTENT, 4)
    corpus.refuse("vmdk-grains-share-their-place", "tables", patched(image(), (TABLE * SECTOR + 4, again)), "vmdk")
    whole = stream()
    table = whole.index(marker(1, 4)) + SECTOR
    corpus.refuse("vmdk-compressed-grains-share-their-place", "tables", patched(whole, (table + 4, again)), "vmdk")
    # 4 GiB from one grain table: each of 128 directory entries names the same one.
    large = patched(image(descriptor(capacity=8 * MIB)), (12, little(8 * MIB, 8)), (56, little(LENGTH // SECTOR, 8)))
    shared = large + little(TABLE, 4) * 128
    corpus.refuse("vmdk-directory-entries-share-a-table", "tables", shared, "vmdk")


def _add_footers(corpus: Corpus) -> None:
    whole = stream()
    mark, footer, end = (len(whole) - n * SECTOR for n in (3, 2, 1))
    for name, at, new, check in [
            ("magic", footer, b"COWD", "header"),
            ("version", footer + 4, little(1, 4), "header"),
            ("flags", footer + 8, little(1, 4), "header"),
            ("capacity", footer + 12, little(CAPACITY * 2, 8), "header"),
            ("grain", footer + 20, little(64, 8), "header"),
            ("descriptor-place", footer + 28, little(3, 8), "header"),
            ("descriptor-size", footer + 36, little(1, 8), "header"),
            ("compression", footer + 77, little(0, 2), "header"),
            ("hidden-text", footer + 100, b"/etc/shadow", "header"),
            ("directory-at-end-again", footer + 56, little(AT_END, 8), "truncated"),
            ("directory-nowhere", footer + 56, little(0, 8), "truncated"),
            ("marker-of-another-type", mark + 12, little(2, 4), "truncated"),
            ("marker-with-size", mark + 8, little(1, 4), "truncated"),
            ("marker-padding", mark + 100, b"x", "truncated"),
            ("end-of-stream-missing", end, little(1, 8), "truncated")]:
        corpus.refuse(f"vmdk-footer-{name}", check, patched(whole, (at, new)), "vmdk")
    corpus.refuse("vmdk-footer-behind-an-odd-length", "truncated", whole + bytes(100), "vmdk")
    # The last 1536 bytes are a footer; for QEMU, which rounds the length up to a sector, they aren't.
    odd = whole[:mark - SECTOR] + bytes(100) + whole[mark:]
    corpus.refuse("vmdk-footer-not-at-a-sector", "truncated", odd, "vmdk")


def _add_texts(corpus: Corpus) -> None:
    """Descriptors without an image: texts that make a reader open the files that they name."""
    flat = descriptor("monolithicFlat").replace("SPARSE \"disk.vmdk\"", "FLAT \"/etc/shadow\" 0")
    for name, text in [("names-etc-shadow", flat), ("with-crlf", flat.replace("\n", "\r\n")),
                       ("behind-comments", "#\n" * 100 + flat[flat.index("version"):]),
                       ("behind-blank-lines", "   \n" * 20 + flat[flat.index("version"):]),
                       ("of-version-3", flat[flat.index("version"):].replace("version=1", "version=3")),
                       ("in-capitals", flat.replace("# Disk D", "# DISK D")),
                       ("two-gb-extents", descriptor("twoGbMaxExtentSparse"))]:
        corpus.refuse(f"vmdk-text-{name}", "data_file", text.encode(), "vmdk")
    padded = patched(bytes(MIB), (0, flat.encode()))
    corpus.refuse("vmdk-text-in-a-disk-of-zeros", "data_file", padded, "vmdk")
    corpus.refuse("vmdk-text-with-a-partition-table", "data_file", patched(padded, (510, b"\x55\xaa")), "vmdk")
    cowd = b"COWD" + little(1, 4) + little(3, 4) + little(CAPACITY, 4) + little(1, 4) + little(4, 4)
    corpus.refuse("vmdk-esx-copy-on-write", "backing_file", patched(bytes(64 * KIB), (0, cowd)), "vmdk")


def _add_cut(corpus: Corpus) -> None:
    for length in (3, 4, 5, 76, 511, 512, 600, 20 * SECTOR, DIRECTORY * SECTOR, TABLE * SECTOR + 100,
                   CONTENT * SECTOR, LENGTH - 1):
        corpus.refuse(f"vmdk-cut-to-{length}-bytes", "truncated", image()[:length], "vmdk")
    whole = stream()
    for lost in (1, SECTOR, 2 * SECTOR, 3 * SECTOR):
        corpus.refuse(f"vmdk-stream-without-its-last-{lost}-bytes", "truncated", whole[:-lost], "vmdk")
