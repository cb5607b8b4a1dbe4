#pragma once

#include <CLI/CLI.hpp>

#include "tools/basecache/session.hpp"

// Each adds its subcommands to the command line, a file each. What they do happens when the line has been parsed.
namespace basecache::cli {

void add_create(CLI::App& app, Session& session);
void add_show(CLI::App& app, Session& session);
void add_delete(CLI::App& app, Session& session);

void add_cache_list(CLI::App& cache, Session& session);  // list, show
void add_cache_precache(CLI::App& cache, Session& session);
void add_cache_remove(CLI::App& cache, Session& session);
void add_cache_pin(CLI::App& cache, Session& session);  // pin, unpin
void add_cache_prune(CLI::App& cache, Session& session);

void add_image(CLI::App& app, Session& session);  // import, list, show, remove
void add_ops(CLI::App& app, Session& session);    // list, cancel
void add_status(CLI::App& app, Session& session);

}  // namespace basecache::cli
