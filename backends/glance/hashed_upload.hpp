#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "agent/base/byte_size.hpp"
#include "agent/base/digest.hpp"
#include "agent/base/file_state.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "agent/base/unique_fd.hpp"
#include "backends/http/upload_body.hpp"

namespace basecache::glance {

// The bytes of a file as they are sent, counted and hashed on the way. Error(in_use) at their end when the file was
// written to meanwhile: then they are of no image, and the registry must not be told that they were all.
class HashedUpload : public http::UploadBody {
 public:
  // Errors: as of open_file(); invalid_request for what isn't a regular file. `op` hears how far it is ("upload",
  // `subject`) and must outlive this.
  HashedUpload(const Path& file, std::string subject, const OpContext& op);

  void rewind() override;
  std::size_t read(std::span<std::byte> room) override;

  // How much has been read since the last rewind().
  Bytes size() const { return {position_}; }
  // Whether that was all of the file.
  bool is_complete() const { return digest_.has_value(); }
  // Of what was read, once it is complete. For another algorithm than sha512, which Glance's operator may have chosen,
  // the file is read again.
  Digest digest(DigestAlgorithm algorithm) const;

 private:
  void check_unchanged() const;

  const Path path_;
  const std::string subject_;
  const OpContext& op_;
  UniqueFd file_;
  FileState seen_;
  std::uint64_t position_ = 0;
  std::uint64_t reported_ = 0;
  Hasher hasher_{DigestAlgorithm::sha512};
  std::optional<Digest> digest_;
};

}  // namespace basecache::glance
