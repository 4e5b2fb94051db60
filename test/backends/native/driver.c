/* Runs a network's machine code, linked into this program, and prints what comes out: without a pool, then often with
   one, which must give the same. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BIG __attribute__((aligned(64)))
static BIG uint8_t weights[WEIGHTS];
static BIG uint8_t arena[ARENA];
static BIG uint8_t pool[POOL];
static BIG uint8_t inputs[2][INPUT];
static BIG uint8_t output[OUTPUT], again[OUTPUT];

void kpuc_run(const uint8_t *, uint8_t *, uint8_t *const *, void *, int64_t, int64_t);
int64_t kpuc_pool_create(void *, int64_t);
void kpuc_pool_destroy(void *);

static int fill(const char *path, void *to, size_t size) {
  FILE *file = fopen(path, "rb");
  if (!file || fread(to, 1, size, file) != size) return 1;
  return fclose(file);
}

int main(int count, char **words) {
  if (count != 3 || fill(words[1], weights, WEIGHTS) || fill(words[2], inputs, sizeof inputs)) return 2;
  uint8_t *arguments[] = {inputs[0], inputs[1], output};
  kpuc_run(weights, arena, arguments, 0, 0, INT64_MAX);
  arguments[2] = again;
  if (kpuc_pool_create(pool, 3) != 3) return 3;
  for (int i = 0; i < 200; i++) {
    memset(again, 0, OUTPUT);
    kpuc_run(weights, arena, arguments, pool, 0, INT64_MAX);
    if (memcmp(output, again, OUTPUT)) return 4;
    if (i % 50 == 0) usleep(2000); /* the threads fall asleep */
  }
  kpuc_pool_destroy(pool);
  return fwrite(output, 1, OUTPUT, stdout) != OUTPUT;
}
