// Byte-pair encoding by the vocabulary and merges of a tokenizer.json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace galop {

// Merges the characters of a piece of text, two neighbours at a time, the pair that stands first among the merges first
// and the leftmost of equal ones (Sennrich et al., 2016). A vocabulary of 150,000 tokens is read in some 20 ms.
class BytePairs {
 public:
  // Reads a tokenizer.json. Throws std::invalid_argument for a text that is no JSON, has no vocabulary and merges, or
  // merges what is not in the vocabulary.
  explicit BytePairs(std::string_view description);

  // The description with an empty vocabulary and no merges: all that is left to know.
  const std::string& rest() const { return rest_; }
  int64_t size() const { return static_cast<int64_t>(tokens_.size()); }
  uint32_t largest_id() const { return largest_id_; }
  std::optional<uint32_t> id(std::string_view token) const;
  std::optional<std::string_view> token(uint32_t id) const;
  // Appends the ids of a piece. Throws std::invalid_argument for a character that is no token.
  void encode(std::string_view piece, std::vector<uint32_t>& ids) const;

 private:
  struct Token {
    uint32_t id;
    uint32_t begin;  // in text_
    uint32_t size;
  };
  struct Merge {
    uint64_t pair = kNone;  // both ids
    uint32_t rank = 0;
    uint32_t id = 0;
  };
  static constexpr uint64_t kNone = ~uint64_t{0};

  void add(uint32_t id, std::string_view token);
  std::string_view text(const Token& t) const { return std::string_view(text_).substr(t.begin, t.size); }
  size_t slot(std::string_view token) const;
  const Merge* find(uint32_t left, uint32_t right) const;
  size_t merge_slot(uint64_t pair) const;
  uint64_t hash(std::string_view token) const;

  std::string text_, rest_;
  std::vector<Token> tokens_;
  std::vector<uint32_t> slots_;     // numbers of tokens, plus one, where their hashes lead; 0 for none
  std::vector<uint32_t> by_id_;     // the same by id
  std::vector<Merge> merges_;       // where their hashes lead
  uint32_t largest_id_ = 0;
  bool whole_first_ = false;        // whether a piece that is a token stays one, whatever the merges are
  uint64_t seed_;                   // nobody can write a vocabulary whose hashes all lead to one place
};

}  // namespace galop
