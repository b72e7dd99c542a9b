// Tells glibc to keep the memory of freed tensors. By default it maps each large buffer anew and gives it back, and every
// op pays page faults for its output: a tenth of a teacher's pass with Eigen's products, with oneDNN's within the noise.
// Kept are blocks below 256 MB, and half a gigabyte at the heap's end; larger ones go back at once, for they would tear
// the heap. Settings of one's own (mallopt(3)) stand.
#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>

namespace {

bool isSet(const char* name) { return std::getenv(name) != nullptr; }

bool keepHeap() {
  if (isSet("MALLOC_MMAP_THRESHOLD_") || isSet("MALLOC_MMAP_MAX_") || isSet("MALLOC_TRIM_THRESHOLD_") ||
      isSet("GLIBC_TUNABLES"))
    return false;
  constexpr int megabyte = 1 << 20;
  return mallopt(M_MMAP_THRESHOLD, 256 * megabyte) && mallopt(M_TRIM_THRESHOLD, 512 * megabyte) &&
         mallopt(M_TOP_PAD, 64 * megabyte);
}

const bool kept = keepHeap();

}  // namespace
#endif
