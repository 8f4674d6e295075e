/* SPDX-License-Identifier: MIT */
/* What a detector finds in a picture: score, label, corners in pixels, a line each.
 * Usage: detect MODEL PICTURE.ppm (binary, P6: pixels as they are) [LEAST_SCORE] */
#include <rexnet.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  rexnet_error error;
  rexnet_model* model;
  rexnet_detector* detector;
  rexnet_detector_options options = REXNET_DETECTOR_OPTIONS_INIT;
  size_t count, i;
  int width, height;
  FILE* file = argc == 3 || argc == 4 ? fopen(argv[2], "rb") : NULL;
  if (!file || fscanf(file, "P6 %4d %4d 255", &width, &height) != 2 || width < 1 || height < 1)
    return fprintf(stderr, "usage: detect MODEL PICTURE.ppm [LEAST_SCORE]\n"), 2;
  fgetc(file);
  const size_t bytes = (size_t)width * (size_t)height * 3;
  uint8_t* pixels = malloc(bytes);
  if (!pixels || fread(pixels, 1, bytes, file) != bytes)
    return fprintf(stderr, "%s: cut short\n", argv[2]), 1;
  const rexnet_picture picture = {pixels, width, height, 0, REXNET_RGB};
  options.score = argc == 4 ? strtod(argv[3], NULL) : 0.3;
  if (rexnet_model_load(argv[1], 0, &model, &error) != REXNET_OK ||
      rexnet_detector_new(model, &options, &detector, &error) != REXNET_OK)
    return fprintf(stderr, "%s\n", error.message), 1;
  const size_t capacity = (size_t)rexnet_detector_capacity(detector);
  rexnet_detection* found = malloc(capacity * sizeof(*found));
  if (!found) return fprintf(stderr, "out of memory\n"), 1;
  if (rexnet_detect(detector, &picture, found, capacity, &count, &error) != REXNET_OK)
    return fprintf(stderr, "%s\n", error.message), 1;
  for (i = 0; i < count; ++i) {
    const rexnet_detection* d = &found[i];
    const char* label = rexnet_model_label(model, d->label);
    printf("%6.2f %%  %-20s %7.1f %7.1f %7.1f %7.1f\n", 100.0 * d->score,
           label && *label ? label : "(no label)", d->x1, d->y1, d->x2, d->y2);
  }
  rexnet_detector_free(detector);
  rexnet_model_free(model);
  free(found);
  free(pixels);
  fclose(file);
  return 0;
}
