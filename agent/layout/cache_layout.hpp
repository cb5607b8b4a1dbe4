#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/base/path.hpp"
#include "agent/model/cache_key.hpp"

namespace basecache::layout {

// Every path of a node's cache, in one place. Pure: nothing here touches the disk.
//
//   <instances_path>/
//     <uuid>/                      an instance: disk, disk.local, disk.eph0, disk.swap, disk.config, disk.info
//     .<uuid>.part/                an instance in the making (renamed to <uuid> when it is whole)
//     locks/nova-<key>             lock of a base file, shared with Nova
//     _base/
//       <key>                      base file: complete, 0444, never written again
//       <key>.part                 staged: being fetched or formatted
//       <key>.converted            staged: being converted to raw
//       .basecache/                our own state; Nova ignores it
//         records/<key>.json       where a base file came from
//         transfers/<key>.json     what the bytes of <key>.part are, for who goes on with them
//         pins/<key>               an operator's "do not prune"; content: the reason
//         refusals/<key>.json      why the image was refused the last time
//         unfit/<key>.json         why the base file that stands there must not be used any more
//         quarantine/<key>[.N]     a base file that was found unfit, taken away; [.N].json: why
//         domains/<uuid>.json      a running domain that libvirt's hook has told of, and the files it names
//         nodes/<host>.json, .lock whom this node's own domains use, for those that share instances_path
//         locks/<uuid>             one creation or deletion an instance at a time
//         locks/room               one removal of base files at a time
class CacheLayout {
 public:
  explicit CacheLayout(Path instances_path, std::string base_directory_name = "_base");

  const Path& instances_path() const { return instances_path_; }
  const Path& base_directory() const { return base_; }
  Path lock_directory() const { return instances_path_ / "locks"; }
  Path state_directory() const { return base_ / ".basecache"; }
  Path record_directory() const { return state_directory() / "records"; }
  Path transfer_directory() const { return state_directory() / "transfers"; }
  Path pin_directory() const { return state_directory() / "pins"; }
  Path refusal_directory() const { return state_directory() / "refusals"; }
  Path unfit_directory() const { return state_directory() / "unfit"; }
  Path quarantine_directory() const { return state_directory() / "quarantine"; }
  Path domain_lease_directory() const { return state_directory() / "domains"; }
  Path node_directory() const { return state_directory() / "nodes"; }
  Path instance_lock_directory() const { return state_directory() / "locks"; }

  Path base_file(const model::CacheKey& key) const { return base_ / key.text(); }
  Path fetched(const model::CacheKey& key) const { return base_ / (key.text() + ".part"); }
  Path converted(const model::CacheKey& key) const { return base_ / (key.text() + ".converted"); }
  Path lock_file(const model::CacheKey& key) const { return lock_directory() / ("nova-" + key.text()); }
  Path record(const model::CacheKey& key) const { return record_directory() / (key.text() + ".json"); }
  Path transfer_journal(const model::CacheKey& key) const { return transfer_directory() / (key.text() + ".json"); }
  Path pin(const model::CacheKey& key) const { return pin_directory() / key.text(); }
  Path refusal(const model::CacheKey& key) const { return refusal_directory() / (key.text() + ".json"); }
  Path unfit(const model::CacheKey& key) const { return unfit_directory() / (key.text() + ".json"); }

  Path domain_lease(std::string_view uuid) const { return domain_lease_directory() / (std::string(uuid) + ".json"); }
  Path instance_directory(std::string_view uuid) const;
  Path staged_instance_directory(std::string_view uuid) const;
  Path instance_lock(std::string_view uuid) const;
  Path room_lock() const { return instance_lock_directory() / "room"; }

 private:
  Path instances_path_;
  Path base_;
};

// The key of a staged file's name ("<key>.part", "<key>.converted"); nothing for any other name.
// Writers and sweepers share this definition.
std::optional<model::CacheKey> staged_file_key(std::string_view file_name);

// The uuid of a staged instance directory's name (".<uuid>.part").
std::optional<std::string> staged_instance_uuid(std::string_view file_name);

}  // namespace basecache::layout
