/* SPDX-License-Identifier: MIT */
/**
 * @file rexnet.h
 * The C interface of rexnet: load a ReXNet, classify pictures, find things in them. C99, C++, and whatever
 * calls C (Python's ctypes, Rust, Go, C#). Link librexnet; docs/c-api.md has examples in C and Python.
 *
 * A rexnet_model is immutable: any number of threads may use one. A rexnet_classifier or a rexnet_detector
 * holds the memory that a forward pass works in: one per thread. Pictures are pixels; the program decodes its
 * files.
 *
 * Errors. Every function that can fail returns a rexnet_status and takes a rexnet_error of the caller's, or
 * NULL, as its last argument, which gets the reason in words. It is the caller's so that the library keeps no
 * state for a thread: what one thread is told no other overwrites, the text lives as long as the caller
 * wants, and languages whose tasks change threads between two calls (Go, virtual threads) read the right one.
 * No function throws, prints or ends the program. Output arguments are written on REXNET_OK only.
 *
 * Strings are UTF-8 and end with a zero byte; those that functions return are the library's or the model's:
 * not to be freed.
 */
#ifndef REXNET_H
#define REXNET_H

#include <stddef.h>
#include <stdint.h>

#define REXNET_VERSION_MAJOR 0 /**< of this header; rexnet_version() tells the library's */
#define REXNET_VERSION_MINOR 1 /**< of this header */
#define REXNET_VERSION_PATCH 0 /**< of this header */

/** @cond */
#if defined(_WIN32) && defined(REXNET_C_BUILDING)
#define REXNET_API __declspec(dllexport)
#elif defined(_WIN32)
#define REXNET_API __declspec(dllimport)
#elif defined(__GNUC__)
#define REXNET_API __attribute__((visibility("default")))
#else
#define REXNET_API
#endif
/** @endcond */

#ifdef __cplusplus
extern "C" {
#endif

/** What a function answers. Numbers never change their meaning; new ones may come. */
typedef int32_t rexnet_status;
enum {
  REXNET_OK = 0,
  REXNET_INVALID_ARGUMENT = 1, /**< a null pointer, a size, stride, format, option or flag that cannot be */
  REXNET_BUFFER_TOO_SMALL = 2, /**< less room than the answer needs; the message tells both numbers */
  REXNET_BUSY = 3,             /**< another thread is using this classifier or detector right now */
  REXNET_IO_ERROR = 4,         /**< the file cannot be opened or read; the message has the system's reason */
  REXNET_BAD_FILE = 5,         /**< no model, a damaged one, or another network; the message tells which */
  REXNET_OUT_OF_MEMORY = 6,
  REXNET_UNSUPPORTED = 7, /**< sound, but not with this model, CPU or version; or beyond a limit */
  REXNET_INTERNAL = 8     /**< a bug of the library */
};

/** Why a call failed. Its size never changes. */
typedef struct rexnet_error {
  rexnet_status status; /**< what the function returned */
  char message[508];    /**< empty after REXNET_OK; texts that are longer lose their middle */
} rexnet_error;

/** Order of the bytes of a pixel. Alpha is dropped, grey is repeated. */
enum { REXNET_RGB = 0, REXNET_BGR = 1, REXNET_RGBA = 2, REXNET_BGRA = 3, REXNET_GREY = 4 };

/** Pixels of the caller's, 8 bits a channel; any size: the library resizes as torchvision does for
 * evaluation. Its size never changes. `rexnet_picture p = {pixels, width, height, 0, REXNET_RGB};` */
typedef struct rexnet_picture {
  const uint8_t* pixels; /**< the first pixel of the top row; `height` rows must be readable */
  int32_t width;         /**< in pixels, 1 to 65536 */
  int32_t height;        /**< in pixels, 1 to 65536 */
  ptrdiff_t stride; /**< bytes from a row to the next; 0: rows without gaps; negative: bottom-up pictures */
  int32_t format;   /**< REXNET_RGB ... REXNET_GREY */
} rexnet_picture;

/** How a classifier works. Fields may be added at the end, where 0 means what older libraries did: start with
 * `rexnet_options o = REXNET_OPTIONS_INIT;`. A library that is older than the program takes a larger struct
 * whose additional bytes are zero, and refuses others with REXNET_UNSUPPORTED. */
typedef struct rexnet_options {
  uint32_t size;      /**< sizeof(rexnet_options) of the header that the program was compiled with */
  int32_t threads;    /**< that share the work of one picture, 1 to 64; 0: 1. They live as long as the call */
  int32_t input_size; /**< side of the network's square input in pixels, 1 to 16384; 0: the model's own */
} rexnet_options;
/** Options as NULL has them. */
#define REXNET_OPTIONS_INIT \
  { sizeof(rexnet_options), 0, 0 }

/** A class and its probability. */
typedef struct rexnet_scored_class {
  int32_t index;     /**< for rexnet_model_label() */
  float probability; /**< 0 to 1; all of a picture's add up to 1 */
} rexnet_scored_class;

/** How a detector works, and which boxes are kept. 0 stands for the model's own value, which
 * rexnet_model_detector_options() tells. Fields may be added at the end as in rexnet_options: start with
 * `rexnet_detector_options o = REXNET_DETECTOR_OPTIONS_INIT;`. */
typedef struct rexnet_detector_options {
  uint32_t size;   /**< sizeof(rexnet_detector_options) of the header the program was compiled with */
  int32_t threads; /**< that share the work of one picture, 1 to 64; 0: 1. They live as long as the call */
  int32_t input_width;  /**< of the network's input in pixels, 1 to 16384; pictures are resized to it */
  int32_t input_height; /**< likewise, whatever a picture's aspect */
  int32_t candidates;   /**< of a class, the most probable, 1 to 1048576 */
  int32_t most;         /**< boxes of a picture, the most probable, 1 to 1048576 */
  double score;   /**< a class is found where its probability is above this; below 1. 1e-9: everywhere */
  double overlap; /**< intersection over union, at most 1: a box that overlaps a better one of its class by
                       more is dropped. 1e-9: no two may overlap */
  double least_anchor; /**< size of the smallest anchors, 1 is the network's input: above 0. As trained */
  double most_anchor;  /**< size of the largest, at most 1. As trained */
} rexnet_detector_options;
/** Options as NULL has them. */
#define REXNET_DETECTOR_OPTIONS_INIT \
  { sizeof(rexnet_detector_options), 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/** What was found in a picture, and where. Its size never changes. */
typedef struct rexnet_detection {
  float x1;      /**< left, in pixels of the picture: 0 is its left edge, its width the right one */
  float y1;      /**< top */
  float x2;      /**< right; not beyond the picture but for rounding */
  float y2;      /**< bottom */
  float score;   /**< probability of the class, 0 to 1 */
  int32_t label; /**< for rexnet_model_label(): class 1 is the first, 0 the background, which none has */
} rexnet_detection;

/** A loaded model: immutable, for all threads. */
typedef struct rexnet_model rexnet_model;
/** A model and the memory of a forward pass: for one thread at a time. */
typedef struct rexnet_classifier rexnet_classifier;
/** The same for a model that finds boxes. */
typedef struct rexnet_detector rexnet_detector;

/** "0.1.0" */
REXNET_API const char* rexnet_version(void);
/** What a status means, in a few words; never NULL. */
REXNET_API const char* rexnet_status_text(rexnet_status status);
/** Whose kernels run on this CPU: "sse2", "fma3_avx2", "avx512bw", "neon64" or "neon"; REXNET_ISA in the
 * environment chooses another than the best before the first call. "none" where none runs:
 * rexnet_classifier_new() and rexnet_detector_new() tell why. */
REXNET_API const char* rexnet_instruction_set(void);
/** CPUs that this process may use, at least 1: a value for `threads` of options. Above 8 it seldom pays. */
REXNET_API int32_t rexnet_available_cpus(void);

/** Flags of rexnet_model_load(). */
enum {
  /** Map the file: processes share the weights of a float32 packed file. It must not shrink while the model
   * lives: the system would end the program (SIGBUS). */
  REXNET_LOAD_MAPPED = 1,
  /** Compare the checksum of a packed file's weights, too. */
  REXNET_LOAD_VERIFY = 2
};

/** Loads a packed file (.rexnet) or a PyTorch or safetensors checkpoint, of a classifier, a backbone or an
 * SSDLite detector; checkpoints have the published preprocessing and, for a thousand classes, ImageNet-1k's
 * names. The file is read: what happens to it afterwards does not matter, unless it is mapped.
 * @param path UTF-8
 * @param flags 0, or REXNET_LOAD_...
 * @param[out] model to be freed by rexnet_model_free()
 * @param[out] error the reason of a failure; may be NULL
 * @return REXNET_INVALID_ARGUMENT, REXNET_IO_ERROR, REXNET_BAD_FILE, REXNET_UNSUPPORTED, REXNET_OUT_OF_MEMORY
 */
REXNET_API rexnet_status rexnet_model_load(const char* path, uint32_t flags, rexnet_model** model,
                                           rexnet_error* error);
/** The same from a file's bytes in memory, of any alignment, which are copied.
 * @param bytes a whole file
 * @param size how many
 * @param flags 0 or REXNET_LOAD_VERIFY
 * @param[out] model to be freed by rexnet_model_free()
 * @param[out] error the reason of a failure; may be NULL
 * @return as rexnet_model_load(), without REXNET_IO_ERROR */
REXNET_API rexnet_status rexnet_model_load_memory(const void* bytes, size_t size, uint32_t flags,
                                                  rexnet_model** model, rexnet_error* error);
/** Classifiers and detectors of the model keep what they need: the order of freeing does not matter. NULL is
 * fine. */
REXNET_API void rexnet_model_free(rexnet_model* model);

/** 1 for a detector, see rexnet_detector_new(); 0 for a classifier or a backbone, see
 * rexnet_classifier_new(); -1 for NULL. */
REXNET_API int32_t rexnet_model_is_detector(const rexnet_model* model);
/** Classes, of a detector with the background, which is class 0; 0 for a backbone without classifier; -1 for
 * NULL. */
REXNET_API int32_t rexnet_model_class_count(const rexnet_model* model);
/** Floats that rexnet_features() gives; 0 for a detector; -1 for NULL. */
REXNET_API int32_t rexnet_model_feature_count(const rexnet_model* model);
/** Side of the square input in pixels that the model was made for; 0 for a detector, whose
 * rexnet_model_detector_options() have width and height; -1 for NULL. */
REXNET_API int32_t rexnet_model_input_size(const rexnet_model* model);
/** "v1 1.0x", "SSDLite on v1 1.0x"; NULL for NULL. */
REXNET_API const char* rexnet_model_variant(const rexnet_model* model);
/** Name of a class, as long as the model lives; NULL where there are none, the index is none, of a detector's
 * background, or for NULL.
 * @param class_index 0 to rexnet_model_class_count() - 1, of a detector as in rexnet_detection.label */
REXNET_API const char* rexnet_model_label(const rexnet_model* model, int32_t class_index);
/** What a detector's options are without being asked for: size of its input, anchors, thresholds, one thread.
 * @param model a detector
 * @param[in,out] options begun with REXNET_DETECTOR_OPTIONS_INIT; all fields but `size` are filled in
 * @param[out] error the reason of a failure; may be NULL
 * @return REXNET_INVALID_ARGUMENT; REXNET_UNSUPPORTED for a model that is no detector */
REXNET_API rexnet_status rexnet_model_detector_options(const rexnet_model* model,
                                                       rexnet_detector_options* options, rexnet_error* error);

/** Makes what a thread needs to run a model.
 * @param model kept alive by the classifier
 * @param options NULL: one thread, the model's input size
 * @param[out] classifier to be freed by rexnet_classifier_free()
 * @param[out] error the reason of a failure; may be NULL
 * @return REXNET_INVALID_ARGUMENT, REXNET_UNSUPPORTED (a detector too), REXNET_OUT_OF_MEMORY */
REXNET_API rexnet_status rexnet_classifier_new(const rexnet_model* model, const rexnet_options* options,
                                               rexnet_classifier** classifier, rexnet_error* error);
/** NULL is fine. No call may be using it. */
REXNET_API void rexnet_classifier_free(rexnet_classifier* classifier);

/** The most probable classes of a picture, the most probable first.
 * @param classifier in which no other call runs
 * @param picture pixels of any size
 * @param[out] top   room for `capacity` classes
 * @param capacity   1 or more
 * @param[out] count how many were written, capacity or all that there are; may be NULL
 * @param[out] error the reason of a failure; may be NULL
 * @return REXNET_INVALID_ARGUMENT, REXNET_BUSY, REXNET_OUT_OF_MEMORY, REXNET_UNSUPPORTED for a backbone */
REXNET_API rexnet_status rexnet_classify(rexnet_classifier* classifier, const rexnet_picture* picture,
                                         rexnet_scored_class* top, size_t capacity, size_t* count,
                                         rexnet_error* error);
/** The network's answer before softmax.
 * @param classifier in which no other call runs
 * @param picture pixels of any size
 * @param[out] logits   rexnet_model_class_count() floats
 * @param      capacity floats that fit there
 * @param[out] error the reason of a failure; may be NULL
 * @return as rexnet_classify(), and REXNET_BUFFER_TOO_SMALL */
REXNET_API rexnet_status rexnet_logits(rexnet_classifier* classifier, const rexnet_picture* picture,
                                       float* logits, size_t capacity, rexnet_error* error);
/** What the classifying layer sees: an embedding, to compare or cluster pictures by.
 * @param classifier in which no other call runs
 * @param picture pixels of any size
 * @param[out] features rexnet_model_feature_count() floats
 * @param      capacity floats that fit there
 * @param[out] error the reason of a failure; may be NULL
 * @return as rexnet_logits(); backbones have features, too */
REXNET_API rexnet_status rexnet_features(rexnet_classifier* classifier, const rexnet_picture* picture,
                                         float* features, size_t capacity, rexnet_error* error);

/** The most probable classes of n pictures, each with the numbers that it has alone, to the last bit. The
 * classifier's threads take a picture each, resizing included; of fewer pictures than threads each is shared.
 * All pictures are looked at before the first is computed: a call answers for all or for none.
 * Memory: for each thread a workspace, which the classifier keeps, and the pixels of an input; for the call a
 * float per picture and class.
 * @param classifier in which no other call runs
 * @param pictures n pictures of any sizes; NULL is fine where n is 0
 * @param n how many; 0 gives no answers and is no error
 * @param[out] top   room for n * `capacity` classes; those of picture i begin at top[i * capacity]
 * @param capacity   classes for each picture, 1 or more
 * @param[out] count how many were written for each, capacity or all that there are; may be NULL
 * @param[out] error the reason of a failure, "pictures[3]: ..." where it lies in one; may be NULL
 * @return as rexnet_classify() */
REXNET_API rexnet_status rexnet_classify_batch(rexnet_classifier* classifier, const rexnet_picture* pictures,
                                               size_t n, rexnet_scored_class* top, size_t capacity,
                                               size_t* count, rexnet_error* error);
/** The network's answers before softmax, of n pictures as rexnet_classify_batch() computes them.
 * @param classifier in which no other call runs
 * @param pictures n pictures of any sizes; NULL is fine where n is 0
 * @param n how many; 0 is no error
 * @param[out] logits   n rows of rexnet_model_class_count() floats
 * @param      capacity floats that fit there, in all rows together
 * @param[out] error the reason of a failure; may be NULL
 * @return as rexnet_logits() */
REXNET_API rexnet_status rexnet_logits_batch(rexnet_classifier* classifier, const rexnet_picture* pictures,
                                             size_t n, float* logits, size_t capacity, rexnet_error* error);
/** What the classifying layer sees, of n pictures as rexnet_classify_batch() computes them.
 * @param classifier in which no other call runs
 * @param pictures n pictures of any sizes; NULL is fine where n is 0
 * @param n how many; 0 is no error
 * @param[out] features n rows of rexnet_model_feature_count() floats
 * @param      capacity floats that fit there, in all rows together
 * @param[out] error the reason of a failure; may be NULL
 * @return as rexnet_features() */
REXNET_API rexnet_status rexnet_features_batch(rexnet_classifier* classifier, const rexnet_picture* pictures,
                                               size_t n, float* features, size_t capacity,
                                               rexnet_error* error);

/** Makes what a thread needs to find things with a detector.
 * @param model kept alive by the detector
 * @param options NULL: one thread, the model's own settings
 * @param[out] detector to be freed by rexnet_detector_free()
 * @param[out] error the reason of a failure; may be NULL
 * @return REXNET_INVALID_ARGUMENT, REXNET_UNSUPPORTED (no detector, too), REXNET_OUT_OF_MEMORY */
REXNET_API rexnet_status rexnet_detector_new(const rexnet_model* model,
                                             const rexnet_detector_options* options,
                                             rexnet_detector** detector, rexnet_error* error);
/** NULL is fine. No call may be using it. */
REXNET_API void rexnet_detector_free(rexnet_detector* detector);
/** The most boxes that a picture can have: what rexnet_detect() wants room for. At least 1, at most `most` of
 * the options; -1 for NULL. */
REXNET_API int32_t rexnet_detector_capacity(const rexnet_detector* detector);

/** What is in a picture, the most probable first.
 * @param detector in which no other call runs
 * @param picture pixels of any size
 * @param[out] found room for `capacity` boxes; those beyond `count` stay as they are
 * @param capacity   rexnet_detector_capacity() or more, so that no picture has boxes that are left out
 * @param[out] count how many boxes were written, also 0; not NULL
 * @param[out] error the reason of a failure; may be NULL
 * @return REXNET_INVALID_ARGUMENT, REXNET_BUFFER_TOO_SMALL (whatever the picture has), REXNET_BUSY,
 * REXNET_OUT_OF_MEMORY */
REXNET_API rexnet_status rexnet_detect(rexnet_detector* detector, const rexnet_picture* picture,
                                       rexnet_detection* found, size_t capacity, size_t* count,
                                       rexnet_error* error);
/** What is in n pictures, each with the boxes that it has alone, to the last bit. The detector's threads take
 * a picture each; of fewer pictures than threads each is shared. All pictures are looked at before the first
 * is computed: a call answers for all or for none. Memory: for each thread what one picture needs, which the
 * detector keeps; for the call the boxes.
 * @param detector in which no other call runs
 * @param pictures n pictures of any sizes; NULL is fine where n is 0
 * @param n how many; 0 gives no answers and is no error
 * @param[out] found room for n * `capacity` boxes; those of picture i begin at found[i * capacity]
 * @param capacity   for each picture: rexnet_detector_capacity() or more
 * @param[out] counts n numbers: how many boxes were written for each picture
 * @param[out] error the reason of a failure, "pictures[3]: ..." where it lies in one; may be NULL
 * @return as rexnet_detect(), and REXNET_UNSUPPORTED (more than 2^30 pictures) */
REXNET_API rexnet_status rexnet_detect_batch(rexnet_detector* detector, const rexnet_picture* pictures,
                                             size_t n, rexnet_detection* found, size_t capacity,
                                             size_t* counts, rexnet_error* error);

#ifdef __cplusplus
}
#endif

#endif /* REXNET_H */
