// libjpeg-turbo behind RAII and exceptions. Private to this folder: nothing outside may know which decoder
// runs.
//
// libjpeg reports fatal errors by a callback that must not return. It jumps back (longjmp) into guarded(),
// which throws once the C frames are gone; so a body passed to guarded() must not own anything with a
// destructor.
#pragma once

#include <csetjmp>
#include <cstdio>  // jpeglib.h needs FILE

#include <jerror.h>
#include <jpeglib.h>

#include <string>

#include "error.hpp"
#include "jpeg/header.hpp"

namespace fastload::jpeg {

// jpeg_error_mgr must come first: libjpeg hands back a pointer to it.
struct ErrorManager {
  jpeg_error_mgr base;
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];  // of the fatal error, or of the first warning
  int warnings;
  bool input_ended;   // the bytes ran out (libjpeg then makes up an EOI)
  bool data_missing;  // ... and blocks were still to come, which libjpeg fills with gray

  void install(jpeg_common_struct* info);
  void clear();
};

class Decompressor {
 public:
  Decompressor();
  ~Decompressor() { jpeg_destroy_decompress(&info); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  // Begins on a new JPEG: after it, info holds the header. The bytes must outlive the decode.
  void open(Bytes jpeg);

  // Runs `body`; a fatal libjpeg error inside becomes Error(jpeg), and info is ready for another open().
  template <class Body>
  void guarded(Body&& body) {
    if (setjmp(errors.jump) == 0) {
      body();
      return;
    }
    jpeg_abort_decompress(&info);
    throw Error(ErrorKind::jpeg, errors.message);
  }

  jpeg_decompress_struct info;
  ErrorManager errors;
};

// "libjpeg-turbo 2.1.5 (API 62)" of the headers that this was built with.
std::string libjpeg_version();

}  // namespace fastload::jpeg
