#pragma once

#include <string>

namespace basecache::inspect {

// Throws Error(image_unacceptable): `found` says what the bytes are or hold (names in it through quote()), `hint` what
// the image's owner can do.
[[noreturn]] void refuse(std::string found, std::string hint);

// What to do about an image that ends too early or contradicts itself.
inline constexpr const char* kFetchAgain =
    "upload or fetch the image again; \"qemu-img check\" tells whether the original is whole";
// What to do about an image that needs another file, a key or a feature we don't take.
inline constexpr const char* kFlatten =
    "make one self-contained image of it with \"qemu-img convert -O qcow2\" and upload that";

}  // namespace basecache::inspect
