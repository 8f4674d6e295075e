// SPDX-License-Identifier: MIT
// What ends a process, tested in one of its own. POSIX only.
#ifndef REXNET_TESTS_SUPPORT_CHILD_HPP
#define REXNET_TESTS_SUPPORT_CHILD_HPP

#if !defined(_WIN32)

#include <sys/wait.h>
#include <unistd.h>

namespace rexnet_test {

/// What `child` returned in a process of its own, or minus the signal that ended it. Not for programs with
/// threads.
template <class Child>
[[nodiscard]] int in_child(Child&& child) {
  const ::pid_t pid = ::fork();
  if (pid == 0) ::_exit(child());
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid) return -1000;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace rexnet_test

#endif

#endif  // REXNET_TESTS_SUPPORT_CHILD_HPP
