// SPDX-License-Identifier: MIT
// Which sanitizer this is compiled with, whatever the compiler: g++ defines a macro, clang has a feature.
#ifndef REXNET_TESTS_SUPPORT_SANITIZERS_HPP
#define REXNET_TESTS_SUPPORT_SANITIZERS_HPP

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define REXNET_ADDRESS_SANITIZER 1
#endif
#if __has_feature(thread_sanitizer)
#define REXNET_THREAD_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(REXNET_ADDRESS_SANITIZER)
#define REXNET_ADDRESS_SANITIZER 1
#endif
#if defined(__SANITIZE_THREAD__) && !defined(REXNET_THREAD_SANITIZER)
#define REXNET_THREAD_SANITIZER 1
#endif

#endif  // REXNET_TESTS_SUPPORT_SANITIZERS_HPP
