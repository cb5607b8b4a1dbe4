// Our names of the volumes that standard input asks for, one "UUID DISK" a line, each in a line.
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>

#include "backends/lvm/volume_name.hpp"

int main() {
  try {
    std::string instance;
    std::string disk;
    while (std::cin >> instance >> disk) {
      std::cout << basecache::lvm::volume_name({.instance = instance, .disk = disk}) << '\n';
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
