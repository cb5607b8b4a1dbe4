#include "tools/basecache/progress_bar.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "agent/base/byte_size.hpp"
#include "agent/base/text.hpp"

namespace basecache::cli {
namespace {

constexpr std::size_t kBarWidth = 24;
constexpr std::size_t kSubjectWidth = 32;
constexpr std::chrono::milliseconds kBetweenDraws{80};

std::size_t columns_of_terminal() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string bar(double fraction) {
  const auto filled = static_cast<std::size_t>(fraction * kBarWidth);
  std::string text(filled, '=');
  if (filled < kBarWidth) text += '>';
  text.resize(kBarWidth, ' ');
  return "[" + text + "]";
}

// The end of a long subject says more than its beginning: a URL's last part. What isn't printable was made harmless by
// quote(); its quotation marks would only be noise here.
std::string plain(const std::string& subject) {
  const bool too_long = subject.size() > kSubjectWidth;
  const std::string quoted = quote(too_long ? "..." + subject.substr(subject.size() - kSubjectWidth + 3) : subject);
  return quoted.substr(1, quoted.size() - 2);
}

void write_line(const std::string& text) { (void)!::write(STDERR_FILENO, text.data(), text.size()); }

}  // namespace

std::string progress_line(const Progress& progress, std::chrono::duration<double> running, std::size_t columns) {
  std::string line = fmt::format("{:<8} {}", progress.step, plain(progress.subject));
  if (progress.total && *progress.total > 0) {
    const double fraction = std::min(1.0, static_cast<double>(progress.done) / static_cast<double>(*progress.total));
    line += fmt::format("  {} {:3.0f}%  {} of {}", bar(fraction), fraction * 100, to_text(Bytes{progress.done}),
                        to_text(Bytes{*progress.total}));
  } else if (progress.done > 0) {
    line += "  " + to_text(Bytes{progress.done});
  }
  if (progress.done > 0 && running.count() > 0.5) {
    const auto rate = static_cast<std::uint64_t>(static_cast<double>(progress.done) / running.count());
    line += fmt::format("  {}/s", to_text(Bytes{rate}));
  }
  return line.substr(0, columns);
}

ProgressBar::ProgressBar(bool wanted) : shown_(wanted && ::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (shown_ && !step_.empty()) write_line("\r\x1b[K");
}

void ProgressBar::show(const Progress& progress) {
  const auto now = std::chrono::steady_clock::now();
  const bool changed = step_ != progress.step;
  if (!shown_ || (!changed && now < next_draw_)) return;
  if (changed) {
    step_ = progress.step;
    step_began_ = now;
  }
  next_draw_ = now + kBetweenDraws;
  write_line("\r" + progress_line(progress, now - step_began_, columns_of_terminal() - 1) + "\x1b[K");
}

}  // namespace basecache::cli
