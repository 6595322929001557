#include "byte_pairs.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <queue>
#include <random>
#include <tuple>

#include "require.h"

namespace galop {
namespace {

constexpr uint32_t kLargestId = 1u << 24;
constexpr int kDeepest = 64;

uint64_t mix(uint64_t x) {  // the finaliser of SplitMix64
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

// Walks through a JSON text (RFC 8259) once, from left to right.
class Json {
 public:
  explicit Json(std::string_view text) : text_(text) {}

  bool take(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) { require(take(c), "the tokenizer is not well-formed JSON"); }

  // The value of a string, which is valid until the next one is read.
  std::string_view string() {
    expect('"');
    const size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\') ++at_;
    require(at_ < text_.size(), "the tokenizer's JSON ends within a string");
    if (text_[at_] == '"') return text_.substr(begin, at_++ - begin);
    value_.assign(text_, begin, at_ - begin);
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] != '\\') {
        value_ += text_[at_++];
        continue;
      }
      ++at_;
      escape();
    }
    expect('"');
    return value_;
  }

  uint32_t number() {
    space();
    uint64_t n = 0;
    const size_t begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9' && n < kLargestId) n = n * 10 + (text_[at_++] - '0');
    require(at_ > begin && n < kLargestId, "a token's id is not a small number");
    return static_cast<uint32_t>(n);
  }

  std::string_view skip(int depth = 0) {
    require(depth < kDeepest, "the tokenizer's JSON is too deep");
    space();
    const size_t begin = at_;
    require(at_ < text_.size(), "the tokenizer's JSON ends too early");
    const char c = text_[at_];
    if (c == '"') {
      string();
    } else if (c == '{') {
      each_member([&](std::string_view) { skip(depth + 1); });
    } else if (c == '[') {
      each_element([&] { skip(depth + 1); });
    } else {
      while (at_ < text_.size() && !std::strchr(",]} \n\r\t", text_[at_])) ++at_;
      require(at_ > begin, "the tokenizer is not well-formed JSON");
    }
    return text_.substr(begin, at_ - begin);
  }

  template <class F>
  void each_member(F f) {
    expect('{');
    if (take('}')) return;
    do {
      const std::string_view name = string();
      expect(':');
      f(name);
    } while (take(','));
    expect('}');
  }

  template <class F>
  void each_element(F f) {
    expect('[');
    if (take(']')) return;
    do f();
    while (take(','));
    expect(']');
  }

  bool ended() {
    space();
    return at_ == text_.size();
  }

  bool next_is(char c) {
    space();
    return at_ < text_.size() && text_[at_] == c;
  }

 private:
  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) ++at_;
  }

  uint32_t hex() {
    require(at_ + 4 <= text_.size(), "the tokenizer's JSON ends within a string");
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_++];
      const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
      require(digit >= 0, "the tokenizer's JSON has an escape that is none");
      value = value * 16 + static_cast<uint32_t>(digit);
    }
    return value;
  }

  void escape() {
    require(at_ < text_.size(), "the tokenizer's JSON ends within a string");
    const char c = text_[at_++];
    static constexpr char kFrom[] = "\"\\/bfnrt", kTo[] = "\"\\/\b\f\n\r\t";
    if (const char* found = c ? std::strchr(kFrom, c) : nullptr) {
      value_ += kTo[found - kFrom];
      return;
    }
    require(c == 'u', "the tokenizer's JSON has an escape that is none");
    uint32_t code = hex();
    if (code >= 0xd800 && code < 0xdc00) {
      require(text_.substr(at_, 2) == "\\u", "the tokenizer's JSON has half a character");
      at_ += 2;
      const uint32_t low = hex();
      require(low >= 0xdc00 && low < 0xe000, "the tokenizer's JSON has half a character");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    require(code < 0xd800 || code >= 0xe000, "the tokenizer's JSON has half a character");
    if (code < 0x80) {
      value_ += static_cast<char>(code);
    } else {
      const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
      static constexpr int kLead[] = {0, 0xc0, 0xe0, 0xf0};
      value_ += static_cast<char>(kLead[more] | (code >> (6 * more)));
      for (int i = more - 1; i >= 0; --i) value_ += static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3f));
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string value_;
};

size_t character_size(std::string_view text, size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return std::min(size, text.size() - at);
}

}  // namespace

BytePairs::BytePairs(std::string_view description) : seed_(mix((uint64_t{std::random_device{}()} << 32) | 0x9e3779b9u)) {
  require(description.size() < (size_t{1} << 31), "the tokenizer is too large");
  Json json(description);
  std::string_view vocabulary, merges;
  json.each_member([&](std::string_view name) {
    if (name != "model" || !json.next_is('{')) {
      json.skip();
      return;
    }
    json.each_member([&](std::string_view part) {
      const bool whole = part == "ignore_merges";
      std::string_view* wanted = part == "vocab" && json.next_is('{')    ? &vocabulary
                                 : part == "merges" && json.next_is('[') ? &merges
                                                                         : nullptr;
      const std::string_view value = json.skip();
      if (wanted) *wanted = value;
      if (whole) whole_first_ = value == "true";
    });
  });
  require(json.ended(), "the tokenizer is not well-formed JSON");
  require(vocabulary.size() > 2 && !merges.empty(), "the tokenizer has no vocabulary with merges");

  // A comma stands behind each entry but the last, so there are no more entries than commas and one.
  const size_t most = static_cast<size_t>(std::count(vocabulary.begin(), vocabulary.end(), ',')) + 1;
  require(most < kLargestId, "the tokenizer's vocabulary is too large");
  tokens_.reserve(most);
  text_.reserve(vocabulary.size());
  slots_.assign(std::bit_ceil(2 * most), 0);
  Json tokens(vocabulary);
  tokens.each_member([&](std::string_view token) {
    const size_t begin = text_.size();
    text_ += token;  // before the next call, which may overwrite it
    const uint32_t id = tokens.number();
    add(id, std::string_view(text_).substr(begin));
  });
  std::vector<Merge> found;
  found.reserve(tokens_.size());
  size_t next = 0;  // merges mostly stand in the order of the tokens they make
  const auto add_merge = [&](std::string_view left, std::string_view right) {
    const auto a = id(left), b = id(right);
    const auto is_joined = [&](size_t i) {
      if (i >= tokens_.size() || tokens_[i].size != left.size() + right.size()) return false;
      const std::string_view token = text(tokens_[i]);
      return token.substr(0, left.size()) == left && token.substr(left.size()) == right;
    };
    if (!is_joined(next)) {
      const auto joined = id(std::string(left) + std::string(right));
      require(joined.has_value(), "a merge joins what is not in the vocabulary");
      next = by_id_[*joined] - 1;
    }
    require(a && b, "a merge joins what is not in the vocabulary");
    found.push_back({(uint64_t{*a} << 32) | *b, static_cast<uint32_t>(found.size()), tokens_[next++].id});
  };
  Json pairs(merges);
  std::string left;
  pairs.each_element([&] {
    if (pairs.take('[')) {
      left = pairs.string();
      pairs.expect(',');
      add_merge(left, pairs.string());
      pairs.expect(']');
    } else {
      const std::string_view both = pairs.string();
      const size_t middle = both.find(' ');
      require(middle != std::string_view::npos, "a merge is not two tokens");
      add_merge(both.substr(0, middle), both.substr(middle + 1));
    }
  });
  merges_.resize(std::bit_ceil(2 * found.size() + 2));
  for (const Merge& merge : found) merges_[merge_slot(merge.pair)] = merge;  // of two with one pair the later counts
  const auto place = [&](std::string_view part) { return static_cast<size_t>(part.data() - description.data()); };
  const bool first = place(vocabulary) < place(merges);
  const auto [a, b] = first ? std::tuple(vocabulary, merges) : std::tuple(merges, vocabulary);
  rest_ = std::string(description.substr(0, place(a))) + (first ? "{}" : "[]") +
          std::string(description.substr(place(a) + a.size(), place(b) - place(a) - a.size())) + (first ? "[]" : "{}") +
          std::string(description.substr(place(b) + b.size()));
}

uint64_t BytePairs::hash(std::string_view token) const {
  uint64_t h = seed_ ^ token.size();
  size_t i = 0;
  for (uint64_t word; i + 8 <= token.size(); i += 8) {
    std::memcpy(&word, token.data() + i, 8);
    h = mix(h ^ word);
  }
  uint64_t last = 0;
  std::memcpy(&last, token.data() + i, token.size() - i);
  return mix(h ^ last);
}

size_t BytePairs::slot(std::string_view token) const {
  const size_t mask = slots_.size() - 1;
  size_t i = hash(token) & mask;
  while (slots_[i] && text(tokens_[slots_[i] - 1]) != token) i = (i + 1) & mask;
  return i;
}

size_t BytePairs::merge_slot(uint64_t pair) const {
  const size_t mask = merges_.size() - 1;
  size_t i = mix(pair ^ seed_) & mask;
  while (merges_[i].pair != kNone && merges_[i].pair != pair) i = (i + 1) & mask;
  return i;
}

void BytePairs::add(uint32_t id, std::string_view token) {
  const size_t i = slot(token);
  require(!slots_[i], "a token stands twice in the vocabulary");
  if (id >= by_id_.size()) by_id_.resize(std::max<size_t>(id + 1, 2 * by_id_.size()));
  require(!by_id_[id], "two tokens of the vocabulary have the same id");
  tokens_.push_back({id, static_cast<uint32_t>(token.data() - text_.data()), static_cast<uint32_t>(token.size())});
  largest_id_ = std::max(largest_id_, id);
  slots_[i] = by_id_[id] = static_cast<uint32_t>(tokens_.size());
}

std::optional<uint32_t> BytePairs::id(std::string_view token) const {
  const uint32_t found = slots_[slot(token)];
  return found ? std::optional(tokens_[found - 1].id) : std::nullopt;
}

std::optional<std::string_view> BytePairs::token(uint32_t id) const {
  if (id >= by_id_.size() || !by_id_[id]) return std::nullopt;
  return text(tokens_[by_id_[id] - 1]);
}

const BytePairs::Merge* BytePairs::find(uint32_t left, uint32_t right) const {
  const Merge& merge = merges_[merge_slot((uint64_t{left} << 32) | right)];
  return merge.pair == kNone ? nullptr : &merge;
}

void BytePairs::encode(std::string_view piece, std::vector<uint32_t>& ids) const {
  if (whole_first_) {
    if (const auto whole = id(piece)) {
      ids.push_back(*whole);
      return;
    }
  }
  struct Symbol {
    uint32_t id;
    int64_t before, after;  // -1 for none
    bool gone;
  };
  std::vector<Symbol> symbols;
  for (size_t at = 0, size; at < piece.size(); at += size) {
    size = character_size(piece, at);
    const auto known = id(piece.substr(at, size));
    require(known.has_value(), "a character of the text is no token");
    const auto n = static_cast<int64_t>(symbols.size());
    symbols.push_back({*known, n - 1, at + size < piece.size() ? n + 1 : -1, false});
  }
  using Candidate = std::tuple<uint32_t, int64_t, uint32_t>;  // rank, place, id of what comes of it
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto consider = [&](int64_t left, int64_t right) {
    if (left < 0 || right < 0) return;
    if (const Merge* merge = find(symbols[left].id, symbols[right].id)) queue.emplace(merge->rank, left, merge->id);
  };
  for (size_t i = 0; i + 1 < symbols.size(); ++i) consider(static_cast<int64_t>(i), static_cast<int64_t>(i) + 1);
  while (!queue.empty()) {
    const auto [rank, at, merged] = queue.top();
    queue.pop();
    Symbol& left = symbols[at];
    if (left.gone || left.after < 0) continue;
    Symbol& right = symbols[left.after];
    const Merge* merge = find(left.id, right.id);
    if (!merge || merge->rank != rank) continue;  // one of the two has been merged otherwise
    left.id = merged;
    right.gone = true;
    left.after = right.after;
    if (right.after >= 0) symbols[right.after].before = at;
    consider(left.before, at);
    consider(at, left.after);
  }
  for (const Symbol& s : symbols)
    if (!s.gone) ids.push_back(s.id);
}

}  // namespace galop
