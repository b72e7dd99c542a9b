// TensorFlow reads TF_CPP_MIN_LOG_LEVEL only after its libraries have been initialized, and so prints two lines
// about oneDNN at every start. This definition is found before the library's own one and knows the level from the start.
#include <cstdlib>

namespace absl {
namespace lts_20250814 {  // the Abseil release inside TensorFlow 2.21; in any other this is simply not used
enum class LogSeverityAtLeast : int {};

LogSeverityAtLeast MinLogLevel() {
  static const char* level = std::getenv("TF_CPP_MIN_LOG_LEVEL");
  return static_cast<LogSeverityAtLeast>(level ? std::atoi(level) : 0);
}
}  // namespace lts_20250814
}  // namespace absl
