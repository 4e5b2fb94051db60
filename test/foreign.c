/* Runs machine code of a kmodel, linked for memory at ADDRESS, as the job in a file says; prints the outputs.

   The job: SIZES numbers of 64 bits (see below), for each function that the code calls where its address goes and its
   number in functions.h, the sizes of inputs and outputs; then the code, the weights and the inputs. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Functions of the C library, by what they are called in object files. */
#define F(name) extern char function_##name[] __asm__(#name);
#include "functions.h"
#undef F
#define F(name) function_##name,
static char *const functions[] = {
#include "functions.h"
};

enum { IMAGE, EXECUTABLE, RUN, CREATE, DESTROY, WEIGHTS, ARENA, POOL, THREADS, RUNS, CALLS, INPUTS, OUTPUTS, SIZES };

typedef void (*run_t)(const void *, void *, void *const *, void *, int64_t, int64_t);
typedef int64_t (*create_t)(void *, int64_t);
typedef void (*destroy_t)(void *);

static FILE *job;

static void *take(int64_t size) {
  void *memory = aligned_alloc(64, (size + 127) / 64 * 64);
  if (!memory || (int64_t)fread(memory, 1, size, job) != size) exit(2);
  return memory;
}

static void *zeros(int64_t size) {
  void *memory = aligned_alloc(64, (size + 127) / 64 * 64);
  if (!memory) exit(3);
  return memset(memory, 0, size);
}

int main(int count, char **words) {
  if (count != 2 || !(job = fopen(words[1], "rb"))) return 1;
  int64_t *size = take(8 * SIZES), *calls = take(16 * size[CALLS]);
  int64_t arguments = size[INPUTS] + size[OUTPUTS], *bytes = take(8 * arguments);
  char *image = mmap((void *)ADDRESS, size[IMAGE], PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (image == MAP_FAILED || (int64_t)fread(image, 1, size[IMAGE], job) != size[IMAGE]) return 4;
  for (int64_t i = 0; i < size[CALLS]; i++) memcpy(image + calls[2 * i], &functions[calls[2 * i + 1]], 8);
  if (mprotect(image, size[EXECUTABLE], PROT_READ | PROT_EXEC)) return 5;
  __builtin___clear_cache(image, image + size[EXECUTABLE]);

  void *weights = take(size[WEIGHTS]), *arena = zeros(size[ARENA]), *pool = zeros(size[POOL]);
  void **pointers = zeros(8 * arguments);
  for (int64_t i = 0; i < arguments; i++) pointers[i] = i < size[INPUTS] ? take(bytes[i]) : zeros(bytes[i]);
  if (size[THREADS] == 1) pool = 0;
  else if (((create_t)(image + size[CREATE]))(pool, size[THREADS]) != size[THREADS]) return 6;
  for (int64_t i = 0; i < size[RUNS]; i++) ((run_t)(image + size[RUN]))(weights, arena, pointers, pool, 0, INT64_MAX);
  if (pool) ((destroy_t)(image + size[DESTROY]))(pool);
  for (int64_t i = size[INPUTS]; i < arguments; i++)
    if ((int64_t)fwrite(pointers[i], 1, bytes[i], stdout) != bytes[i]) return 7;
  return 0;
}
