#include "jpeg/libjpeg.hpp"

#include <cstdlib>
#include <cstring>

namespace fastload::jpeg {
namespace {

ErrorManager& manager(j_common_ptr info) { return *reinterpret_cast<ErrorManager*>(info->err); }

[[noreturn]] void on_error(j_common_ptr info) {
  ErrorManager& errors = manager(info);
  info->err->format_message(info, errors.message);
  std::longjmp(errors.jump, 1);
}

void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;  // traces
  ErrorManager& errors = manager(info);
  if (info->err->msg_code == JWRN_JPEG_EOF) errors.input_ended = true;
  if (info->err->msg_code == JWRN_HIT_MARKER && errors.input_ended) errors.data_missing = true;
  if (errors.warnings++ == 0) info->err->format_message(info, errors.message);
}

void on_output(j_common_ptr /*info*/) {}  // a library does not print

}  // namespace

void ErrorManager::install(jpeg_common_struct* info) {
  info->err = jpeg_std_error(&base);
  base.error_exit = on_error;
  base.emit_message = on_message;
  base.output_message = on_output;
  clear();
}

void ErrorManager::clear() {
  message[0] = '\0';
  warnings = 0;
  input_ended = data_missing = false;
}

Decompressor::Decompressor() {
  errors.install(reinterpret_cast<jpeg_common_struct*>(&info));
  jpeg_create_decompress(&info);
}

void Decompressor::open(Bytes jpeg) {
  // Made anew, because libjpeg keeps the tables of one image for the next one, which may have none.
  jpeg_destroy_decompress(&info);
  jpeg_create_decompress(&info);
  errors.clear();
  guarded([&] {
    jpeg_mem_src(&info, jpeg.data(), static_cast<unsigned long>(jpeg.size()));
    jpeg_read_header(&info, TRUE);
  });
}

std::string libjpeg_version() {
  const int number = LIBJPEG_TURBO_VERSION_NUMBER;
  return "libjpeg-turbo " + std::to_string(number / 1000000) + "." + std::to_string(number / 1000 % 1000) +
         "." + std::to_string(number % 1000) + " (API " + std::to_string(JPEG_LIB_VERSION) + ")";
}

}  // namespace fastload::jpeg
