"""Real images: every format and option that qemu-img writes, file systems, and discs."""

import shutil
from pathlib import Path

import partitions
from corpus import KIB, MIB, Corpus, disk, run, write_sparse

SIZE = 2 * MIB

# name, format, options of "qemu-img convert", what is taken of it
QCOW2 = [
    ("compat-0.10", ("-o", "compat=0.10")), ("compat-1.1", ("-o", "compat=1.1")),
    *((f"clusters-of-{size}", ("-o", f"cluster_size={size}")) for size in (512, "4k", "64k", "256k", "2M")),
    *((f"refcount-bits-{bits}", ("-o", f"refcount_bits={bits}")) for bits in (1, 2, 4, 8, 16, 32, 64)),
    *((f"preallocation-{how}", ("-o", f"preallocation={how}")) for how in ("off", "metadata", "falloc", "full")),
    ("lazy-refcounts", ("-o", "lazy_refcounts=on")),
    ("extended-l2", ("-o", "extended_l2=on")), ("extended-l2-16k", ("-o", "extended_l2=on,cluster_size=16k")),
    ("extended-l2-preallocated", ("-o", "extended_l2=on,preallocation=metadata")),
    ("zlib", ("-c",)), ("zlib-512", ("-c", "-o", "cluster_size=512")), ("zlib-compat-0.10", ("-c", "-o", "compat=0.10")),
    ("zstd", ("-c", "-o", "compression_type=zstd")), ("zstd-2M", ("-c", "-o", "compression_type=zstd,cluster_size=2M")),
    ("zlib-extended-l2", ("-c", "-o", "extended_l2=on")),
]
OTHERS = [
    ("vmdk-monolithic-sparse", "vmdk", ("-o", "subformat=monolithicSparse")),
    ("vmdk-hwversion-6-scsi", "vmdk", ("-o", "hwversion=6,adapter_type=lsilogic")),
    ("vmdk-compat6-zeroed-grain", "vmdk", ("-o", "compat6=on,zeroed_grain=on")),
    ("vmdk-stream-optimized", "vmdk", ("-o", "subformat=streamOptimized")),
    ("vpc-dynamic", "vpc", ("-o", "subformat=dynamic,force_size=on")),
    ("vpc-fixed", "vpc", ("-o", "subformat=fixed,force_size=on")),
    ("vdi-dynamic", "vdi", ()), ("vdi-static", "vdi", ("-o", "static=on")),
    ("vhdx-dynamic", "vhdx", ("-o", "subformat=dynamic")), ("vhdx-fixed", "vhdx", ("-o", "subformat=fixed")),
    ("vhdx-blocks-of-1M", "vhdx", ("-o", "block_size=1M")), ("vhdx-log-of-2M", "vhdx", ("-o", "log_size=2M")),
    ("vhdx-blocks-without-zero-state", "vhdx", ("-o", "block_state_zero=off")),
]
REFUSED = [
    ("qcow", "qcow", (), "unsupported_format"),
    ("qed", "qed", (), "unsupported_format"), ("qed-small", "qed", ("-o", "cluster_size=4096"), "unsupported_format"),
    ("parallels", "parallels", (), "unsupported_format"),
    ("vmdk-monolithic-flat", "vmdk", ("-o", "subformat=monolithicFlat"), "data_file"),
    ("vmdk-two-gb-sparse", "vmdk", ("-o", "subformat=twoGbMaxExtentSparse"), "data_file"),
    ("vmdk-two-gb-flat", "vmdk", ("-o", "subformat=twoGbMaxExtentFlat"), "data_file"),
]


def add_real(corpus: Corpus) -> None:
    source = corpus.path("real-source")
    write_sparse(source, disk(SIZE))
    corpus.accept("real-source", "raw", SIZE)
    for name, options in QCOW2:
        _convert(corpus, source, f"real-qcow2-{name}", "qcow2", options)
        corpus.accept(f"real-qcow2-{name}", "qcow2", SIZE)
    for name, image_format, options in OTHERS:
        _convert(corpus, source, f"real-{name}", image_format, options)
        corpus.accept(f"real-{name}", image_format, SIZE)
    for name, image_format, options, check in REFUSED:
        _convert(corpus, source, f"real-{name}", image_format, options)
        corpus.refuse(f"real-{name}", check, image_format=image_format)
    _add_changed_by_qemu(corpus, source)
    _add_sizes(corpus)
    _add_encrypted(corpus)
    _add_file_systems(corpus)
    _add_discs(corpus)


def _convert(corpus: Corpus, source: Path, name: str, image_format: str, options: tuple) -> None:
    corpus.qemu_img("convert", "-f", "raw", "-O", image_format, *options, source, corpus.path(name))


def _add_changed_by_qemu(corpus: Corpus, source: Path) -> None:
    def made(name: str) -> Path:
        _convert(corpus, source, f"real-qcow2-{name}", "qcow2", ())
        return corpus.path(f"real-qcow2-{name}")

    corpus.qemu_img("bitmap", "--add", "-g", "64k", made("with-bitmap"), "marks")
    corpus.accept("real-qcow2-with-bitmap", "qcow2", SIZE)
    bitmaps = made("with-two-bitmaps")
    for name in ("one", "a-longer-name"):
        corpus.qemu_img("bitmap", "--add", bitmaps, name)
    corpus.accept("real-qcow2-with-two-bitmaps", "qcow2", SIZE)
    corpus.qemu_img("snapshot", "-c", "before", made("with-snapshot"))
    corpus.refuse("real-qcow2-with-snapshot", "snapshots", image_format="qcow2")
    gone = made("with-deleted-snapshot")
    corpus.qemu_img("snapshot", "-c", "before", gone)
    corpus.qemu_img("snapshot", "-d", "before", gone)
    corpus.accept("real-qcow2-with-deleted-snapshot", "qcow2", SIZE)
    corpus.qemu_img("resize", "-f", "qcow2", made("grown"), 5 * MIB)
    corpus.accept("real-qcow2-grown", "qcow2", 5 * MIB)
    corpus.qemu_img("resize", "-f", "qcow2", "--shrink", made("shrunk"), MIB)
    corpus.accept("real-qcow2-shrunk", "qcow2", MIB)
    overlay = corpus.path("real-qcow2-overlay")
    corpus.qemu_img("create", "-q", "-f", "qcow2", "-b", source, "-F", "raw", overlay)
    corpus.refuse("real-qcow2-overlay", "backing_file", image_format="qcow2")
    external = corpus.path("real-qcow2-data-file")
    corpus.qemu_img("create", "-q", "-f", "qcow2", "-o", f"data_file={corpus.path('real-external-data')},data_file_raw=on",
                    external, SIZE)
    corpus.refuse("real-qcow2-data-file", "data_file", image_format="qcow2")


def _add_sizes(corpus: Corpus) -> None:
    """Empty images of every size are legitimate; QEMU rounds some of them."""
    for size in (512, 1000 * 512 + 512, 7 * MIB, 129 * MIB, 3 << 40):
        for image_format in ("qcow2", "vdi", "vmdk"):
            if (image_format, size) not in (("vdi", 3 << 40), ("vmdk", 3 << 40)):
                _create(corpus, image_format, size, size)
    for size in (7 * MIB, 129 * MIB):
        _create(corpus, "vhdx", size, size)
        _create(corpus, "vpc", size, size, "-o", "force_size=on")
    # Its file ends with the disk, in the middle of the last block.
    half = corpus.path("real-vhdx-fixed-with-half-a-block")
    corpus.qemu_img("create", "-q", "-f", "vhdx", "-o", "subformat=fixed,block_state_zero=off,block_size=1M", half,
                    5 * MIB + MIB // 2)
    corpus.accept(half.name, "vhdx", 5 * MIB + MIB // 2)
    _create(corpus, "qcow2", 1000, 1024)
    _create(corpus, "vpc", 64 * MIB, 964 * 8 * 17 * 512)  # by geometry: a little more than was asked for


def _create(corpus: Corpus, image_format: str, asked: int, size: int, *options: str) -> None:
    name = f"real-{image_format}-{'forced-' if options else ''}empty-of-{asked}-bytes"
    corpus.qemu_img("create", "-q", "-f", image_format, *options, corpus.path(name), asked)
    corpus.accept(name, image_format, size)


def _add_encrypted(corpus: Corpus) -> None:
    for name, image_format, options, check in [
            ("luks", "luks", "key-secret=key,iter-time=10", "unsupported_format"),
            ("qcow2-encrypted-aes", "qcow2", "encrypt.format=aes,encrypt.key-secret=key", "encryption")]:
        path = corpus.path(f"real-{name}")
        _create_encrypted(path, image_format, options)
        corpus.refuse(path.name, check, image_format=image_format)


def _create_encrypted(path: Path, image_format: str, options: str) -> None:
    """For a key of LUKS, QEMU measures the processor for two seconds, or gives up when the clock was too coarse."""
    for attempts_left in reversed(range(20)):
        try:
            run("qemu-img", "create", "-q", "--object", "secret,id=key,data=secret", "-f", image_format, "-o", options,
                path, MIB)
            return
        except RuntimeError as error:
            if attempts_left == 0 or "accurate CPU usage" not in str(error):
                raise


def _add_file_systems(corpus: Corpus) -> None:
    for name, size, command in [("ext4", 4 * MIB, ("mkfs.ext4", "-q", "-F")),
                                ("fat12", 2 * MIB, ("mkfs.vfat", "-F", 12)),
                                ("fat16", 16 * MIB, ("mkfs.vfat", "-F", 16)),
                                ("fat32", 40 * MIB, ("mkfs.vfat", "-F", 32)),
                                ("fat-with-one-table", 2 * MIB, ("mkfs.vfat", "-f", 1)),
                                ("fat-of-a-floppy", 1440 * KIB, ("mkfs.vfat", "-M", "0xf0"))]:
        path = corpus.path(f"real-{name}")
        write_sparse(path, bytes(size))
        run(*command, path)
        corpus.accept(path.name, "raw", size)
    for name, size in [("partitioned-and-ext4", 4 * MIB)]:
        path = corpus.path(f"real-{name}")
        inner = corpus.path("real-ext4").read_bytes()
        table = partitions.with_boot_record(partitions.entry(partitions.LINUX, 2048, size // 512), size=MIB)
        write_sparse(path, table + inner)
        corpus.accept(path.name, "raw", size + MIB)


def _add_discs(corpus: Corpus) -> None:
    tree = corpus.path("tree.tmp")
    tree.mkdir()
    (tree / "boot.img").write_bytes(disk(2 * KIB))
    for name, options in [("plain", ()), ("joliet-rock-ridge", ("-J", "-R")),
                          ("bootable", ("-b", "boot.img", "-no-emul-boot")),
                          ("with-protective-table", ("-b", "boot.img", "-no-emul-boot", "-partition_offset", "16")),
                          ("with-appended-partition", ("-append_partition", "2", "0x83", str(tree / "boot.img")))]:
        path = corpus.path(f"real-iso-{name}")
        run("xorriso", "-as", "mkisofs", "-quiet", *options, "-V", "disc", "-o", path, tree)
        corpus.accept(path.name, "iso", path.stat().st_size)
    shutil.rmtree(tree)
