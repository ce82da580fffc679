// Runs a fuzz target on files and on mutations of them, the same ones every time: the short run of CI, for
// which no compiler need bring libFuzzer. Usage: PROGRAM COUNT FILE...
// The input that a failure happens with is left in ./fuzz-failure.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

// The sanitizers call abort() by these, so that their findings leave the input behind, too.
extern "C" const char* __asan_default_options() { return "abort_on_error=1"; }
extern "C" const char* __ubsan_default_options() { return "abort_on_error=1:print_stacktrace=1"; }

namespace {

using Input = std::vector<uint8_t>;

Input input;

void keep_input(int /*signal*/) {
  const int file = open("fuzz-failure", O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0 || write(file, input.data(), input.size()) < 0) _exit(2);
  _exit(1);
}

void run() {
  const Input exact(input);  // without spare capacity: a read beyond the end is seen
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

class Mutator {
 public:
  explicit Mutator(const std::vector<Input>& seeds) : seeds_(seeds) {}

  void next() {
    input = seeds_[below(seeds_.size())];
    for (size_t left = 1 + below(4); left > 0 && !input.empty(); --left) mutate();
  }

 private:
  // Not a distribution of the library's: each has its own numbers.
  size_t below(size_t count) { return random_() % count; }

  void mutate() {
    const size_t at = below(input.size());
    const auto from = input.begin() + static_cast<ptrdiff_t>(at);
    const size_t most = std::min<size_t>(input.size() - at, 64);
    const auto to = from + static_cast<ptrdiff_t>(1 + below(most));
    switch (below(8)) {
      case 0:
        *from ^= static_cast<uint8_t>(1 << below(8));
        return;
      case 1:
        *from = static_cast<uint8_t>(random_());
        return;
      case 2: {  // what means something at many places: nothing, a marker, a restart, the end
        static constexpr uint8_t kBytes[] = {0x00, 0x01, 0x11, 0x22, 0x7F, 0x80, 0xD0, 0xD7, 0xD9, 0xFF};
        *from = kBytes[below(std::size(kBytes))];
        return;
      }
      case 3:
        input.erase(from, to);
        return;
      case 4: {
        const Input part(from, to);
        input.insert(input.begin() + static_cast<ptrdiff_t>(below(input.size() + 1)), part.begin(),
                     part.end());
        return;
      }
      case 5:
        std::generate(from, to, [this] { return static_cast<uint8_t>(random_()); });
        return;
      case 6:
        input.resize(at);
        return;
      default: {  // goes on as another file does
        const Input& other = seeds_[below(seeds_.size())];
        input.resize(at);
        if (at < other.size())
          input.insert(input.end(), other.begin() + static_cast<ptrdiff_t>(at), other.end());
      }
    }
  }

  const std::vector<Input>& seeds_;
  std::mt19937_64 random_{20};
};

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGABRT, keep_input);
  std::vector<Input> seeds;
  for (int k = 2; k < argc; ++k) {
    std::ifstream file(argv[k], std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    input = seeds.back();
    run();
  }
  if (seeds.empty()) return std::fputs("usage: PROGRAM COUNT FILE...\n", stderr), 2;
  Mutator mutator(seeds);
  const long count = std::atol(argv[1]);
  for (long k = 0; k < count; ++k) {
    mutator.next();
    run();
  }
  std::printf("%zu files and %ld mutations of them: no difference, no error\n", seeds.size(), count);
}
