// SPDX-License-Identifier: MIT
#include "tools/coco_files.hpp"

#include "rexnet/core/bytes.hpp"
#include "rexnet/core/error.hpp"
#include "rexnet/system/file_bytes.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

namespace rexnet_tools {
namespace {

using rexnet::errc;
using rexnet::error;

[[noreturn]] void refuse(const std::string& what) {
  throw error(errc::invalid_argument, what);
}

/// The arrays of records that are read. Detections are the file's own array.
enum class section { none, pictures, categories, annotations, detections };
enum class field {
  none,
  id,
  image_id,
  category_id,
  bbox,
  area,
  iscrowd,
  score,
  file_name,
  name,
  width,
  height
};

struct known_field {
  const char* key;
  field what;
  unsigned sections;  ///< bit s: section s has it
};
constexpr unsigned bit(section s) {
  return 1u << static_cast<unsigned>(s);
}
constexpr unsigned in_pictures = bit(section::pictures), in_categories = bit(section::categories),
                   in_annotations = bit(section::annotations), in_detections = bit(section::detections);
constexpr known_field known_fields[] = {
    {"id", field::id, in_pictures | in_categories | in_annotations},
    {"image_id", field::image_id, in_annotations | in_detections},
    {"category_id", field::category_id, in_annotations | in_detections},
    {"bbox", field::bbox, in_annotations | in_detections},
    {"area", field::area, in_annotations},
    {"iscrowd", field::iscrowd, in_annotations},
    {"score", field::score, in_detections},
    {"file_name", field::file_name, in_pictures},
    {"name", field::name, in_categories},
    {"width", field::width, in_pictures},
    {"height", field::height, in_pictures},
};
const char* key_of(field f) {
  for (const known_field& k : known_fields)
    if (k.what == f) return k.key;
  return "";
}
const char* name_of(section s) {
  switch (s) {
    case section::pictures: return "images";
    case section::categories: return "categories";
    case section::annotations: return "annotations";
    case section::detections: return "detections";
    case section::none: break;
  }
  return "";
}
section section_named(const std::string& key) {
  for (const section s : {section::pictures, section::categories, section::annotations})
    if (key == name_of(s)) return s;
  return section::none;
}

/// One record, as far as it is used.
struct record {
  std::optional<std::int64_t> id, image_id, category_id, width, height;
  std::optional<double> area, score;
  double corners[4] = {};
  int box_numbers = -1;  ///< -1: no bbox
  bool crowd = false;
  std::string text;  ///< file_name or name
};

/// "annotations[7]"
std::string place(section s, std::size_t index) {
  return std::string(name_of(s)) + '[' + std::to_string(index) + ']';
}

/// Walks over the file; each(section, index, record) for every record. The parser keeps no tree and does not
/// recurse, so that depth and size of what is passed over do not matter.
template <class Each>
class record_reader : public nlohmann::json_sax<nlohmann::json> {
 public:
  /// @param detections the file is one array
  record_reader(bool detections, Each each) : detections_(detections), each_(std::move(each)) {}

  /// Which arrays stood in the file, bit(s) for each.
  [[nodiscard]] unsigned found() const { return found_; }

  bool null() override {
    if (depth_ == record_depth() && field_ != field::none) return true;  // as if the key were not there
    return value("null");
  }
  bool boolean(bool v) override {
    if (wanted(field::iscrowd)) {
      record_.crowd = v;
      return true;
    }
    return value("true or false");
  }
  bool number_integer(std::int64_t v) override { return whole(v) || number(static_cast<double>(v)); }
  bool number_unsigned(std::uint64_t v) override {
    constexpr auto most = static_cast<std::uint64_t>((std::numeric_limits<std::int64_t>::max)());
    return (v <= most && whole(static_cast<std::int64_t>(v))) || number(static_cast<double>(v));
  }
  bool number_float(double v, const std::string& /*text*/) override {
    constexpr double exact = 9007199254740992.0;  // 2^53
    if (v == std::floor(v) && std::fabs(v) <= exact && whole(static_cast<std::int64_t>(v))) return true;
    return number(v);
  }
  bool string(std::string& v) override {
    if (wanted(field::file_name) || wanted(field::name)) {
      record_.text = v;
      return true;
    }
    return value("a string");
  }
  bool binary(nlohmann::json::binary_t& /*v*/) override { return true; }  // JSON has none

  bool start_object(std::size_t /*elements*/) override {
    if (depth_ == 0 && detections_)
      refuse("an object, where an array of detections was expected (ground truth in place of detections?)");
    if (depth_ == record_depth() - 1 && section_ != section::none) {
      record_ = {};
      field_ = field::none;
    } else if (depth_ > 0) {
      value("an object");
    }
    ++depth_;
    return true;
  }
  bool key(std::string& key) override {
    if (depth_ == 1 && !detections_) section_ = section_named(key);
    if (depth_ == record_depth() && section_ != section::none) {
      field_ = field::none;
      for (const known_field& k : known_fields)
        if (key == k.key && (k.sections & bit(section_)) != 0) field_ = k.what;
    }
    return true;
  }
  bool end_object() override {
    if (--depth_ == record_depth() - 1 && section_ != section::none) each_(section_, index_++, record_);
    return true;
  }
  bool start_array(std::size_t /*elements*/) override {
    if (depth_ == 0) {
      if (!detections_)
        refuse(
            "an array, where an object with images, categories and annotations was expected (detections in "
            "place of ground truth?)");
      section_ = section::detections;
    }
    if (depth_ == record_depth() - 2 && section_ != section::none) {
      if ((found_ & bit(section_)) != 0) refuse(std::string(name_of(section_)) + " stands twice");
      found_ |= bit(section_);
      index_ = 0;
    } else if (depth_ == record_depth() && field_ == field::bbox) {
      record_.box_numbers = 0;
    } else if (depth_ > 0) {
      value("an array");
    }
    ++depth_;
    return true;
  }
  bool end_array() override {
    if (--depth_ == 1 && !detections_) section_ = section::none;
    return true;
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*last*/,
                   const nlohmann::detail::exception& e) override {
    std::string why = e.what();  // "[json.exception...] parse error at line 1, column 9: ..."
    if (const std::size_t end = why.find("] "); end != why.npos) why.erase(0, end + 2);
    constexpr std::size_t enough = 300;
    if (why.size() > enough) why.resize(enough), why += "...";
    refuse("no JSON: " + why);
  }

 private:
  /// Depth within a record.
  [[nodiscard]] int record_depth() const { return detections_ ? 2 : 3; }
  [[nodiscard]] bool wanted(field f) const {
    return depth_ == record_depth() && section_ != section::none && field_ == f;
  }
  [[noreturn]] void wrong(const char* found, const char* expected) {
    refuse(place(section_, index_) + ": " + key_of(field_) + " is " + found + ", expected " + expected);
  }
  static const char* expected_of(field f) {
    switch (f) {
      case field::bbox: return "[x, y, width, height]";
      case field::area:
      case field::score: return "a number";
      case field::iscrowd: return "0 or 1";
      case field::file_name:
      case field::name: return "a string";
      default: return "a whole number";
    }
  }
  /// Anything that is not what its place asks for: an error there, nothing elsewhere.
  bool value(const char* what) {
    if (section_ == section::none) return true;
    if (depth_ == record_depth() - 2 && !detections_)
      refuse(std::string(name_of(section_)) + " is " + what + ", expected an array");
    if (depth_ == record_depth() - 1)
      refuse(place(section_, index_) + " is " + what + ", expected an object");
    if (depth_ == record_depth() && field_ != field::none) wrong(what, expected_of(field_));
    if (depth_ == record_depth() + 1 && field_ == field::bbox)
      refuse(place(section_, index_) + ": bbox has " + what + " in it, expected four numbers");
    return true;
  }
  /// Takes a whole number where one belongs.
  bool whole(std::int64_t v) {
    if (depth_ != record_depth() || section_ == section::none) return false;
    switch (field_) {
      case field::id: record_.id = v; return true;
      case field::image_id: record_.image_id = v; return true;
      case field::category_id: record_.category_id = v; return true;
      case field::width: record_.width = v; return true;
      case field::height: record_.height = v; return true;
      case field::iscrowd:
        if (v != 0 && v != 1) wrong("another number", expected_of(field_));
        record_.crowd = v == 1;
        return true;
      default: return false;
    }
  }
  bool number(double v) {
    if (wanted(field::area))
      record_.area = v;
    else if (wanted(field::score))
      record_.score = v;
    else if (depth_ == record_depth() + 1 && section_ != section::none && field_ == field::bbox) {
      if (record_.box_numbers < 4) record_.corners[record_.box_numbers] = v;
      if (record_.box_numbers < 5) ++record_.box_numbers;  // 5: too many
    } else
      return value("another number");
    return true;
  }

  bool detections_;
  Each each_;
  int depth_ = 0;
  section section_ = section::none;
  field field_ = field::none;
  unsigned found_ = 0;
  std::size_t index_ = 0;  ///< of the record
  record record_;
};

template <class Each>
unsigned read_records(std::string_view json, bool detections, Each&& each) {
  record_reader<Each&> reader(detections, each);
  nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  return reader.found();
}

template <class T>
T needed(const std::optional<T>& v, section s, std::size_t index, field f) {
  if (!v)
    refuse(place(s, index) + ": no " + key_of(f) +
           (f == field::area ? " (the mask's; of a box without mask, width times height)" : ""));
  return *v;
}

coco_box box_of(const record& r, section s, std::size_t index) {
  if (r.box_numbers < 0) refuse(place(s, index) + ": no bbox");
  if (r.box_numbers != 4)
    refuse(place(s, index) + ": bbox of " +
           (r.box_numbers > 4 ? "more than 4" : std::to_string(r.box_numbers)) +
           " numbers, expected 4: x, y, width, height");
  const coco_box b{r.corners[0], r.corners[1], r.corners[2], r.corners[3]};
  if (!(b.w >= 0 && b.h >= 0))
    refuse(place(s, index) + ": a box of " + std::to_string(b.w) + " x " + std::to_string(b.h) + " pixels");
  return b;
}

int side_of(const std::optional<std::int64_t>& v, std::size_t index, field f) {
  if (!v) return 0;
  if (*v < 1 || *v > (std::numeric_limits<int>::max)())
    refuse(place(section::pictures, index) + ": " + key_of(f) + " is " + std::to_string(*v));
  return static_cast<int>(*v);
}

/// By ascending id. Throws where one stands twice.
template <class T>
void sort_by_id(std::vector<T>& v, section s) {
  std::sort(v.begin(), v.end(), [](const T& a, const T& b) { return a.id < b.id; });
  const auto twice =
      std::adjacent_find(v.begin(), v.end(), [](const T& a, const T& b) { return a.id == b.id; });
  if (twice != v.end())
    refuse(std::string(name_of(s)) + ": id " + std::to_string(twice->id) + " stands twice");
}
constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
template <class T>
std::size_t position_of(const std::vector<T>& v, std::int64_t id) {
  const auto at =
      std::lower_bound(v.begin(), v.end(), id, [](const T& a, std::int64_t b) { return a.id < b; });
  return at != v.end() && at->id == id ? static_cast<std::size_t>(at - v.begin()) : nowhere;
}

/// A file's text, with its path before the message of what reads it.
template <class Read>
auto read_coco_file(const std::string& path, Read&& read) {
  const auto file = rexnet::file_bytes::map(path).value();
  const rexnet::byte_span bytes = file.bytes();
  try {
    return read(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  } catch (const rexnet::error& e) {
    throw e.in(path);
  }
}

}  // namespace

coco_truth read_coco_truth(std::string_view json) {
  struct raw {
    coco_annotation a;
    std::int64_t id, picture, category;
  };
  coco_truth t;
  std::vector<raw> raws;
  const auto take = [&](section s, std::size_t i, record& r) {
    const std::int64_t id = needed(r.id, s, i, field::id);
    if (s == section::pictures) {
      t.pictures.push_back(
          {id, std::move(r.text), side_of(r.width, i, field::width), side_of(r.height, i, field::height)});
    } else if (s == section::categories) {
      t.categories.push_back({id, std::move(r.text)});
    } else {
      if (id == 0) refuse(place(s, i) + ": id 0, which pycocotools takes for no match");
      raw a;
      a.id = id;
      a.picture = needed(r.image_id, s, i, field::image_id);
      a.category = needed(r.category_id, s, i, field::category_id);
      a.a.box = box_of(r, s, i);
      a.a.area = needed(r.area, s, i, field::area);
      a.a.crowd = r.crowd;
      raws.push_back(a);
    }
  };
  const unsigned found = read_records(json, false, take);
  for (const section s : {section::pictures, section::categories, section::annotations})
    if ((found & bit(s)) == 0) refuse(std::string("no array \"") + name_of(s) + "\"");
  sort_by_id(t.pictures, section::pictures);
  sort_by_id(t.categories, section::categories);
  {
    struct only_id {
      std::int64_t id;
    };
    std::vector<only_id> ids;
    ids.reserve(raws.size());
    for (const raw& a : raws) ids.push_back({a.id});
    sort_by_id(ids, section::annotations);
  }
  t.annotations.reserve(raws.size());
  for (raw& a : raws) {
    a.a.picture = position_of(t.pictures, a.picture);
    a.a.category = position_of(t.categories, a.category);
    if (a.a.picture == nowhere)
      ++t.of_unknown_pictures;
    else if (a.a.category == nowhere)
      ++t.of_unknown_categories;
    else
      t.annotations.push_back(a.a);
  }
  return t;
}

coco_detections read_coco_detections(std::string_view json, const coco_truth& truth) {
  coco_detections all;
  const auto take = [&](section s, std::size_t i, record& r) {
    coco_detection d;
    const std::int64_t picture = needed(r.image_id, s, i, field::image_id);
    d.picture = position_of(truth.pictures, picture);
    d.category = position_of(truth.categories, needed(r.category_id, s, i, field::category_id));
    d.box = box_of(r, s, i);
    d.score = needed(r.score, s, i, field::score);
    if (d.picture == nowhere)
      refuse(place(s, i) + ": image_id " + std::to_string(picture) + " is no picture of the ground truth");
    if (d.category == nowhere)
      ++all.of_unknown_categories;
    else
      all.boxes.push_back(d);
  };
  if ((read_records(json, true, take) & in_detections) == 0) refuse("no array of detections");
  return all;
}

std::vector<std::string> coco_notes(const coco_truth& truth) {
  std::vector<std::string> notes;
  if (const std::size_t n = truth.of_unknown_pictures; n > 0)
    notes.push_back(std::to_string(n) + " annotations of pictures that it does not list are left out");
  if (const std::size_t n = truth.of_unknown_categories; n > 0)
    notes.push_back(std::to_string(n) + " annotations of categories that it does not list are left out");
  return notes;
}

coco_truth read_coco_truth_file(const std::string& path) {
  return read_coco_file(path, [](std::string_view text) { return read_coco_truth(text); });
}

coco_detections read_coco_detections_file(const std::string& path, const coco_truth& truth) {
  return read_coco_file(path, [&truth](std::string_view text) { return read_coco_detections(text, truth); });
}

}  // namespace rexnet_tools
