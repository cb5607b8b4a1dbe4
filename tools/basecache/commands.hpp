#pragma once

#include "tools/basecache/command.hpp"
#include "tools/basecache/session.hpp"

// Each adds its subcommands to the command line, a file each. What they do happens when the line has been parsed.
namespace basecache::cli {

void add_create(Command root, Session& session);
void add_prepare(Command root, Session& session);
void add_show(Command root, Session& session);
void add_domain_xml(Command root, Session& session);
void add_delete(Command root, Session& session);
void add_config_drive(Command root, Session& session);  // build, show

void add_cache_list(Command cache, Session& session);  // list, show
void add_cache_precache(Command cache, Session& session);
void add_cache_remove(Command cache, Session& session);
void add_cache_pin(Command cache, Session& session);  // pin, unpin
void add_cache_prune(Command cache, Session& session);
void add_cache_verify(Command cache, Session& session);

void add_image(Command root, Session& session);  // import, list, show, delete
void add_inspect(Command root, Session& session);
void add_ops(Command root, Session& session);  // list, cancel
void add_status(Command root, Session& session);

}  // namespace basecache::cli
