/* SPDX-License-Identifier: MIT */
/* For the C tests: checks that count, and pictures. */
#ifndef REXNET_TESTS_C_API_CHECK_H
#define REXNET_TESTS_C_API_CHECK_H

#include <rexnet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void check(int holds, const char* text, int line) {
  if (holds) return;
  ++failures;
  fprintf(stderr, "line %d: %s\n", line, text);
}
#define CHECK(condition) check((condition) != 0, #condition, __LINE__)

/* Ends the program where going on makes no sense. */
#define REQUIRE(condition)                                                \
  do {                                                                    \
    if (condition) break;                                                 \
    fprintf(stderr, "line %d: %s does not hold\n", __LINE__, #condition); \
    exit(1);                                                              \
  } while (0)

typedef struct {
  uint8_t* bytes;
  size_t size;
} file_bytes;

static file_bytes read_file(const char* path) {
  file_bytes f = {NULL, 0};
  FILE* file = fopen(path, "rb");
  size_t room = 1 << 16, got;
  REQUIRE(file != NULL);
  f.bytes = malloc(room);
  REQUIRE(f.bytes != NULL);
  while ((got = fread(f.bytes + f.size, 1, room - f.size, file)) > 0) {
    f.size += got;
    if (f.size < room) continue;
    room *= 2;
    f.bytes = realloc(f.bytes, room);
    REQUIRE(f.bytes != NULL);
  }
  fclose(file);
  return f;
}

/* A binary PPM; the pixels stay within *keep. */
static rexnet_picture read_ppm(const char* path, file_bytes* keep) {
  rexnet_picture p = {NULL, 0, 0, 0, REXNET_RGB};
  int width, height, header = 0;
  *keep = read_file(path);
  REQUIRE(keep->size > 20);
  REQUIRE(sscanf((const char*)keep->bytes, "P6 %4d %4d 255%n", &width, &height, &header) == 2 && header > 0);
  p.pixels = keep->bytes + header + 1;
  p.width = width;
  p.height = height;
  REQUIRE(keep->size == (size_t)header + 1 + (size_t)width * (size_t)height * 3);
  return p;
}

#endif /* REXNET_TESTS_C_API_CHECK_H */
