/* SPDX-License-Identifier: MIT */
/* A picture's five most probable classes. Usage: classify MODEL PICTURE.ppm (binary, P6: pixels as they are)
 */
#include <rexnet.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  rexnet_error error;
  rexnet_model* model;
  rexnet_classifier* classifier;
  rexnet_scored_class top[5];
  size_t count, i;
  int width, height;
  FILE* file = argc == 3 ? fopen(argv[2], "rb") : NULL;
  if (!file || fscanf(file, "P6 %4d %4d 255", &width, &height) != 2 || width < 1 || height < 1)
    return fprintf(stderr, "usage: classify MODEL PICTURE.ppm\n"), 2;
  fgetc(file);
  const size_t bytes = (size_t)width * (size_t)height * 3;
  uint8_t* pixels = malloc(bytes);
  if (!pixels || fread(pixels, 1, bytes, file) != bytes)
    return fprintf(stderr, "%s: cut short\n", argv[2]), 1;
  const rexnet_picture picture = {pixels, width, height, 0, REXNET_RGB};
  if (rexnet_model_load(argv[1], 0, &model, &error) != REXNET_OK ||
      rexnet_classifier_new(model, NULL, &classifier, &error) != REXNET_OK ||
      rexnet_classify(classifier, &picture, top, 5, &count, &error) != REXNET_OK)
    return fprintf(stderr, "%s\n", error.message), 1;
  for (i = 0; i < count; ++i) {
    const char* label = rexnet_model_label(model, top[i].index);
    printf("%6.2f %%  %s\n", 100.0 * top[i].probability, label ? label : "(no label)");
  }
  rexnet_classifier_free(classifier);
  rexnet_model_free(model);
  free(pixels);
  fclose(file);
  return 0;
}
