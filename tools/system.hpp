// SPDX-License-Identifier: MIT
// What the command needs from the operating system: its arguments in UTF-8, the CPU's name, what is a
// directory.
#ifndef REXNET_TOOLS_SYSTEM_HPP
#define REXNET_TOOLS_SYSTEM_HPP

#include "rexnet/system/windows.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#if defined(_WIN32)
#include <shellapi.h>
#endif

namespace rexnet_tools {

#if defined(_WIN32)

/// main()'s arguments in UTF-8. Windows gives main() the characters of its code page alone, so they are taken
/// from the command line again; and the console is set to UTF-8.
inline std::vector<std::string> utf8_arguments(int argc, char** argv) {
  SetConsoleOutputCP(CP_UTF8);
  int count = 0;
  wchar_t** wide = CommandLineToArgvW(GetCommandLineW(), &count);
  if (wide == nullptr) return {argv, argv + argc};
  std::vector<std::string> arguments;
  for (int i = 0; i < count; ++i) arguments.push_back(rexnet::detail::utf8(wide[i]));
  LocalFree(wide);
  return arguments;
}

inline std::string cpu_name() {
  char name[256] = {};
  DWORD size = sizeof(name);
  const LSTATUS found = RegGetValueA(HKEY_LOCAL_MACHINE, "HARDWARE\\DESCRIPTION\\System\\CentralProcessor\\0",
                                     "ProcessorNameString", RRF_RT_REG_SZ, nullptr, name, &size);
  return found == ERROR_SUCCESS && name[0] != '\0' ? name : "unknown CPU";
}

#else

inline std::vector<std::string> utf8_arguments(int argc, char** argv) {
  return {argv, argv + argc};
}

inline std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown CPU";
}

#endif

/// Whether `path` (UTF-8) is a directory or leads to one; false where that cannot be known.
inline bool is_directory(const std::string& path) {
  std::error_code none;
  return std::filesystem::is_directory(std::filesystem::u8path(path), none);
}

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_SYSTEM_HPP
