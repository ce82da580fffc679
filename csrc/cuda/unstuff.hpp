// First kernel: frees an image's entropy-coded bytes of stuffing and markers (T.81, B.1.1.5, F.1.2.3), and
// finds where its restart segments and entry points lie in what remains. Each thread takes a piece of the
// bytes; prefix sums tell it where its own go.
#pragma once

#include "cuda/kernel.hpp"
#include "cuda/memory.hpp"
#include "jpeg/markers.hpp"

namespace fastload::cuda {

struct Unstuff {
  static constexpr int kThreads = 256, kPhases = 4;
  static constexpr int kGroup = 16;  // threads whose counts one thread adds up

  struct Count {
    uint32_t kept, markers;
  };
  struct Shared {
    Count before[kThreads];           // within the group
    Count groups[kThreads / kGroup];  // first each group's sum, then that of the groups before it
    Count all;
  };

  static int parts(const Largest& /*largest*/) { return 1; }

  template <int kPhase>
  FL_HD static void run(const Batch& batch, const Block& block, Shared& shared, int thread) {
    const ImageTask& task = batch.task(block.image);
    if (kPhase == 0 && thread == 0) {
      batch.status[block.image] = task.components == 0 ? Status::skipped : Status::decoded;
    }
    if (task.components == 0) return;
    if constexpr (kPhase == 0) {
      Counter counter;
      walk_piece(batch, task, thread, counter);
      shared.before[thread] = counter.count;
    } else if constexpr (kPhase == 1) {
      if (thread < kThreads / kGroup) {
        shared.groups[thread] = sum_before(shared.before + thread * kGroup, kGroup);
      }
    } else if constexpr (kPhase == 2) {
      if (thread == 0) shared.all = sum_before(shared.groups, kThreads / kGroup);
    } else {
      write_piece(batch, block.image, shared, thread);
      if (thread == 0) close(batch, block.image, shared.all);
      for (int run = thread; task.points_in_row > 0 && run < task.runs; run += kThreads) {
        place_entry(batch, task, shared, run);
      }
    }
  }

 private:
  struct Counter {
    Count count{0, 0};
    FL_HD void keep(uint8_t /*byte*/) { ++count.kept; }
    FL_HD void keep_word(uint32_t /*word*/) { count.kept += 4; }
    FL_HD void marker(uint8_t /*code*/) { ++count.markers; }
  };

  // Collects bytes to words. The first and the last word may be shared with the neighbouring pieces.
  struct Writer {
    const ImageTask& task;
    uint8_t* out;
    uint32_t* starts;
    Status* status;
    uint32_t first, at, markers;
    uint32_t pending = 0;  // the at % 4 bytes before `at`

    FL_HD void keep(uint8_t byte) {
      pending |= static_cast<uint32_t>(byte) << (8 * (at & 3));
      ++at;
      if ((at & 3) == 0) {
        put(at - 4, pending);
        pending = 0;
      }
    }
    FL_HD void keep_word(uint32_t word) {
      const uint64_t both = pending | static_cast<uint64_t>(word) << (8 * (at & 3));
      put(at & ~3U, static_cast<uint32_t>(both));
      pending = static_cast<uint32_t>(both >> 32);
      at += 4;
    }
    FL_HD void marker(uint8_t code) {
      const uint32_t needed = static_cast<uint32_t>(task.restarts), index = markers++;
      if (index > needed) return;
      starts[index + 1] = at;
      const uint32_t expected = jpeg::kRST0 + ((static_cast<uint32_t>(task.first_restart) + index) & 7);
      // libjpeg judges FF FF by what follows.
      if (index < needed ? code != expected : code == 0xFF) *status = Status::damaged;
    }
    FL_HD void finish() {
      for (uint32_t k = first > (at & ~3U) ? first : at & ~3U; k < at; ++k) put_byte(k, pending);
    }
    FL_HD void put(uint32_t to, uint32_t word) {
      if (to >= first) {
        store_word(out + to, word);
      } else {
        for (uint32_t k = first; k < to + 4; ++k) put_byte(k, word);
      }
    }
    FL_HD void put_byte(uint32_t to, uint32_t word) {
      out[to] = static_cast<uint8_t>(word >> (8 * (to & 3)));
    }
  };

  // Tells `sink` of the bytes [begin, end): which of them are kept, and which begin a marker. `begin` is a
  // multiple of 4.
  template <class Sink>
  FL_HD static void walk(const uint8_t* data, uint32_t size, uint32_t begin, uint32_t end, Sink& sink) {
    uint8_t before = begin > 0 ? data[begin - 1] : 0;
    for (uint32_t at = begin; at < end;) {
      const uint32_t stop = least(at + 4, end);
      if (stop == at + 4 && before != 0xFF) {
        const uint32_t word = load_word(data + at);
        if (!holds_ff(word)) {
          sink.keep_word(word);
          before = 0;
          at = stop;
          continue;
        }
      }
      for (; at < stop; ++at) {
        const uint8_t byte = data[at];
        if (before != 0xFF) {
          if (byte != 0xFF) {
            sink.keep(byte);
          } else if (at + 1 < size) {  // an FF at the very end begins nothing
            if (data[at + 1] == 0) {
              sink.keep(byte);
            } else {
              sink.marker(data[at + 1]);
            }
          }
        }
        before = byte;
      }
    }
  }

  FL_HD static uint32_t piece_size(const ImageTask& task) { return (task.bytes / kThreads + 1 + 15) & ~15U; }

  template <class Sink>
  FL_HD static void walk_piece(const Batch& batch, const ImageTask& task, int thread, Sink& sink) {
    const uint32_t size = piece_size(task), begin = least(static_cast<uint32_t>(thread) * size, task.bytes);
    walk(batch.staged<uint8_t>(task.data), task.bytes, begin, least(begin + size, task.bytes), sink);
  }

  // Replaces counts by the sums of those before them; returns the sum of all.
  FL_HD static Count sum_before(Count* counts, int size) {
    Count sum{0, 0};
    for (int i = 0; i < size; ++i) {
      const Count own = counts[i];
      counts[i] = sum;
      sum.kept += own.kept;
      sum.markers += own.markers;
    }
    return sum;
  }

  FL_HD static Count before_piece(const Shared& shared, uint32_t piece) {
    const Count group = shared.groups[piece / kGroup], own = shared.before[piece];
    return {group.kept + own.kept, group.markers + own.markers};
  }

  FL_HD static void write_piece(const Batch& batch, int image, const Shared& shared, int thread) {
    const ImageTask& task = batch.task(image);
    const Count before = before_piece(shared, static_cast<uint32_t>(thread));
    Writer writer{task,
                  batch.work<uint8_t>(task.plain),
                  batch.work<uint32_t>(task.starts),
                  batch.status + image,
                  before.kept,
                  before.kept,
                  before.markers};
    walk_piece(batch, task, thread, writer);
    writer.finish();
  }

  FL_HD static void close(const Batch& batch, int image, const Count& all) {
    const ImageTask& task = batch.task(image);
    uint32_t* const starts = batch.work<uint32_t>(task.starts);
    const uint32_t needed = static_cast<uint32_t>(task.restarts);
    starts[0] = 0;
    if (all.markers < needed) batch.status[image] = Status::damaged;
    if (all.markers == needed) starts[needed + 1] = all.kept;
  }

  // How many of the bytes before `offset` are kept.
  FL_HD static uint32_t plain_offset(const Batch& batch, const ImageTask& task, const Shared& shared,
                                     uint32_t offset) {
    const uint32_t size = piece_size(task), piece = least(offset / size, uint32_t{kThreads - 1});
    Counter counter;
    walk(batch.staged<uint8_t>(task.data), task.bytes, piece * size, offset, counter);
    return before_piece(shared, piece).kept + counter.count.kept;
  }

  // An index that another program made may say anything: no place lies behind the data.
  FL_HD static void place_entry(const Batch& batch, const ImageTask& task, const Shared& shared, int run) {
    const jpeg::EntryPoint* const points = batch.staged<jpeg::EntryPoint>(task.points);
    const uint32_t* const row_offsets = batch.staged<uint32_t>(task.row_offsets);
    const int index = point_index(task, run), count = task.rows * task.points_in_row;
    const auto byte_of = [&](int i) {
      const uint64_t byte = uint64_t{row_offsets[i / task.points_in_row]} + points[i].position() / 8;
      return static_cast<uint32_t>(least(byte, uint64_t{task.bytes}));
    };
    uint32_t end = task.bytes;
    if (index + 1 < count) end = least(byte_of(index + 1) + jpeg::kSharedBytes, task.bytes);
    if (end > 0 && batch.staged<uint8_t>(task.data)[end - 1] == 0xFF) --end;
    batch.work<Entry>(task.entries)[run] = {
        8 * plain_offset(batch, task, shared, byte_of(index)) + points[index].position() % 8,
        plain_offset(batch, task, shared, end)};
  }
};

}  // namespace fastload::cuda
