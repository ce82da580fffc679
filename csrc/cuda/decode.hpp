// Second kernel: from plain bytes to samples. A thread decodes a run of MCUs, which begins with a restart, at
// an entry point or with the image. It undoes the Huffman code of a block, then transforms it where it lies,
// in shared memory, so that coefficients never visit device memory. Threads of a warp wait for each other at
// the end of every block: what a block has besides its symbols is then done by all of them at once.
#pragma once

#include "cuda/bit_reader.hpp"
#include "cuda/kernel.hpp"
#include "jpeg/idct.hpp"

namespace fastload::cuda {

struct Decode {
  static constexpr int kThreads = 128, kPhases = 3;
  static constexpr int kCodes = jpeg::kMostComponents;
  // An odd number of words: the same coefficient of 32 threads lies in 32 banks.
  static constexpr int kBlockStride = jpeg::kBlockSize + 2;

  struct Shared {
    alignas(4) int16_t blocks[kThreads][kBlockStride];  // first coefficients, then samples
    uint32_t predictions[jpeg::kMostComponents][kThreads];
    SymbolTable<jpeg::kAcBits> ac[kCodes];
    SymbolTable<jpeg::kDcBits> dc[kCodes];
    jpeg::CanonicalCode ac_codes[kCodes], dc_codes[kCodes];
    uint16_t quantisers[jpeg::kMostComponents][jpeg::kBlockSize];
    uint8_t order[jpeg::kBlockSize];
  };

  static int parts(const Largest& largest) { return parts_for(largest.runs, kThreads, 1, 1 << 10); }

  template <int kPhase>
  FL_HD static void run(const Batch& batch, const Block& block, Shared& shared, int thread) {
    const ImageTask& task = batch.task(block.image);
    if (batch.status[block.image] != Status::decoded || block.part * kThreads >= task.runs) return;
    if constexpr (kPhase == 0) {
      copy_tables(batch, task, shared, thread);
    } else if constexpr (kPhase == 1) {
      for (int k = 0; k < task.ac_codes; ++k) shared.ac[k].fill(shared.ac_codes[k], thread, kThreads);
      for (int k = 0; k < task.dc_codes; ++k) shared.dc[k].fill(shared.dc_codes[k], thread, kThreads);
    } else {
      share(block, kThreads, thread, task.runs, [&](int run) {
        if (!decode_run(batch, task, shared, thread, run)) batch.status[block.image] = Status::damaged;
      });
    }
  }

 private:
  FL_HD static void copy_tables(const Batch& batch, const ImageTask& task, Shared& shared, int thread) {
    static_assert(sizeof(jpeg::CanonicalCode) % sizeof(uint32_t) == 0);
    const auto copy = [&](const jpeg::CanonicalCode* from, int codes, jpeg::CanonicalCode* to) {
      const int bytes = codes * static_cast<int>(sizeof(jpeg::CanonicalCode));
      for (int at = 4 * thread; at < bytes; at += 4 * kThreads) {
        store_word(reinterpret_cast<uint8_t*>(to) + at,
                   load_word(reinterpret_cast<const uint8_t*>(from) + at));
      }
    };
    const auto* const codes = batch.staged<jpeg::CanonicalCode>(task.codes);
    copy(codes, task.dc_codes, shared.dc_codes);
    copy(codes + task.dc_codes, task.ac_codes, shared.ac_codes);
    if (thread < jpeg::kBlockSize) {
      static constexpr jpeg::NaturalOrder kOrder;
      shared.order[thread] = kOrder[static_cast<size_t>(thread)];
      for (int c = 0; c < task.components; ++c) {
        shared.quantisers[c][thread] = task.planes[c].quantisers[thread];
      }
    }
  }

  // What a thread carries from block to block.
  struct Place {
    int row, column;  // of the MCU, in the rectangle
    bool wanted;      // it lies there
  };

  FL_HD static bool begins_restart(const ImageTask& task, int mcu) {
    return task.restart_interval > 0 ? mcu % task.restart_interval == 0 : mcu == 0;
  }
  FL_HD static int restart_of(const ImageTask& task, int mcu) {
    return task.restart_interval > 0 ? mcu / task.restart_interval - task.first_restart : 0;
  }

  // False if the data are damaged.
  FL_HD static bool decode_run(const Batch& batch, const ImageTask& task, Shared& shared, int thread,
                               int run) {
    const int line = (task.first_line + run / task.runs_in_line) * task.line_mcus;
    int mcu = line + (task.first_run + run % task.runs_in_line) * task.interval;
    const int end = least(mcu + task.interval, line + task.line_mcus);
    const uint8_t* const plain = batch.work<uint8_t>(task.plain);
    const uint32_t* const starts = batch.work<uint32_t>(task.starts);
    uint32_t bit = 0, bytes_end = 0;
    if (!begins_restart(task, mcu)) {
      const Entry& entry = batch.work<Entry>(task.entries)[run];
      bit = entry.bit;
      bytes_end = least(entry.end, starts[restart_of(task, mcu) + 1]);
      const jpeg::EntryPoint point = batch.staged<jpeg::EntryPoint>(task.points)[point_index(task, run)];
      for (int c = 0; c < task.components; ++c) {
        shared.predictions[c][thread] = static_cast<uint32_t>(point.predictor(c));
      }
    }
    BitReader reader(plain, bit);
    Place place{mcu / task.mcu_columns - task.row_begin, mcu % task.mcu_columns - task.column_begin, false};
    for (; mcu < end; ++mcu) {
      if (begins_restart(task, mcu)) {
        const int restart = restart_of(task, mcu);
        reader = BitReader(plain, 8 * starts[restart]);
        bytes_end = starts[restart + 1];
        for (int c = 0; c < task.components; ++c) shared.predictions[c][thread] = 0;
      }
      place.wanted =
          place.row >= 0 && place.row < task.rows && place.column >= 0 && place.column < task.columns;
      if (!decode_mcu(batch, task, shared, thread, place, reader)) return false;
      if (reader.position() > 8 * bytes_end) return false;
      if (++place.column == task.mcu_columns - task.column_begin) {
        place.column = -task.column_begin;
        ++place.row;
      }
    }
    return true;
  }

  FL_HD static bool decode_mcu(const Batch& batch, const ImageTask& task, Shared& shared, int thread,
                               const Place& place, BitReader& reader) {
    int16_t* const block = shared.blocks[thread];
    for (int c = 0; c < task.components; ++c) {
      const Plane& plane = task.planes[c];
      for (int slot = 0; slot < plane.v * plane.h; ++slot) {
        if (!decode_block(shared, plane, shared.predictions[c][thread], reader, block)) return false;
        if (!place.wanted) continue;
        const int x = place.column * plane.h + slot % plane.h, y = place.row * plane.v + slot / plane.h;
        auto* const samples = reinterpret_cast<uint8_t*>(block);  // every coefficient is read before
        jpeg::idct_block(block, shared.quantisers[c], samples, 8);
        uint8_t* to = batch.work<uint8_t>(plane.samples) + (int64_t{y} * plane.stride + x) * 8;
        for (int row = 0; row < 8; ++row, to += plane.stride) {
          store_word(to, load_word(samples + 8 * row));
          store_word(to + 4, load_word(samples + 8 * row + 4));
        }
      }
    }
    return true;
  }

  FL_HD static bool decode_block(const Shared& shared, const Plane& plane, uint32_t& prediction,
                                 BitReader& reader, int16_t* block) {
    for (int k = 0; k < jpeg::kBlockSize; k += 2) store_word(block + k, 0);
    uint32_t symbol;
    reader.refill();
    if (!shared.dc[plane.dc].take(reader, shared.dc_codes[plane.dc], symbol)) return false;
    prediction += static_cast<uint32_t>(reader.take_value(static_cast<int>(symbol)));
    block[0] = static_cast<int16_t>(prediction);
    const auto& table = shared.ac[plane.ac];
    for (int k = 0; k < 63;) {
      reader.refill();
      if (!table.take(reader, shared.ac_codes[plane.ac], symbol)) return false;
      const int run = static_cast<int>(symbol >> 4), size = static_cast<int>(symbol & 15);
      if (size == 0 && run != 15) break;  // the end of the block
      k += run + 1;
      if (k > 63) return false;
      if (size > 0) block[shared.order[k]] = static_cast<int16_t>(reader.take_value(size));
    }
    return true;
  }
};

}  // namespace fastload::cuda
