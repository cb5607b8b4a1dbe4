#pragma once

// libisofs.h uses types of these without including them.
#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string_view>

// Declares struct burn_source, which otherwise comes from libburn's header.
#define LIBISOFS_WITHOUT_LIBBURN 1
#include <libisofs/libisofs.h>

namespace basecache::drive {

// Throws Error(internal) when `status` is one of libisofs' failures (negative); `doing` completes "cannot ...".
void check_iso(int status, std::string_view doing);

}  // namespace basecache::drive
