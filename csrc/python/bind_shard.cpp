#include <pybind11/native_enum.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>

#include "jpeg/transcode.hpp"
#include "pipeline/crop_reader.hpp"
#include "python/bind.hpp"
#include "python/convert.hpp"
#include "shard/dataset.hpp"
#include "shard/reader.hpp"
#include "shard/writer.hpp"

namespace py = pybind11;

namespace fastload {
namespace {

static_assert(sizeof(jpeg::EntryPoint) == sizeof(shard::EntryPoint));

// Calls `add` with what an index keeps of the JPEG.
template <class Add>
void add_stored(const std::string& key, int32_t label, const jpeg::StoredJpeg& stored, const Add& add) {
  const py::gil_scoped_release release;
  const jpeg::Layout& layout = stored.header.layout;
  std::vector<shard::EntryPoint> points;
  points.reserve(stored.entry_points.points.size());
  for (const jpeg::EntryPoint point : stored.entry_points.points) points.push_back(point.packed());
  int flags = stored.rewritten ? shard::kRewritten : 0;
  if (stored.truncated) flags |= shard::kTruncated;
  add(shard::SampleInfo{.key = key,
                        .label = label,
                        .jpeg = stored.bytes,
                        .row_offsets = stored.row_offsets,
                        .entry_interval = stored.entry_points.interval,
                        .entry_points = points,
                        .width = layout.width,
                        .height = layout.height,
                        .components = layout.components,
                        .h = layout.h,
                        .v = layout.v,
                        .restart_interval = layout.restart_interval,
                        .orientation = stored.header.orientation,
                        .flags = static_cast<uint8_t>(flags)});
}

void write_index(const shard::IndexBuilder& index, const std::string& path, shard::IndexKind kind,
                 uint64_t archive_bytes) {
  const py::gil_scoped_release release;
  shard::File file(path, shard::File::Mode::create);
  index.write({.kind = kind, .archive_bytes = archive_bytes}, [&](auto bytes) { file.write(bytes); });
  file.sync();
  file.close();
}

// A record with its names: what Python sees of a sample before it reads the bytes.
struct SampleRecord {
  shard::Record record;
  std::string key, file;
};

SampleRecord record(const shard::Shard& shard, uint64_t sample) {
  const shard::Record& found = shard.record(sample);
  return {found, std::string(shard.key(found)), shard.file_of(found)};
}

std::string section_text(const shard::Shard& shard, shard::SectionId id) {
  const auto bytes = shard.index().section(id);
  return {bytes.begin(), bytes.end()};
}

py::bytes read(const shard::Shard& shard, uint64_t sample) {
  std::vector<uint8_t> jpeg;
  {
    const py::gil_scoped_release release;
    shard.read_jpeg(shard.record(sample), jpeg);
  }
  return to_bytes(jpeg);
}

// Pixels of a crop (x, y, width, height) of the reduced image, by the loader's own way through rows and
// segments.
py::array_t<uint8_t> decode(const shard::Shard& shard, uint64_t sample, const std::optional<Box>& crop,
                            int reduction) {
  require_reduction(reduction);
  pipeline::CropReader reader;
  const jpeg::Pixels* pixels = nullptr;
  {
    const py::gil_scoped_release release;
    const shard::Record& record = shard.record(sample);
    image::Rect rect{0, 0, jpeg::reduced(record.width, reduction), jpeg::reduced(record.height, reduction)};
    if (crop) rect = to_rect(*crop);
    reader.read(shard, record, rect, reduction);
    pixels = &reader.decode();
  }
  return to_array(*pixels);
}

template <class Member>
auto field(Member member) {
  return [member](const SampleRecord& sample) { return sample.record.*member; };
}

}  // namespace

void bind_shard(py::module_& m) {
  using shard::Record;
  py::class_<shard::Writer>(m, "ShardWriter")
      .def(py::init<const std::string&>(), py::arg("path"))
      .def(
          "add",
          [](shard::Writer& writer, const std::string& key, int32_t label, const jpeg::StoredJpeg& stored) {
            add_stored(key, label, stored, [&](const shard::SampleInfo& sample) { writer.add(sample); });
          },
          py::arg("key"), py::arg("label"), py::arg("prepared"))
      .def("close", &shard::Writer::close, py::call_guard<py::gil_scoped_release>())
      .def_property_readonly("num_samples", &shard::Writer::sample_count)
      .def_property_readonly("bytes_written", &shard::Writer::bytes);

  py::native_enum<shard::IndexKind>(m, "IndexKind", "enum.Enum")
      .value("member", shard::IndexKind::member)
      .value("sidecar", shard::IndexKind::sidecar)
      .value("folder", shard::IndexKind::folder)
      .finalize();
  py::class_<shard::IndexBuilder>(m, "IndexBuilder")
      .def(py::init<>())
      .def(
          "add",
          [](shard::IndexBuilder& index, const std::string& key, int32_t label,
             const jpeg::StoredJpeg& stored, uint64_t offset) {
            add_stored(key, label, stored,
                       [&](const shard::SampleInfo& sample) { index.add(sample, offset); });
          },
          py::arg("key"), py::arg("label"), py::arg("prepared"), py::arg("offset"))
      .def_readwrite("classes", &shard::IndexBuilder::classes)
      .def_readwrite("notes", &shard::IndexBuilder::notes)
      .def_property_readonly("num_samples", &shard::IndexBuilder::sample_count)
      .def("write", &write_index, py::arg("path"), py::arg("kind"), py::arg("archive_bytes") = 0);

  py::class_<SampleRecord>(m, "SampleRecord")
      .def_readonly("key", &SampleRecord::key)
      .def_readonly("file", &SampleRecord::file)
      .def_property_readonly("label", field(&Record::label))
      .def_property_readonly("width", field(&Record::width))
      .def_property_readonly("height", field(&Record::height))
      .def_property_readonly("components", field(&Record::components))
      .def_property_readonly("orientation", field(&Record::orientation))
      .def_property_readonly("restart_interval", field(&Record::restart_interval))
      .def_property_readonly("jpeg_offset", field(&Record::jpeg_offset))
      .def_property_readonly("jpeg_length", field(&Record::jpeg_bytes))
      .def_property_readonly("jpeg_crc32c", field(&Record::jpeg_crc))
      .def_property_readonly("row_count", field(&Record::row_count))
      .def_property_readonly("entry_count", field(&Record::entry_count))
      .def_property_readonly("entry_interval", field(&Record::entry_interval))
      .def_property_readonly("truncated",
                             [](const SampleRecord& s) { return (s.record.flags & shard::kTruncated) != 0; })
      .def_property_readonly("stored", [](const SampleRecord& s) {
        return s.record.flags & shard::kRewritten ? "restart" : "verbatim";
      });

  py::class_<shard::Shard, std::shared_ptr<shard::Shard>>(m, "Shard")
      .def(py::init<const std::string&>(), py::arg("path"), py::call_guard<py::gil_scoped_release>())
      .def_property_readonly("path", &shard::Shard::path)
      .def("__len__", &shard::Shard::size)
      .def_property_readonly("kind", [](const shard::Shard& shard) { return shard.index().kind(); })
      .def_property_readonly(
          "classes", [](const shard::Shard& shard) { return section_text(shard, shard::SectionId::classes); })
      .def_property_readonly(
          "notes", [](const shard::Shard& shard) { return section_text(shard, shard::SectionId::notes); })
      .def("record", &record, py::arg("sample"))
      .def("jpeg", &read, py::arg("sample"))
      .def("decode", &decode, py::arg("sample"), py::arg("crop") = py::none(), py::arg("reduction") = 1)
      .def("verify", &shard::Shard::verify, py::arg("sample"), py::call_guard<py::gil_scoped_release>())
      .def(
          "verify_index", [](const shard::Shard& shard) { shard.index().verify(); },
          py::call_guard<py::gil_scoped_release>());

  py::class_<shard::Dataset, std::shared_ptr<shard::Dataset>>(m, "Dataset")
      .def(py::init([](const std::vector<std::shared_ptr<shard::Shard>>& shards) {
             return std::make_shared<shard::Dataset>(
                 std::vector<std::shared_ptr<const shard::Shard>>(shards.begin(), shards.end()));
           }),
           py::arg("shards"))
      .def("__len__", &shard::Dataset::size)
      .def(
          "locate",
          [](const shard::Dataset& dataset, uint64_t index) {
            const auto place = dataset.locate(index);
            return py::make_tuple(place.shard.path(), place.sample);
          },
          py::arg("index"));
}

}  // namespace fastload
