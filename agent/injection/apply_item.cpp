#include "agent/injection/apply_item.hpp"

#include <algorithm>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/injection/password.hpp"

namespace basecache::injection {
namespace {

std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

// A guest with SELinux must give the new files their context, at its next boot.
void restore_context_at_boot(GuestTree& tree) {
  if (!tree.has("/etc/selinux")) return;
  std::string script = "/etc/rc.local";
  bool is_there = tree.has(script);
  if (!is_there && tree.has("/etc/rc.d")) {
    script = "/etc/rc.d/rc.local";
    is_there = tree.has(script);
  }
  tree.write_file({.path = script,
                   .bytes = std::string(is_there ? "" : "#!/bin/sh") +
                            "\n# Added by Nova to ensure injected ssh keys have the right context\n"
                            "restorecon -RF root/.ssh 2>/dev/null || :\n",
                   .appends = true,
                   .mode = 0700});
}

void apply_key(std::string_view key, GuestTree& tree) {
  tree.make_directory("/root/.ssh", 0700);
  tree.write_file(
      {.path = "/root/.ssh/authorized_keys",
       .bytes = "\n# The following ssh key was injected by Nova\n" + std::string(without_blanks(key)) + "\n",
       .appends = true,
       .mode = 0600});
  restore_context_at_boot(tree);
}

void apply_network(const std::string& text, GuestTree& tree) {
  tree.make_directory("/etc/network", 0744);
  tree.write_file({.path = "/etc/network/interfaces", .bytes = text});
}

void apply_password(const std::string& crypt, GuestTree& tree) {
  const std::string passwd = tree.read_file("/etc/passwd");
  tree.write_file({.path = "/etc/shadow", .bytes = with_password(passwd, tree.read_file("/etc/shadow"), crypt)});
}

void apply_file(const model::InjectedFile& file, GuestTree& tree) {
  const std::string directory = file.path.substr(0, file.path.rfind('/'));
  if (!directory.empty() && !tree.has(directory)) tree.make_directory(directory, 0744);
  tree.write_file({.path = file.path, .bytes = file.contents});
}

}  // namespace

void apply_item(const Item& item, GuestTree& tree) {
  switch (item.kind) {
    case ItemKind::key:
      return apply_key(item.text, tree);
    case ItemKind::network:
      return apply_network(item.text, tree);
    case ItemKind::metadata:
      return tree.write_file({.path = "/meta.js", .bytes = item.text});
    case ItemKind::admin_password:
      return apply_password(item.text, tree);
    case ItemKind::files:
      for (const model::InjectedFile& file : item.files) apply_file(file, tree);
      return;
  }
  throw Error(ErrorCode::internal, "no such item of an injection");
}

}  // namespace basecache::injection
