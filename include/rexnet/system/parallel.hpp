// SPDX-License-Identifier: MIT
// Threads. The only header that uses OpenMP. One parallel region serves a whole image: workers walk through
// the same list of phases and claim the chunks of each phase from a counter.
//
// A worker waits only for chunks that another worker is executing right now. Therefore a pool that runs its
// tasks one after the other still finishes (the first task does all the work), and a slow core of a hybrid
// CPU just claims fewer chunks.
#ifndef REXNET_SYSTEM_PARALLEL_HPP
#define REXNET_SYSTEM_PARALLEL_HPP

#include "rexnet/core/counter.hpp"

#include <type_traits>

#if REXNET_OPENMP
#include <omp.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <sched.h>
#elif defined(_WIN32)
#include <thread>
#endif

namespace rexnet {
inline namespace REXNET_BUILD {

/// A task of a user's pool: fn(context, index) must be called once for each index in [0, n), in any order and
/// on any threads, and all calls must have returned when the pool's function returns.
using task_function = void (*)(void* context, int index);

/// How forward() gets its threads: OpenMP by default, or a pool of the caller's own.
struct executor {
  /// pool(pool_context, fn, context, n); null: OpenMP if compiled with it, else the calling thread.
  void (*pool)(void* pool_context, task_function fn, void* context, int n) = nullptr;
  void* pool_context = nullptr;  ///< handed to the pool as it is
};

namespace detail {

#if REXNET_OPENMP
/// Apart from run_tasks(), because clang asks the runtime for the thread's number where the function begins:
/// one thread alone would start LLVM's OpenMP, a megabyte of it.
REXNET_NOINLINE inline void run_on_openmp(int n, task_function fn, void* context) noexcept {
#if defined(KMP_VERSION_MAJOR)
  // LLVM's threads would spin for 200 ms after the region, taking cores from the caller's own work. The
  // setting belongs to the calling thread and is restored afterwards. Another one than the default, from
  // KMP_BLOCKTIME or OMP_WAIT_POLICY in the environment, is left alone.
  const int blocktime = kmp_get_blocktime();
  if (blocktime == 200) kmp_set_blocktime(2);
#endif
#pragma omp parallel num_threads(n)
  fn(context, omp_get_thread_num());
#if defined(KMP_VERSION_MAJOR)
  kmp_set_blocktime(blocktime);
#endif
}
#endif

inline void run_tasks(const executor& e, int n, task_function fn, void* context) noexcept {
  if (n <= 1) {
    fn(context, 0);
    return;
  }
  if (e.pool != nullptr) {
    e.pool(e.pool_context, fn, context, n);
    return;
  }
#if REXNET_OPENMP
  run_on_openmp(n, fn, context);
#else
  for (int i = 0; i < n; ++i) fn(context, i);
#endif
}

/// Lets another thread have the CPU. On systems without threads there is nothing to wait for.
inline void yield() noexcept {
#if defined(__unix__) || defined(__APPLE__)
  sched_yield();
#elif defined(_WIN32)
  std::this_thread::yield();
#endif
}

/// Progress of one phase, in a cache line of its own, so that phases do not disturb each other.
struct alignas(64) phase_state {
  shared_counter claimed, finished;
};

/// Runs body(context, chunk) for chunks [0, chunks) together with the other workers; returns when all are
/// finished.
REXNET_NOINLINE inline void run_chunks(phase_state& phase, int chunks, bool alone,
                                       void (*body)(void* context, int chunk) noexcept,
                                       void* context) noexcept {
  if (alone) {
    for (int i = 0; i < chunks; ++i) body(context, i);
    return;
  }
  int ran = 0;
  for (int i; (i = phase.claimed.take()) < chunks; ++ran) body(context, i);
  if (ran > 0) phase.finished.add(ran);
  for (int spin = 0; phase.finished.read() < chunks; ++spin)
    if (spin > 2000) yield();  // another worker was taken off the CPU: it gets this one
}

/// The same with body(chunk). One copy of the loops serves a network's ten phases: 1.5 kB less.
template <class Body>
void run_phase(phase_state& phase, int chunks, bool alone, Body&& body) noexcept {
  run_chunks(
      phase, chunks, alone,
      [](void* context, int chunk) noexcept {
        (*static_cast<std::remove_reference_t<Body>*>(context))(chunk);
      },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace detail

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_SYSTEM_PARALLEL_HPP
