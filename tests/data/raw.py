"""Raw disks: what they may hold, and what else they mustn't be at the same time."""

import qcow2
import vdi
import vhd
import vmdk
from corpus import KIB, MIB, Corpus, big, disk, noise, patched
from partitions import (LINUX, PROTECTIVE, SECOND_BLOCK, boot_record, entry, guid_table, protective, with_boot_record)

SECTORS = MIB // 512
VOLUME = 32 * KIB
GOOD = entry(LINUX, 64, SECTORS - 64, flag=0x80)


def volume(*identifiers: bytes) -> bytes:
    """The descriptors that an optical disc's volume begins with."""
    return b"".join((b"\1" + name + b"\1").ljust(2 * KIB, b"\0") for name in identifiers)


def add_raws(corpus: Corpus) -> None:
    _add_accepted(corpus)
    _add_partition_tables(corpus)
    _add_two_at_once(corpus)
    _add_hidden_ends(corpus)


def _add_accepted(corpus: Corpus) -> None:
    for name, content in [
            ("zeros", bytes(MIB)), ("noise", disk(MIB)), ("odd-length", disk(MIB + 100)), ("one-byte", b"x"),
            ("one-sector", noise(512)), ("partition-table", with_boot_record(GOOD)),
            ("guid-partition-table", guid_table()), ("guid-partition-table-of-4096", guid_table(sector=4096)),
            ("text-that-speaks-of-images", b"QFI and KDMV and conectix are magics of disk images.\n" * 9),
            ("qcow2-magic-in-the-second-sector", patched(bytes(MIB), (512, qcow2.image()))),
            ("vhd-magic-before-the-last-sector", patched(disk(MIB), (MIB - 1024, b"conectix"))),
            ("udf-far-behind-its-place", patched(bytes(MIB), (VOLUME * 2 + 1, b"NSR02")))]:
        corpus.accept(f"raw-{name}", "raw", len(content), content)
    for name, content in [("iso9660", volume(b"CD001", b"CD001")), ("udf", volume(b"BEA01", b"NSR02", b"TEA01")),
                          ("udf-3", volume(b"BEA01", b"NSR03", b"TEA01")), ("bridge", volume(b"CD001", b"BEA01", b"NSR02"))]:
        corpus.accept(f"iso-{name}-made-by-hand", "iso", MIB, patched(bytes(MIB), (VOLUME, content)))
    hybrid = patched(with_boot_record(GOOD), (VOLUME, volume(b"CD001", b"CD001")))
    corpus.accept("iso-hybrid-made-by-hand", "iso", MIB, hybrid)
    hybrid = patched(guid_table(), (VOLUME, volume(b"CD001", b"CD001")))
    corpus.accept("iso-hybrid-guid-made-by-hand", "iso", 2 * MIB, hybrid)


def _add_partition_tables(corpus: Corpus) -> None:
    for name, entries in [
            ("without-any-partition", ()),
            ("boot-flag-1", (entry(LINUX, 64, 100, flag=1),)),
            ("boot-flag-ff", (GOOD, entry(LINUX, 64, 100, flag=0xff))),
            ("protective-second", (GOOD, protective(SECTORS - 1))),
            ("protective-fourth", (GOOD, bytes(16), bytes(16), protective(SECTORS - 1))),
            ("protective-with-another", (protective(SECTORS - 1), entry(LINUX, 64, 100))),
            ("protective-with-another-behind-a-gap", (protective(SECTORS - 1), bytes(16), entry(LINUX, 64, 100))),
            ("protective-twice", (protective(100), protective(100))),
            ("protective-not-from-the-second-block", (protective(SECTORS - 2, first=2),)),
            ("protective-from-block-0", (protective(SECTORS, first=0),)),
            ("protective-head-sector-cylinder", (protective(SECTORS - 1, chs=b"\0\1\0"),)),
            ("protective-cylinder-hidden", (protective(SECTORS - 1, chs=b"\0\2\1"),))]:
        corpus.refuse(f"raw-partition-table-{name}", "partition_table", with_boot_record(*entries), "raw")
    # Behind a GUID table too.
    mixed = patched(guid_table(), (0, boot_record(entry(LINUX, 1, 100), entry(PROTECTIVE, 1, 100, chs=SECOND_BLOCK))))
    corpus.refuse("raw-guid-partition-table-with-another-table", "partition_table", mixed, "raw")


def _add_two_at_once(corpus: Corpus) -> None:
    descriptors = volume(b"CD001", b"CD001")
    qcow2_large = patched(bytes(MIB), (0, qcow2.image()))
    for name, content in [
            ("qcow2-and-iso", patched(qcow2_large, (VOLUME, descriptors))),
            ("qcow2-and-udf", patched(qcow2_large, (VOLUME, volume(b"BEA01", b"NSR02")))),
            ("qcow2-and-iso-and-udf", patched(qcow2_large, (VOLUME, volume(b"CD001", b"BEA01", b"NSR02")))),
            ("qcow2-and-partition-table", patched(qcow2_large, (446, GOOD), (510, b"\x55\xaa"))),
            ("qcow2-and-guid-partition-table", patched(qcow2_large, (512, b"EFI PART"))),
            ("qcow2-and-vdi", patched(qcow2.image(), (0x200, qcow2.image()[112:0x200]), (0x40, b"\x7f\x10\xda\xbe"))),
            ("qcow2-and-vhd-footer", qcow2.image() + vhd.footer(vhd.FIXED, len(qcow2.image()))),
            ("vhd-footer-behind-qcow2-with-backing-file",
             patched(qcow2.image(), (8, big(0x200, 8) + big(11, 4))) + vhd.footer(vhd.FIXED, len(qcow2.image()))),
            ("qcow2-and-dmg-trailer", qcow2.image() + _trailer()),
            ("qcow2-and-tar", patched(qcow2.image(), (257, b"ustar"))),
            ("vmdk-and-iso", patched(vmdk.image(), (VOLUME, descriptors))),
            ("vmdk-and-vhd-footer", vmdk.image() + vhd.footer(vhd.FIXED, len(vmdk.image()))),
            ("vmdk-and-partition-table", patched(vmdk.image(), (446, GOOD), (510, b"\x55\xaa"))),
            ("vmdk-and-vdi", patched(vmdk.image(), (0x40, b"\x7f\x10\xda\xbe"))),
            ("vdi-and-vhd-footer", vdi.image() + vhd.footer(vhd.FIXED, len(vdi.image()))),
            ("vdi-and-iso", patched(vdi.image(), (VOLUME, descriptors))),
            ("vdi-and-partition-table", patched(vdi.image(), (510, b"\x55\xaa"))),
            ("iso-and-vhd-footer", patched(bytes(MIB), (VOLUME, descriptors)) + vhd.footer(vhd.FIXED, MIB)),
            ("iso-and-dmg-trailer", patched(bytes(MIB), (VOLUME, descriptors)) + _trailer()),
            ("luks-and-iso", patched(bytes(MIB), (0, b"LUKS\xba\xbe\0\1"), (VOLUME, descriptors))),
            ("qed-and-iso", patched(bytes(MIB), (0, b"QED\0"), (VOLUME, descriptors)))]:
        corpus.refuse(name, "several_formats", content)


def _trailer() -> bytes:
    return (b"koly" + big(4, 4) + big(512, 4)).ljust(512, b"\0")


def _add_hidden_ends(corpus: Corpus) -> None:
    """QEMU looks for a dmg's trailer in the last but one sector too."""
    corpus.refuse("raw-with-dmg-trailer", "unsupported_format", disk(MIB) + _trailer(), "dmg")
    corpus.refuse("raw-with-dmg-trailer-of-version-5", "unsupported_format", disk(MIB) + patched(_trailer(), (4, big(5, 4))),
                  "dmg")
    corpus.refuse("raw-with-dmg-trailer-and-odd-length", "unsupported_format", disk(MIB + 100) + _trailer(), "dmg")
    corpus.refuse("raw-with-dmg-trailer-before-its-end", "unsupported_format", disk(MIB + 300) + _trailer() + bytes(100), "dmg")
    corpus.refuse("raw-with-partition-table-and-dmg-trailer", "unsupported_format", with_boot_record(GOOD) + _trailer(),
                  "dmg")
    corpus.refuse("dmg-trailer-alone", "unsupported_format", _trailer(), "dmg")
    corpus.refuse("raw-empty", "truncated", b"", "raw")
