// From a JPEG to the tokens of another one with the same coefficients, and other codes and restarts.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "jpeg/header.hpp"
#include "jpeg/tables.hpp"
#include "jpeg/tokens.hpp"

namespace fastload::jpeg {

struct TokenTable;

// Keeps its memory, and the tables while the code stays the same, from one image to the next. One per thread.
class Retokenizer {
 public:
  Retokenizer();
  ~Retokenizer();
  Retokenizer(const Retokenizer&) = delete;
  Retokenizer& operator=(const Retokenizer&) = delete;

  // What tokenize() gives for the JPEG's coefficients with the restarts that `restart_interval` (MCUs) says.
  // `header` and `tables` are the JPEG's. Nothing unless it belongs to the fast subset, every MCU decodes by
  // the standard's rules, the markers are in order, and EOI follows without a byte between. `layout` is the
  // new JPEG's: nothing where its MCUs are not the old one's.
  std::optional<Tokens> run(Bytes jpeg, const Header& header, const ScanTables& tables, const Layout& layout);

 private:
  struct Code;
  std::unique_ptr<Code[]> codes_;  // by component
  std::vector<uint8_t> buffer_;
};

}  // namespace fastload::jpeg
