/* Runs a network's machine code and prints what comes out: without a pool, then often with one.
   With IMAGE, the code is what kpuc's own linker made of the object, in a file for memory at that address. */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BIG __attribute__((aligned(64)))
static BIG uint8_t weights[WEIGHTS];
static BIG uint8_t arena[ARENA];
static BIG uint8_t pool[POOL];
static BIG uint8_t inputs[2][INPUT];
static BIG uint8_t output[OUTPUT], again[OUTPUT];

typedef void (*run_t)(const uint8_t *, uint8_t *, uint8_t *const *, void *);
typedef int64_t (*create_t)(void *, int64_t);
typedef void (*destroy_t)(void *);

#ifdef IMAGE
/* What the image calls has to be in this program. */
void *const used[] = {(void *)expf, (void *)memset, (void *)pthread_create, (void *)pthread_join, (void *)sched_yield,
                      (void *)syscall};
#else
void kpuc_run(const uint8_t *, uint8_t *, uint8_t *const *, void *);
int64_t kpuc_pool_create(void *, int64_t);
void kpuc_pool_destroy(void *);
#endif

static int fill(const char *path, void *to, size_t size) {
  FILE *file = fopen(path, "rb");
  if (!file || fread(to, 1, size, file) != size) return 1;
  return fclose(file);
}

int main(int count, char **words) {
  if (count < 2 || fill(words[1], weights, WEIGHTS)) return 2;
  if (fill(words[2], inputs, sizeof inputs)) return 3;
#ifdef IMAGE
  if (used[0] == 0) return 4;
  uint8_t *image = mmap((void *)IMAGE, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (image == MAP_FAILED || fill(words[3], image, SIZE)) return 5;
  if (mprotect(image, EXECUTABLE, PROT_READ | PROT_EXEC)) return 6;
  __builtin___clear_cache((char *)image, (char *)image + EXECUTABLE);
  run_t run = (run_t)(image + RUN);
  create_t create = (create_t)(image + CREATE);
  destroy_t destroy = (destroy_t)(image + DESTROY);
#else
  run_t run = kpuc_run;
  create_t create = kpuc_pool_create;
  destroy_t destroy = kpuc_pool_destroy;
#endif
  uint8_t *arguments[] = {inputs[0], inputs[1], output};
  run(weights, arena, arguments, 0);
  arguments[2] = again;
  if (create(pool, 3) != 3) return 7;
  for (int i = 0; i < 200; i++) {
    memset(again, 0, OUTPUT);
    run(weights, arena, arguments, pool);
    if (memcmp(output, again, OUTPUT)) return 8;
    if (i % 50 == 0) usleep(2000); /* the threads fall asleep */
  }
  destroy(pool);
  return fwrite(output, 1, OUTPUT, stdout) != OUTPUT;
}
