#pragma once

#include <string>
#include <string_view>

namespace basecache::injection {

// 16 letters, digits, dots and slashes, drawn at random.
std::string random_salt();

// The crypt of a password by SHA-512, "$6$<salt>$..." (crypt(5)). Nova's is an MD5 one. Error(internal) without the
// password in it.
std::string sha512_crypt(const std::string& password, const std::string& salt);

// The text of /etc/shadow in which root has that crypt. As nova/virt/disk/api.py, _set_passwd: root must stand in both
// files. Error(image_unacceptable).
std::string with_password(std::string_view passwd, std::string_view shadow, std::string_view crypt);

}  // namespace basecache::injection
