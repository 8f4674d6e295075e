// SPDX-License-Identifier: MIT
// The objects of a pickle: names, what is made by calling them, and their state. Tensors, numpy's arrays and
// dictionaries are made of the few names that globals.hpp lists; all others make boxes.
#ifndef REXNET_CHECKPOINT_PICKLE_OBJECTS_HPP
#define REXNET_CHECKPOINT_PICKLE_OBJECTS_HPP

#include "rexnet/checkpoint/pickle/globals.hpp"
#include "rexnet/checkpoint/pickle/state.hpp"
#include "rexnet/checkpoint/pickle/value.hpp"
#include "rexnet/core/error.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace pickle {
namespace detail {

using rexnet::detail::in_quotes;

class machine_objects : protected machine_state {
 protected:
  explicit machine_objects(byte_span bytes) : machine_state(bytes) {}

  /// Boxes drop the state, arguments and items that they are given.
  [[nodiscard]] bool is_box(std::uint32_t index) const {
    return p_[index].type == kind::inert || p_[index].type == kind::module;
  }

  status global() {
    auto module = line();
    if (!module) return module.error();
    auto name = line();
    if (!name) return name.error();
    const auto index = static_cast<std::uint32_t>(p_.values.size());
    push(kind::string).text = *module;
    stack_.pop_back();
    return push_global(index, *name);
  }
  status stack_global() {
    std::uint32_t module, name;
    if (!pop(name) || !pop(module)) return underflow();
    if (p_[name].type != kind::string || p_[module].type != kind::string)
      return fail(errc::pickle_global, "a global whose name is no string");
    return push_global(module, p_[name].text);
  }
  status push_global(std::uint32_t module, std::string_view name) {
    const role r = role_of(p_[module].text, name);
    value v;
    v.type = kind::global;
    v.text = name;
    v.integer = static_cast<std::int64_t>(r);
    v.items = {module};
    if (r == role::runs_code)
      return fail(errc::pickle_global,
                  "refers to " + in_quotes(p_.full_name(v)) + ", which is not part of a checkpoint's data");
    if (r == role::other_pickle)
      return fail(errc::model_other_format,
                  "refers to " + in_quotes(p_.full_name(v)) +
                      ", written by joblib or pickle.dump: read the file with Python and write it with "
                      "torch.save or safetensors");
    push(kind::global) = std::move(v);
    return done;
  }

  status persistent() {
    std::uint32_t id;
    if (!pop(id)) return underflow();
    const value& v = p_[id];
    // Legacy files keep the source text of a module's class beside it.
    if (v.type == kind::tuple && v.items.size() == 4 && p_[v.items[0]].text == "module") {
      stack_.push_back(v.items[1]);
      return done;
    }
    const bool fits = v.type == kind::tuple && (v.items.size() == 5 || v.items.size() == 6) &&
                      p_[v.items[0]].text == "storage" && role_at(v.items[1]) == role::storage &&
                      p_[v.items[2]].type == kind::string && p_[v.items[4]].type == kind::integer;
    if (!fits) return fail(errc::pickle_reduce, "a persistent id that is no storage");
    if (p_[v.items[2]].text.size() > max_key_bytes)
      return fail(errc::pickle_length, "a storage's key of " + std::to_string(p_[v.items[2]].text.size()) +
                                           " bytes, at most " + std::to_string(max_key_bytes));
    std::vector<std::uint32_t> items = v.items;
    push(kind::storage).items = std::move(items);
    return done;
  }

  /// REDUCE and NEWOBJ: a name and a tuple of arguments.
  status reduce() {
    std::uint32_t arguments, callee;
    if (!pop(arguments) || !pop(callee)) return underflow();
    if ((p_[callee].type != kind::global && !is_box(callee)) || p_[arguments].type != kind::tuple)
      return fail(errc::pickle_reduce, "REDUCE of something that is no name with a tuple");
    // Eight arguments are the most that anything below takes: a long tuple is never copied.
    const std::size_t given = p_[arguments].items.size();
    const std::vector<std::uint32_t> items = given <= 8 ? p_[arguments].items : std::vector<std::uint32_t>();
    return make(callee, given, items);
  }
  /// NEWOBJ_EX: with keywords, which only classes that are not understood take.
  status new_object() {
    std::uint32_t keywords, arguments, callee;
    if (!pop(keywords) || !pop(arguments) || !pop(callee)) return underflow();
    if (p_[callee].type != kind::global || p_[keywords].type != kind::dict ||
        p_[arguments].type != kind::tuple)
      return fail(errc::pickle_reduce, "NEWOBJ_EX of something that is no name with a tuple and a dict");
    if (role_at(callee) != role::inert)
      return fail(errc::pickle_reduce, "NEWOBJ_EX of " + in_quotes(p_[callee].text));
    return push_box(callee);
  }

  /// State for an object: taken for OrderedDict (torch puts _metadata there), numpy's objects and boxes.
  status build() {
    std::uint32_t state;
    if (!pop(state) || stack_.empty()) return underflow();
    value& target = p_.values[stack_.back()];
    switch (target.type) {
      case kind::dict:
        if (p_[state].type == kind::dict) return done;
        break;
      case kind::inert:
        if (is_module_state(p_[state])) target.type = kind::module;
        return done;
      case kind::module:
      case kind::odd_tensor: return done;
      case kind::array:
        if (p_[state].type == kind::tuple) return fill_array(target, p_[state].items);
        break;
      case kind::array_type:
        if (const value& s = p_[state]; s.type == kind::tuple && s.items.size() > 1 &&
                                        p_[s.items[1]].type == kind::string &&
                                        p_[s.items[1]].text.size() == 1)
          target.integer = static_cast<unsigned char>(p_[s.items[1]].text[0]);
        return done;
      default: break;
    }
    return fail(errc::pickle_reduce, "BUILD on something that takes no state");
  }

 private:
  /// What every torch.nn.Module has, and nothing else. All states together are no longer than the program:
  /// when more items than that were searched, one state is used many times, and no more are.
  [[nodiscard]] bool is_module_state(const value& state) {
    if (state.type != kind::dict) return false;
    searched_ += state.items.size();
    return searched_ <= bytes_.size() && p_.find(state, "_parameters") != nullptr &&
           p_.find(state, "_modules") != nullptr;
  }
  [[nodiscard]] role role_at(std::uint32_t index) const {
    return p_[index].type == kind::global ? static_cast<role>(p_[index].integer) : role::inert;
  }
  [[nodiscard]] bool is(std::uint32_t index, kind k) const { return p_[index].type == k; }

  status push_box(std::uint32_t callee, const std::vector<std::uint32_t>& arguments = {}) {
    // What is made of a module wraps it: torch.compile's OptimizedModule. Of what a box made, the class is
    // the box's: chains of them stay short.
    const bool name = p_[callee].type == kind::global;
    std::vector<std::uint32_t> items = name ? std::vector<std::uint32_t>{callee} : p_[callee].items;
    const bool wraps = std::any_of(arguments.begin(), arguments.end(),
                                   [this](std::uint32_t a) { return is(a, kind::module); });
    push(wraps ? kind::module : kind::inert).items = std::move(items);
    return done;
  }
  status push_odd(std::string_view made_by) {
    push(kind::odd_tensor).text = made_by;
    return done;
  }
  status push_same(std::uint32_t index) {
    stack_.push_back(index);
    return done;
  }

  status make(std::uint32_t callee, std::size_t given, const std::vector<std::uint32_t>& items) {
    const std::string_view name = p_[callee].text;
    const auto wrong = [&] { return fail(errc::pickle_reduce, "wrong arguments for " + in_quotes(name)); };
    switch (role_at(callee)) {
      case role::ordered_dict:
        if (given == 1 && is(items[0], kind::list)) return dict_of_pairs(items[0]);
        if (given != 0) return wrong();
        push(kind::dict);
        return done;
      case role::default_dict:
        if (given > 1) return wrong();
        push(kind::dict);
        return done;
      case role::rebuild_tensor:
        if (items.size() < 4 || !is(items[0], kind::storage) || !is(items[1], kind::integer) ||
            !is(items[2], kind::tuple) || !is(items[3], kind::tuple))
          return wrong();
        push(kind::tensor).items = items;
        return done;
      case role::rebuild_typed: return rebuild_typed(name, items);
      case role::rebuild_parameter:
        if (items.empty() || (!is_tensor(p_[items[0]].type) && !is_box(items[0]))) return wrong();
        return is_box(items[0]) ? push_odd(name) : push_same(items[0]);
      case role::parameter:
        if (!items.empty() && is_tensor(p_[items[0]].type)) return push_same(items[0]);
        return push_odd(name);
      case role::odd_tensor: return push_odd(name);
      case role::size:
        if (items.size() != 1 || !is(items[0], kind::tuple)) return wrong();
        return push_same(items[0]);
      case role::plain_tuple:
        // paddle.save writes a tensor among other things as tuple((name, array)).
        if (items.size() == 1 && is(items[0], kind::tuple) && p_[items[0]].items.size() == 2 &&
            is(p_[items[0]].items[0], kind::string) && is(p_[items[0]].items[1], kind::array))
          return push_same(p_[items[0]].items[1]);
        return push_box(callee);
      case role::array:
        if (items.empty() || role_at(items[0]) != role::array_class) return push_box(callee);
        push(kind::array);
        return done;
      case role::array_of_buffer: return array_of_buffer(items);
      case role::array_type:
        if (items.empty() || !is(items[0], kind::string)) return push_box(callee);
        push(kind::array_type).text = p_[items[0]].text;
        return done;
      case role::encode:
        if (items.size() != 2 || !is(items[0], kind::string) || p_[items[1]].text != "latin1")
          return push_box(callee);
        push(kind::encoded).text = p_[items[0]].text;
        return done;
      case role::inert: return push_box(callee, items);
      default: return fail(errc::pickle_reduce, "REDUCE of " + in_quotes(name));
    }
  }

  /// _rebuild_from_type_v2(function, class, its arguments, state): a tensor with attributes of its own.
  status rebuild_typed(std::string_view name, const std::vector<std::uint32_t>& items) {
    if (items.size() == 4 && is(items[2], kind::tuple) && p_[items[2]].items.size() <= 8 &&
        is(items[1], kind::global) &&
        is_one_of(p_.full_name(p_[items[1]]),
                  {"torch.Tensor", "torch._tensor.Tensor", "torch.nn.parameter.Parameter"}) &&
        (role_at(items[0]) == role::rebuild_tensor || role_at(items[0]) == role::rebuild_parameter)) {
      const std::vector<std::uint32_t> arguments = p_[items[2]].items;
      return make(items[0], arguments.size(), arguments);
    }
    return push_odd(name);
  }

  /// The state of an array: version, shape, type, Fortran order, data.
  status fill_array(value& array, const std::vector<std::uint32_t>& state) {
    if (state.size() != 5 || !is(state[1], kind::tuple) || !is(state[3], kind::boolean))
      return fail(errc::pickle_reduce, "wrong state for a numpy array");
    set_array(array, state[1], state[2], state[4], p_[state[3]].integer != 0);
    return done;
  }
  /// Protocol 5: the data, type, shape, order.
  status array_of_buffer(const std::vector<std::uint32_t>& items) {
    if (items.size() != 4 || !is(items[2], kind::tuple) || !is(items[3], kind::string))
      return fail(errc::pickle_reduce, "wrong arguments for \"_frombuffer\"");
    set_array(push(kind::array), items[2], items[1], items[0], p_[items[3]].text == "F");
    return done;
  }
  /// An array of objects, strings or records is no tensor, but something that lies beside them.
  void set_array(value& array, std::uint32_t shape, std::uint32_t type, std::uint32_t data, bool fortran) {
    const bool plain = is(type, kind::array_type) && (is(data, kind::string) || is(data, kind::encoded)) &&
                       !p_[type].text.empty() &&
                       std::string_view("fiubc").find(p_[type].text[0]) != std::string_view::npos;
    array.type = plain ? kind::array : kind::inert;
    array.integer = fortran ? 1 : 0;
    array.items = plain ? std::vector<std::uint32_t>{shape, type, data} : std::vector<std::uint32_t>();
  }

  /// Python 2 wrote OrderedDict([[key, value], ...]), each with a list of its own. All such lists together
  /// are no longer than the program; one list that is used many times could add up to more.
  status dict_of_pairs(std::uint32_t list) {
    copied_ += 2 * p_[list].items.size();
    if (copied_ > bytes_.size())
      return fail(errc::pickle_length, std::to_string(copied_) + " items of OrderedDicts in a program of " +
                                           std::to_string(bytes_.size()) + " bytes");
    std::vector<std::uint32_t> flat;
    for (const std::uint32_t pair : p_[list].items) {
      const value& v = p_[pair];
      if ((v.type != kind::list && v.type != kind::tuple) || v.items.size() != 2)
        return fail(errc::pickle_reduce, "wrong arguments for \"OrderedDict\"");
      flat.insert(flat.end(), v.items.begin(), v.items.end());
    }
    push(kind::dict).items = std::move(flat);
    return done;
  }

  std::size_t copied_ = 0;    ///< items of Python 2's OrderedDicts
  std::size_t searched_ = 0;  ///< items of states
};

}  // namespace detail
}  // namespace pickle
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_PICKLE_OBJECTS_HPP
