#include "jpeg/huffman_code.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "error.hpp"

namespace fastload::jpeg {
namespace {

// Code lengths for ascending `weights`, descending. With limit L, a symbol of length l is l coins of face
// value 2^-L .. 2^-(L-l+1), all of the symbol's weight; the best code is the cheapest set of coins worth n
// - 1. It is found denomination by denomination: coins are paired into packages of the next larger one and
// merged with its coins. Of each merged list only its kinds (coin or package) are kept, since coins enter in
// the order of their weight.
std::vector<uint8_t> package_merge(const std::vector<uint64_t>& weights, int limit) {
  const size_t n = weights.size();
  std::vector<std::vector<uint8_t>> is_coin(static_cast<size_t>(limit));
  std::vector<uint64_t> merged, previous;
  for (auto& kinds : is_coin) {
    merged.clear();
    const size_t packages = previous.size() / 2;
    for (size_t coin = 0, package = 0; coin < n || package < packages;) {
      const uint64_t pair = package < packages ? previous[2 * package] + previous[2 * package + 1] : 0;
      const bool take_coin = package == packages || (coin < n && weights[coin] <= pair);
      merged.push_back(take_coin ? weights[coin++] : (++package, pair));
      kinds.push_back(take_coin);
    }
    previous.swap(merged);
  }
  std::vector<uint8_t> lengths(n, 0);
  size_t taken = 2 * n - 2;
  for (size_t level = is_coin.size(); level-- > 0;) {
    const auto coins = static_cast<size_t>(
        std::count(is_coin[level].begin(), is_coin[level].begin() + static_cast<std::ptrdiff_t>(taken), 1));
    for (size_t k = 0; k < coins; ++k) ++lengths[k];
    taken = 2 * (taken - coins);
  }
  return lengths;
}

}  // namespace

int HuffmanCode::size() const { return std::accumulate(counts.begin(), counts.end(), 0); }

HuffmanCode make_huffman_code(std::span<const uint32_t, 256> frequencies, int max_length) {
  std::vector<uint8_t> symbols;
  for (int s = 0; s < 256; ++s) {
    if (frequencies[static_cast<size_t>(s)] > 0) symbols.push_back(static_cast<uint8_t>(s));
  }
  if (max_length < 1 || max_length > kLongestCode || symbols.size() >= size_t{1} << max_length) {
    throw Error(ErrorKind::value, "no Huffman code of at most " + std::to_string(max_length) + " bits for " +
                                      std::to_string(symbols.size()) + " symbols");
  }
  HuffmanCode code;
  if (symbols.empty()) return code;
  std::stable_sort(symbols.begin(), symbols.end(),
                   [&](uint8_t a, uint8_t b) { return frequencies[a] < frequencies[b]; });

  // The word of ones is left to a symbol that never occurs: being the rarest it gets one of the longest
  // words, and the canonical order below makes that the last.
  std::vector<uint64_t> weights{0};
  for (const uint8_t s : symbols) weights.push_back(frequencies[s]);
  const std::vector<uint8_t> lengths = package_merge(weights, max_length);
  for (size_t k = 0; k < symbols.size(); ++k) {
    code.lengths[symbols[k]] = lengths[k + 1];
    ++code.counts[lengths[k + 1]];
  }

  uint32_t word = 0;
  size_t rank = 0;
  for (int length = 1; length <= max_length; ++length, word <<= 1) {
    for (size_t s = 0; s < 256; ++s) {
      if (code.lengths[s] != length) continue;
      code.symbols[rank++] = static_cast<uint8_t>(s);
      code.words[s] = static_cast<uint16_t>(word++);
    }
  }
  return code;
}

}  // namespace fastload::jpeg
