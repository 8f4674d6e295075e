/* SPDX-License-Identifier: MIT */
/* A plain C program: the answers, from one thread and from eight. Usage: answers MODEL DIRECTORY (of
 * pictures.py) */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <math.h>
#include <pthread.h>

enum { classes = 10, users = 8 };

static rexnet_model* load(const char* path, uint32_t flags) {
  rexnet_error error;
  rexnet_model* model = NULL;
  if (rexnet_model_load(path, flags, &model, &error) != REXNET_OK) fprintf(stderr, "%s\n", error.message);
  REQUIRE(model != NULL);
  return model;
}

static rexnet_classifier* classifier_of(const rexnet_model* model, int threads) {
  rexnet_options options = REXNET_OPTIONS_INIT;
  rexnet_classifier* c = NULL;
  options.threads = threads;
  REQUIRE(rexnet_classifier_new(model, &options, &c, NULL) == REXNET_OK);
  return c;
}

/* PyTorch's label, probability and logits for each picture. */
static void check_expected(const rexnet_model* model, const char* directory) {
  char path[4096], name[64], label[64];
  double probability, expected;
  int pictures = 0, i;
  rexnet_classifier* c = classifier_of(model, 1);
  FILE* list;
  snprintf(path, sizeof(path), "%s/expected.txt", directory);
  list = fopen(path, "r");
  REQUIRE(list != NULL);
  while (fscanf(list, "%63s %63s %lf", name, label, &probability) == 3) {
    rexnet_scored_class top[classes + 2], best;
    float logits[classes];
    size_t count = 0;
    double sum = 0, worst = 0, largest = 0;
    file_bytes keep;
    rexnet_picture picture;
    rexnet_error error;
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    picture = read_ppm(path, &keep);
    CHECK(rexnet_classify(c, &picture, top, classes + 2, &count, &error) == REXNET_OK);
    CHECK(error.status == REXNET_OK && error.message[0] == '\0');
    CHECK(count == classes);
    CHECK(strcmp(rexnet_model_label(model, top[0].index), label) == 0);
    for (i = 0; i < classes; ++i) sum += top[i].probability;
    CHECK(fabs(sum - 1) < 1e-5);
    for (i = 1; i < classes; ++i) CHECK(top[i - 1].probability >= top[i].probability);
    CHECK(rexnet_classify(c, &picture, &best, 1, NULL, NULL) == REXNET_OK);
    CHECK(best.index == top[0].index && best.probability == top[0].probability);
    CHECK(rexnet_logits(c, &picture, logits, classes, NULL) == REXNET_OK);
    for (i = 0; i < classes; ++i) {
      REQUIRE(fscanf(list, "%lf", &expected) == 1);
      worst = fmax(worst, fabs(logits[i] - expected));
      largest = fmax(largest, fabs(expected));
    }
    /* The bundled weights are float16: each is off by up to 2^-11, and 54 layers add up. */
    CHECK(worst <= 8 * largest / 2048);
    CHECK(fabs(top[0].probability - probability) <= worst);
    free(keep.bytes);
    ++pictures;
  }
  CHECK(pictures == 5);
  fclose(list);
  rexnet_classifier_free(c);
}

/* The same picture in every form has the same logits, to the last bit. */
static void check_formats(const rexnet_model* model, const rexnet_picture* rgb) {
  const int w = rgb->width, h = rgb->height;
  const ptrdiff_t stride = 4 * w + 12; /* with gaps */
  uint8_t* other = malloc((size_t)stride * (size_t)h);
  float expected[classes], found[classes];
  rexnet_classifier* c = classifier_of(model, 1);
  int format, x, y;
  REQUIRE(other != NULL);
  CHECK(rexnet_logits(c, rgb, expected, classes, NULL) == REXNET_OK);
  for (format = REXNET_RGB; format <= REXNET_BGRA; ++format) {
    const int step = format < REXNET_RGBA ? 3 : 4, swap = format == REXNET_BGR || format == REXNET_BGRA;
    rexnet_picture p = {other, w, h, stride, format};
    memset(other, 0xee, (size_t)stride * (size_t)h);
    for (y = 0; y < h; ++y)
      for (x = 0; x < w; ++x) {
        const uint8_t* from = rgb->pixels + 3 * (y * w + x);
        uint8_t* to = other + y * stride + x * step;
        to[0] = from[swap ? 2 : 0], to[1] = from[1], to[2] = from[swap ? 0 : 2];
      }
    CHECK(rexnet_logits(c, &p, found, classes, NULL) == REXNET_OK);
    CHECK(memcmp(found, expected, sizeof(found)) == 0);
  }
  { /* bottom-up: the last row lies first */
    rexnet_picture p = {other + (h - 1) * 3 * w, w, h, -3 * (ptrdiff_t)w, REXNET_RGB};
    for (y = 0; y < h; ++y) memcpy(other + (h - 1 - y) * 3 * w, rgb->pixels + y * 3 * w, (size_t)(3 * w));
    CHECK(rexnet_logits(c, &p, found, classes, NULL) == REXNET_OK);
    CHECK(memcmp(found, expected, sizeof(found)) == 0);
  }
  { /* grey, and grey as RGB */
    rexnet_picture grey = {rgb->pixels, w, h, 0, REXNET_GREY}, same = {other, w, h, 0, REXNET_RGB};
    for (x = 0; x < w * h; ++x) memset(other + 3 * x, rgb->pixels[x], 3);
    CHECK(rexnet_logits(c, &grey, found, classes, NULL) == REXNET_OK);
    CHECK(rexnet_logits(c, &same, expected, classes, NULL) == REXNET_OK);
    CHECK(memcmp(found, expected, sizeof(found)) == 0);
  }
  rexnet_classifier_free(c);
  free(other);
}

/* Pictures of different sizes in one call: the bits of each alone, for every number of threads. */
static void check_batches(const rexnet_model* model, const char* directory) {
  static const char* const names[] = {"dress", "hat", "longsleeve", "pants", "t-shirt"};
  enum { pictures = 5, features = 1280, room = 3 };
  static float logits[pictures][classes], found[pictures][classes], embedded[pictures][features],
      found_features[pictures][features];
  rexnet_scored_class best[pictures], top[pictures][room];
  rexnet_picture all[pictures];
  file_bytes keep[pictures];
  char path[4096];
  int i, n, threads;
  rexnet_classifier* c = classifier_of(model, 1);
  for (i = 0; i < pictures; ++i) {
    snprintf(path, sizeof(path), "%s/%s.ppm", directory, names[i]);
    all[i] = read_ppm(path, &keep[i]);
    all[i].height -= 10 * i; /* different sizes */
    CHECK(rexnet_logits(c, &all[i], logits[i], classes, NULL) == REXNET_OK);
    CHECK(rexnet_features(c, &all[i], embedded[i], features, NULL) == REXNET_OK);
    CHECK(rexnet_classify(c, &all[i], &best[i], 1, NULL, NULL) == REXNET_OK);
  }
  rexnet_classifier_free(c);
  for (threads = 1; threads <= 8; ++threads) {
    c = classifier_of(model, threads);
    for (n = 0; n <= pictures; ++n) {
      size_t count = 0;
      rexnet_error error;
      memset(found, 0, sizeof(found));
      memset(found_features, 0, sizeof(found_features));
      CHECK(rexnet_logits_batch(c, all, (size_t)n, found[0], sizeof(found) / sizeof(float), &error) ==
            REXNET_OK);
      CHECK(error.status == REXNET_OK && error.message[0] == '\0');
      CHECK(memcmp(found, logits, (size_t)n * sizeof(found[0])) == 0);
      CHECK(n == pictures || found[n][0] == 0);
      CHECK(rexnet_features_batch(c, all, (size_t)n, found_features[0], (size_t)n * features, &error) ==
            REXNET_OK);
      CHECK(memcmp(found_features, embedded, (size_t)n * sizeof(found_features[0])) == 0);
      CHECK(rexnet_classify_batch(c, all, (size_t)n, top[0], room, &count, &error) == REXNET_OK);
      CHECK(count == room);
      for (i = 0; i < n; ++i) {
        CHECK(top[i][0].index == best[i].index && top[i][0].probability == best[i].probability);
        CHECK(top[i][0].probability >= top[i][1].probability);
      }
    }
    rexnet_classifier_free(c);
  }
  for (i = 0; i < pictures; ++i) free(keep[i].bytes);
}

/* A model that was loaded in another way, freed before its classifier works. */
static void check_same(rexnet_model* model, const rexnet_picture* picture, const float* expected) {
  float found[classes];
  rexnet_classifier* c = classifier_of(model, 1);
  rexnet_model_free(model);
  CHECK(rexnet_logits(c, picture, found, classes, NULL) == REXNET_OK);
  CHECK(memcmp(found, expected, sizeof(found)) == 0);
  rexnet_classifier_free(c);
}

typedef struct {
  const rexnet_model* model;
  const rexnet_picture* picture;
  rexnet_classifier* shared; /* by all, against the rule */
  const float* expected;
  int number, wrong, answered;
} user;

static void* use(void* context) {
  user* u = context;
  float found[classes];
  int i;
  /* Every other one lets two threads work on a picture. */
  rexnet_classifier* mine = classifier_of(u->model, 1 + u->number % 2);
  for (i = 0; i < 3; ++i) {
    rexnet_error error;
    memset(found, 0, sizeof(found));
    u->wrong += rexnet_logits(mine, u->picture, found, classes, &error) != REXNET_OK ||
                memcmp(found, u->expected, sizeof(found)) != 0;
    switch (rexnet_logits(u->shared, u->picture, found, classes, &error)) {
      case REXNET_OK:
        ++u->answered;
        u->wrong += memcmp(found, u->expected, sizeof(found)) != 0;
        break;
      case REXNET_BUSY: u->wrong += strstr(error.message, "another thread") == NULL; break;
      default: ++u->wrong;
    }
  }
  rexnet_classifier_free(mine);
  return NULL;
}

static void check_threads(const rexnet_model* model, const rexnet_picture* picture, const float* expected) {
  pthread_t team[users];
  user all[users];
  rexnet_classifier* shared = classifier_of(model, 1);
  int i, answered = 0;
  for (i = 0; i < users; ++i) {
    const user u = {model, picture, shared, expected, i, 0, 0};
    all[i] = u;
    REQUIRE(pthread_create(&team[i], NULL, use, &all[i]) == 0);
  }
  for (i = 0; i < users; ++i) {
    pthread_join(team[i], NULL);
    CHECK(all[i].wrong == 0);
    answered += all[i].answered;
  }
  CHECK(answered > 0);
  printf("one classifier for %d threads: %d of %d calls answered, the others refused\n", (int)users, answered,
         3 * (int)users);
  rexnet_classifier_free(shared);
}

int main(int argc, char** argv) {
  char path[4096];
  file_bytes keep, file;
  rexnet_picture picture;
  rexnet_model *model, *other = NULL;
  float expected[classes], found[classes];
  rexnet_classifier* c;
  int threads;
  REQUIRE(argc == 3);
  printf("%s, %s\n", rexnet_version(), rexnet_instruction_set());
  model = load(argv[1], 0);
  CHECK(rexnet_model_class_count(model) == classes);
  CHECK(rexnet_model_feature_count(model) == 1280);
  CHECK(rexnet_model_input_size(model) == 112);
  CHECK(strcmp(rexnet_model_variant(model), "v1 1.0x") == 0);
  check_expected(model, argv[2]);

  snprintf(path, sizeof(path), "%s/dress.ppm", argv[2]);
  picture = read_ppm(path, &keep);
  check_formats(model, &picture);
  c = classifier_of(model, 1);
  CHECK(rexnet_logits(c, &picture, expected, classes, NULL) == REXNET_OK);
  rexnet_classifier_free(c);
  for (threads = 2; threads <= 64; threads *= 4) {
    c = classifier_of(model, threads);
    CHECK(rexnet_logits(c, &picture, found, classes, NULL) == REXNET_OK);
    CHECK(memcmp(found, expected, sizeof(found)) == 0);
    rexnet_classifier_free(c);
  }

  check_same(load(argv[1], REXNET_LOAD_MAPPED | REXNET_LOAD_VERIFY), &picture, expected);
  file = read_file(argv[1]);
  file.bytes = realloc(file.bytes, file.size + 1);
  REQUIRE(file.bytes != NULL);
  memmove(file.bytes + 1, file.bytes, file.size); /* no alignment */
  CHECK(rexnet_model_load_memory(file.bytes + 1, file.size, 0, &other, NULL) == REXNET_OK);
  free(file.bytes);
  check_same(other, &picture, expected);

  check_batches(model, argv[2]);
  check_threads(model, &picture, expected);
  rexnet_model_free(model);
  free(keep.bytes);
  return failures != 0;
}
