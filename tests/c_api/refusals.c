/* SPDX-License-Identifier: MIT */
/* A plain C program: everything that is refused, and how. Usage: refusals MODEL PICTURE.ppm */
#include "check.h"

#include <limits.h>
#include <stdint.h>

enum { classes = 10 };

static rexnet_error error; /* of the last call */

static void refused(rexnet_status status, rexnet_status expected, const char* part, int line) {
  if (status == expected && error.status == expected && strstr(error.message, part) != NULL) return;
  ++failures;
  fprintf(stderr, "line %d: status %d, error %d \"%s\"; expected %d with \"%s\"\n", line, (int)status,
          (int)error.status, error.message, (int)expected, part);
}
/* `call`, which tells `error`, is refused with `expected`, and the text has `part`. */
#define REFUSED(expected, part, call) refused(call, expected, part, __LINE__)

static void check_loading(const char* path, const char* no_model) {
  rexnet_model *model = NULL, *const untouched = (rexnet_model*)path;
  file_bytes file = read_file(path);
  char* long_path = malloc(3001);
  REFUSED(REXNET_INVALID_ARGUMENT, "path", rexnet_model_load(NULL, 0, &model, &error));
  REFUSED(REXNET_INVALID_ARGUMENT, "model", rexnet_model_load(path, 0, NULL, &error));
  REFUSED(REXNET_INVALID_ARGUMENT, "flags: 4", rexnet_model_load(path, 4, &model, &error));
  REFUSED(REXNET_IO_ERROR, "no-such-file: cannot be opened",
          rexnet_model_load("no-such-file", 0, &model, &error));
  REFUSED(REXNET_IO_ERROR, "no-such-file",
          rexnet_model_load("no-such-file", REXNET_LOAD_MAPPED, &model, &error));
  REFUSED(REXNET_IO_ERROR, "directory", rexnet_model_load(".", 0, &model, &error));
  REFUSED(REXNET_IO_ERROR, "", rexnet_model_load("", 0, &model, &error));
  REFUSED(REXNET_BAD_FILE, no_model, rexnet_model_load(no_model, 0, &model, &error));
  CHECK(rexnet_model_load("no-such-file", 0, &model, NULL) == REXNET_IO_ERROR);
  CHECK(model == NULL);
  model = untouched; /* outputs are written on success only */
  CHECK(rexnet_model_load("no-such-file", 0, &model, NULL) == REXNET_IO_ERROR && model == untouched);
  model = NULL;

  REFUSED(REXNET_INVALID_ARGUMENT, "bytes", rexnet_model_load_memory(NULL, 5, 0, &model, &error));
  REFUSED(REXNET_INVALID_ARGUMENT, "model", rexnet_model_load_memory(file.bytes, file.size, 0, NULL, &error));
  REFUSED(REXNET_INVALID_ARGUMENT, "flags: 1",
          rexnet_model_load_memory(file.bytes, file.size, REXNET_LOAD_MAPPED, &model, &error));
  REFUSED(REXNET_BAD_FILE, "", rexnet_model_load_memory(file.bytes, 0, 0, &model, &error));
  REFUSED(REXNET_BAD_FILE, "", rexnet_model_load_memory("garbage, no model", 17, 0, &model, &error));
  REFUSED(REXNET_BAD_FILE, "packed file",
          rexnet_model_load_memory(file.bytes, file.size / 2, 0, &model, &error));
  REFUSED(REXNET_BAD_FILE, "packed file", rexnet_model_load_memory(file.bytes, 100, 0, &model, &error));
  file.bytes[file.size / 2] ^= 1; /* a weight: seen by those who ask */
  REFUSED(REXNET_BAD_FILE, "checksum",
          rexnet_model_load_memory(file.bytes, file.size, REXNET_LOAD_VERIFY, &model, &error));
  CHECK(rexnet_model_load_memory(file.bytes, file.size, 0, &model, NULL) == REXNET_OK);
  rexnet_model_free(model);

  /* A path longer than the message: its beginning and the reason are kept. */
  REQUIRE(long_path != NULL);
  memset(long_path, 'x', 3000);
  memcpy(long_path, "begin", 5);
  long_path[3000] = '\0';
  model = NULL;
  REFUSED(REXNET_IO_ERROR, "cannot be opened", rexnet_model_load(long_path, 0, &model, &error));
  rexnet_model_load(long_path, 0, &model, &error);
  CHECK(strncmp(error.message, "beginxxx", 8) == 0 && strstr(error.message, "x ... x") != NULL);
  CHECK(strlen(error.message) > 500 && strlen(error.message) < sizeof(error.message));
  /* The same in characters of three bytes, of which none is cut, wherever the ends fall. */
  {
    size_t shift, i;
    for (shift = 0; shift < 3; ++shift) {
      for (i = 0; i < shift; ++i) long_path[i] = 'y';
      for (i = 0; i < 900; ++i) memcpy(long_path + shift + 3 * i, "\xe2\x82\xac", 3);
      long_path[shift + 2700] = '\0';
      rexnet_model_load(long_path, 0, &model, &error);
      CHECK(strstr(error.message, "\xac ... \xe2") != NULL);
    }
  }
  free(long_path);
  free(file.bytes);
}

static void check_options(const rexnet_model* model) {
  static const struct {
    int32_t threads, input_size;
    const char* text;
  } bad[] = {{-1, 0, "-1 threads"},
             {65, 0, "65 threads"},
             {0, -5, "input size -5: must be 1 to 16384"},
             {1, 16385, "input size 16385: must be 1 to 16384"},
             {INT32_MIN, 0, "threads"}};
  struct {
    rexnet_options known;
    int32_t newer;
  } later = {{sizeof(later), 0, 0}, 0};
  rexnet_options o = REXNET_OPTIONS_INIT;
  rexnet_classifier* c = NULL;
  size_t i;
  REFUSED(REXNET_INVALID_ARGUMENT, "model", rexnet_classifier_new(NULL, NULL, &c, &error));
  REFUSED(REXNET_INVALID_ARGUMENT, "classifier", rexnet_classifier_new(model, NULL, NULL, &error));
  for (i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i) {
    o.threads = bad[i].threads, o.input_size = bad[i].input_size;
    REFUSED(REXNET_INVALID_ARGUMENT, bad[i].text, rexnet_classifier_new(model, &o, &c, &error));
  }
  memset(&o, 0, sizeof(o));
  REFUSED(REXNET_INVALID_ARGUMENT, "size 0", rexnet_classifier_new(model, &o, &c, &error));
  o.size = 8;
  REFUSED(REXNET_INVALID_ARGUMENT, "size 8", rexnet_classifier_new(model, &o, &c, &error));
  o.size = UINT32_MAX;
  REFUSED(REXNET_INVALID_ARGUMENT, "size", rexnet_classifier_new(model, &o, &c, &error));
  later.newer = 1;
  REFUSED(REXNET_UNSUPPORTED, rexnet_version(), rexnet_classifier_new(model, &later.known, &c, &error));
  CHECK(c == NULL);
  later.newer = 0;
  CHECK(rexnet_classifier_new(model, &later.known, &c, &error) == REXNET_OK && error.status == REXNET_OK);
  rexnet_classifier_free(c);
}

/* A batch answers for all of its pictures or for none. */
static void check_batches(rexnet_classifier* c, const rexnet_picture* good, const rexnet_picture* bad) {
  rexnet_picture three[3];
  rexnet_scored_class top[3 * classes];
  float logits[3 * classes], *features = malloc(3 * 1280 * sizeof(float));
  size_t i, count = 77;
  REQUIRE(features != NULL);
  for (i = 0; i < 3; ++i) three[i] = *good, top[i * classes].index = -7, logits[i * classes] = 123;
  three[2] = *bad;
  features[0] = 123;
  REFUSED(REXNET_INVALID_ARGUMENT, "pictures[2]: picture of 0 x ",
          rexnet_classify_batch(c, three, 3, top, classes, &count, &error));
  REFUSED(REXNET_INVALID_ARGUMENT,
          "pictures[2]: ", rexnet_logits_batch(c, three, 3, logits, 3 * classes, &error));
  REFUSED(REXNET_INVALID_ARGUMENT,
          "pictures[2]: ", rexnet_features_batch(c, three, 3, features, 3 * 1280, &error));
  three[1].format = 9;
  REFUSED(REXNET_INVALID_ARGUMENT, "pictures[1]: picture: format 9",
          rexnet_logits_batch(c, three, 3, logits, 3 * classes, &error));
  three[1] = three[2] = *good;
  REFUSED(REXNET_INVALID_ARGUMENT, "classifier",
          rexnet_classify_batch(NULL, three, 3, top, classes, &count, &error));
  REFUSED(REXNET_INVALID_ARGUMENT, "picture",
          rexnet_classify_batch(c, NULL, 3, top, classes, &count, &error));
  REFUSED(REXNET_INVALID_ARGUMENT, "answer",
          rexnet_classify_batch(c, three, 3, NULL, classes, &count, &error));
  REFUSED(REXNET_INVALID_ARGUMENT, "capacity", rexnet_classify_batch(c, three, 3, top, 0, &count, &error));
  REFUSED(REXNET_INVALID_ARGUMENT, "answer", rexnet_logits_batch(c, three, 3, NULL, 3 * classes, &error));
  REFUSED(REXNET_BUFFER_TOO_SMALL, "room for 29 floats, the answer has 3 times 10",
          rexnet_logits_batch(c, three, 3, logits, 29, &error));
  REFUSED(REXNET_BUFFER_TOO_SMALL, "3 times 1280",
          rexnet_features_batch(c, three, 3, features, 3 * 1280 - 1, &error));
  REFUSED(REXNET_UNSUPPORTED, "pictures at once",
          rexnet_classify_batch(c, three, SIZE_MAX, top, classes, &count, &error));
  REFUSED(REXNET_BUFFER_TOO_SMALL, "times 10", rexnet_logits_batch(c, three, 1u << 30, logits, 30, &error));
  CHECK(count == 77 && top[0].index == -7 && logits[0] == 123.0f && features[0] == 123.0f);
  /* No pictures are no error. */
  CHECK(rexnet_classify_batch(c, NULL, 0, NULL, 5, &count, &error) == REXNET_OK && count == 5);
  CHECK(rexnet_logits_batch(c, NULL, 0, NULL, 0, &error) == REXNET_OK && error.message[0] == '\0');
  CHECK(rexnet_features_batch(c, NULL, 0, NULL, 0, NULL) == REXNET_OK);
  free(features);
}

/* Bytes of a path that a terminal would act on, or that are no UTF-8, come back as escapes. */
static void check_texts(void) {
  rexnet_model* model = NULL;
  REFUSED(REXNET_IO_ERROR, "a\\x1b[31m\\x07\\n\\xff: cannot be opened",
          rexnet_model_load("a\x1b[31m\x07\n\xff", 0, &model, &error));
  REFUSED(REXNET_IO_ERROR, "caf\xc3\xa9: cannot be opened",
          rexnet_model_load("caf\xc3\xa9", 0, &model, &error));
}

static void check_pictures(const rexnet_model* model, const rexnet_picture* good) {
  const int32_t w = good->width, h = good->height;
  const uint8_t* const data = good->pixels;
  const rexnet_picture bad[] = {{NULL, w, h, 0, REXNET_RGB},
                                {data, 0, h, 0, REXNET_RGB},
                                {data, w, 0, 0, REXNET_RGB},
                                {data, -w, h, 0, REXNET_RGB},
                                {data, w, -h, 0, REXNET_RGB},
                                {data, 65537, 1, 0, REXNET_RGB},
                                {data, INT32_MAX, INT32_MAX, 0, 0},
                                {data, INT32_MIN, INT32_MIN, 0, 0},
                                {data, 1, 65536, 0, REXNET_GREY},
                                {data, w, h, 3 * w - 1, REXNET_RGB},
                                {data, w, h, 3 * w, REXNET_RGBA},
                                {data, w, h, 1 - 3 * w, REXNET_RGB},
                                {data, w, h, 1, REXNET_RGB},
                                {data, w, h, PTRDIFF_MAX, REXNET_RGB},
                                {data, w, h, PTRDIFF_MIN, REXNET_RGB},
                                {data, w, h, 0, -1},
                                {data, w, h, 0, 5},
                                {data, w, h, 0, INT32_MAX}};
  rexnet_scored_class top[classes];
  float logits[classes], features[1280];
  rexnet_classifier* c = NULL;
  size_t i, count = 77;
  REQUIRE(rexnet_classifier_new(model, NULL, &c, NULL) == REXNET_OK);
  for (i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i) {
    REFUSED(REXNET_INVALID_ARGUMENT, "picture", rexnet_classify(c, &bad[i], top, classes, &count, &error));
    REFUSED(REXNET_INVALID_ARGUMENT, "picture", rexnet_logits(c, &bad[i], logits, classes, &error));
    REFUSED(REXNET_INVALID_ARGUMENT, "picture", rexnet_features(c, &bad[i], features, 1280, &error));
  }
  REFUSED(REXNET_INVALID_ARGUMENT, "classifier", rexnet_classify(NULL, good, top, classes, &count, &error));
  REFUSED(REXNET_INVALID_ARGUMENT, "picture", rexnet_classify(c, NULL, top, classes, &count, &error));
  REFUSED(REXNET_INVALID_ARGUMENT, "answer", rexnet_classify(c, good, NULL, classes, &count, &error));
  REFUSED(REXNET_INVALID_ARGUMENT, "capacity", rexnet_classify(c, good, top, 0, &count, &error));
  REFUSED(REXNET_INVALID_ARGUMENT, "classifier", rexnet_logits(NULL, good, logits, classes, &error));
  REFUSED(REXNET_INVALID_ARGUMENT, "picture", rexnet_logits(c, NULL, logits, classes, &error));
  REFUSED(REXNET_INVALID_ARGUMENT, "answer", rexnet_logits(c, good, NULL, classes, &error));
  REFUSED(REXNET_INVALID_ARGUMENT, "answer", rexnet_features(c, good, NULL, 1280, &error));
  logits[0] = 123;
  REFUSED(REXNET_BUFFER_TOO_SMALL, "room for 9 floats, the answer has 10",
          rexnet_logits(c, good, logits, 9, &error));
  REFUSED(REXNET_BUFFER_TOO_SMALL, "1280", rexnet_features(c, good, features, 1279, &error));
  CHECK(count == 77 && logits[0] == 123.0f);
  check_batches(c, good, &bad[1]);
  /* None of this has done any harm; more threads than the system has processors, and a size of the caller's.
   */
  CHECK(rexnet_classify(c, good, top, 1, &count, &error) == REXNET_OK && count == 1);
  CHECK(strcmp(rexnet_model_label(model, top[0].index), "dress") == 0);
  rexnet_classifier_free(c);
}

int main(int argc, char** argv) {
  rexnet_model* model = NULL;
  file_bytes keep;
  rexnet_picture picture;
  int32_t status;
  char version[32];
  REQUIRE(argc == 3);
  snprintf(version, sizeof(version), "%d.%d.%d", REXNET_VERSION_MAJOR, REXNET_VERSION_MINOR,
           REXNET_VERSION_PATCH);
  CHECK(strcmp(rexnet_version(), version) == 0);
  for (status = REXNET_OK; status <= REXNET_INTERNAL; ++status)
    CHECK(strcmp(rexnet_status_text(status), "unknown status") != 0);
  CHECK(strcmp(rexnet_status_text(-1), "unknown status") == 0);
  CHECK(strcmp(rexnet_status_text(REXNET_INTERNAL + 1), "unknown status") == 0);
  CHECK(rexnet_available_cpus() >= 1);
  CHECK(strcmp(rexnet_instruction_set(), "none") != 0);

  rexnet_model_free(NULL);
  rexnet_classifier_free(NULL);
  CHECK(rexnet_model_class_count(NULL) == -1 && rexnet_model_feature_count(NULL) == -1);
  CHECK(rexnet_model_input_size(NULL) == -1 && rexnet_model_variant(NULL) == NULL);
  CHECK(rexnet_model_label(NULL, 0) == NULL);

  check_loading(argv[1], argv[2]);
  check_texts();
  REQUIRE(rexnet_model_load(argv[1], 0, &model, NULL) == REXNET_OK);
  CHECK(rexnet_model_label(model, 0) != NULL && rexnet_model_label(model, classes - 1) != NULL);
  CHECK(rexnet_model_label(model, -1) == NULL && rexnet_model_label(model, classes) == NULL);
  CHECK(rexnet_model_label(model, INT32_MIN) == NULL && rexnet_model_label(model, INT32_MAX) == NULL);
  picture = read_ppm(argv[2], &keep);
  check_options(model);
  check_pictures(model, &picture);
  rexnet_model_free(model);
  free(keep.bytes);
  return failures != 0;
}
