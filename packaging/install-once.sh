#!/bin/sh
# install-once.sh FILE DIRECTORY: for "meson install" (DIRECTORY is below the prefix, unless it is absolute). A file that
# is there already stays.
set -eu
case "$2" in
  /*) directory="${DESTDIR:-}$2" ;;
  *) directory="$MESON_INSTALL_DESTDIR_PREFIX/$2" ;;
esac
target="$directory/$(basename "$1")"
if [ -e "$target" ]; then
  echo "Keeping $target"
else
  install -D -m 0644 "$1" "$target"
  echo "Installing $1 to $directory"
fi
