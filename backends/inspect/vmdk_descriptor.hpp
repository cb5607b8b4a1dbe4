#pragma once

#include <cstdint>
#include <string_view>

namespace basecache::inspect {

// Whether a text is what QEMU takes for a VMDK descriptor: comments and blank lines, then a line "version=1", 2 or 3.
// Such a file holds no disk, it names the files that do: any file of the node.
bool is_vmdk_descriptor(std::string_view text);

// Checks the descriptor inside a sparse VMDK of `capacity` sectors. Error(image_unacceptable) unless it describes one
// disk without a parent whose only extent is this very file, by a plain name, of type monolithicSparse or
// streamOptimized. Strict in spelling: QEMU searches the text for words, others read it line by line, and what we
// accept has to mean the same to all of them.
void check_vmdk_descriptor(std::string_view text, std::uint64_t capacity);

}  // namespace basecache::inspect
