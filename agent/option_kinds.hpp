#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "agent/config_options.hpp"
#include "agent/config_values.hpp"

// The kinds of members that options have, so that a row of the table says no more than which member it is.
namespace basecache::option_kinds {

constexpr std::size_t kMostThreads = 1024;

template <class Choices>
auto parse_choice(const Choices& choices, std::string_view text) {
  std::string words;
  for (const auto& [word, value] : choices) {
    if (word == text) return value;
    words += (words.empty() ? "" : ", ") + std::string(word);
  }
  throw BadValue("one of " + words);
}

template <class Choices, class Value>
std::string show_choice(const Choices& choices, Value value) {
  const auto found = std::ranges::find(choices, value, [](const auto& choice) { return choice.second; });
  return std::string(found->first);
}

inline std::size_t parse_threads(std::string_view text, std::size_t by_cores) {
  if (text == "auto") return by_cores;
  try {
    return parse_number(text, 1, kMostThreads);
  } catch (const BadValue& bad) {
    throw BadValue(fmt::format("auto or {}", bad.what()));
  }
}

// Members are told by their path from Config down.
template <auto... members>
constexpr decltype(auto) at(auto& config) {
  return (config.*....*members);
}

template <auto... members>
constexpr OptionValue flag{[](Config& config, std::string_view text) { at<members...>(config) = parse_flag(text); },
                           [](const Config& config) { return show_flag(at<members...>(config)); }};
template <auto... members>
constexpr OptionValue path{
    [](Config& config, std::string_view text) { at<members...>(config) = parse_absolute_path(text); },
    [](const Config& config) { return at<members...>(config).string(); }};
template <auto... members>
constexpr OptionValue path_or_none{[](Config& config, std::string_view text) {
                                     at<members...>(config) = text.empty() ? Path() : parse_absolute_path(text);
                                   },
                                   [](const Config& config) { return at<members...>(config).string(); }};
template <auto& parse_text, auto... members>
constexpr OptionValue checked{[](Config& config, std::string_view text) { at<members...>(config) = parse_text(text); },
                              [](const Config& config) { return at<members...>(config); }};
template <auto... members>
constexpr OptionValue name = checked<parse_word, members...>;
template <auto... members>
constexpr OptionValue text = checked<parse_line, members...>;
template <auto& parse_items, auto... members>
constexpr OptionValue list{[](Config& config, std::string_view text) { at<members...>(config) = parse_items(text); },
                           [](const Config& config) { return show_list(at<members...>(config)); }};
template <auto member, unsigned least>
constexpr OptionValue time{
    [](Config& config, std::string_view text) { config.*member = parse_seconds(text, std::chrono::seconds(least)); },
    [](const Config& config) { return fmt::format("{}", (config.*member).count()); }};
template <unsigned least, unsigned most, auto... members>
constexpr OptionValue number{[](Config& config, std::string_view text) {
                               at<members...>(config) = static_cast<unsigned>(parse_number(text, least, most));
                             },
                             [](const Config& config) { return fmt::format("{}", at<members...>(config)); }};
template <auto member, auto& by_cores>
constexpr OptionValue threads{
    [](Config& config, std::string_view text) { config.*member = parse_threads(text, by_cores()); },
    [](const Config& config) { return fmt::format("{}", config.*member); }};
// `words`: pairs of a word and its value.
template <auto& words, auto... members>
constexpr OptionValue choice{
    [](Config& config, std::string_view text) { at<members...>(config) = parse_choice(words, text); },
    [](const Config& config) { return show_choice(words, at<members...>(config)); }};

template <auto... members>
constexpr OptionValue bytes{[](Config& config, std::string_view text) { at<members...>(config) = parse_bytes(text); },
                            [](const Config& config) { return show_bytes(at<members...>(config)); }};

}  // namespace basecache::option_kinds
