#pragma once

#include <string>

// Answers as a real Glance (version 25, image API 2.15) gave them.
namespace basecache::glance {

inline const std::string kActiveId = "03ab272c-9642-4316-9605-83c369556b30";
inline const std::string kSha512 =
    "56d21b1aae1f2f259dfd2975518efcc3b5c91ed5dbc89e0330b6f9df5aeeb469112303d37705225afa0b4c01e82f7b316fdfb7366b1f4004f6"
    "fe998fc5da807b";

inline const std::string kActive = R"({"os_distro": "debian", "hw_disk_bus": "virtio",
 "owner_specified.openstack.md5": "", "owner_specified.openstack.object": "images/qcow2",
 "name": "qcow2", "disk_format": "qcow2", "container_format": "bare", "visibility": "public", "size": 575864832,
 "virtual_size": 4294967296, "status": "active", "checksum": "80fb887f92e45a419a9ce0dbf698ea3d", "protected": false,
 "min_ram": 256, "min_disk": 4, "owner": "c97d9c854e2942e7b76c003643e3de76", "os_hidden": false,
 "os_hash_algo": "sha512", "os_hash_value": ")" +
                                   kSha512 + R"(", "id": "03ab272c-9642-4316-9605-83c369556b30",
 "created_at": "2026-11-20T23:49:03Z", "updated_at": "2026-11-20T23:49:07Z",
 "locations": [{"url": "file:///srv/glance/images/03ab272c", "metadata": {"store": "file"}}],
 "direct_url": "file:///srv/glance/images/03ab272c", "tags": ["stable", "base"], "stores": "file,ceph",
 "self": "/v2/images/03ab272c-9642-4316-9605-83c369556b30",
 "file": "/v2/images/03ab272c-9642-4316-9605-83c369556b30/file", "schema": "/v2/schemas/image"})";

inline const std::string kQueuedId = "e3056fc5-81d4-4f59-b91f-5dc57a44312f";
inline const std::string kQueued = R"({"name": "empty", "disk_format": "qcow2", "container_format": "bare",
 "visibility": "shared", "size": null, "virtual_size": null, "status": "queued", "checksum": null, "protected": false,
 "min_ram": 0, "min_disk": 0, "owner": "c97d9c854e2942e7b76c003643e3de76", "os_hidden": false, "os_hash_algo": null,
 "os_hash_value": null, "id": "e3056fc5-81d4-4f59-b91f-5dc57a44312f", "created_at": "2026-11-20T23:50:16Z",
 "updated_at": "2026-11-20T23:50:16Z", "locations": [], "tags": [],
 "self": "/v2/images/e3056fc5-81d4-4f59-b91f-5dc57a44312f",
 "file": "/v2/images/e3056fc5-81d4-4f59-b91f-5dc57a44312f/file", "schema": "/v2/schemas/image"})";

inline const std::string kNotFoundPage = R"(<html>
 <head>
  <title>404 Not Found</title>
 </head>
 <body>
  <h1>404 Not Found</h1>
  No image found with ID e3056fc5-81d4-4f59-b91f-5dc57a44312f<br /><br />



 </body>
</html>)";

inline const std::string kSchema = R"({"name": "image", "properties": {
 "id": {"type": "string", "pattern": "^.*$"},
 "name": {"type": ["null", "string"], "maxLength": 255},
 "status": {"type": "string", "readOnly": true, "enum": ["queued", "active"]},
 "visibility": {"type": "string", "enum": ["community", "public", "private", "shared"]},
 "container_format": {"type": ["null", "string"], "enum": [null, "ami", "bare", "ovf"]},
 "disk_format": {"type": ["null", "string"], "enum": [null, "vmdk", "raw", "qcow2"]},
 "min_disk": {"type": "integer"},
 "os_distro": {"type": "string", "is_base": false},
 "cinder_encryption_key_deletion_policy": {"type": "string", "enum": ["on_image_deletion", "do_not_delete"],
  "is_base": false}},
 "additionalProperties": {"type": "string"}, "links": [{"rel": "self", "href": "{self}"}]})";

// The record of an image with another status.
inline std::string with_status(const std::string& record, const std::string& old_status, const std::string& status) {
  const std::string old_member = "\"status\": \"" + old_status + '"';
  std::string changed = record;
  return changed.replace(changed.find(old_member), old_member.size(), "\"status\": \"" + status + '"');
}

}  // namespace basecache::glance
