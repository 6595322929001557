// split, concat: a token's values, or those of each of its groups, taken apart and put together.
#include <algorithm>

#include "op.h"

namespace galop {
namespace {

class Parts : public TokenOp {
 public:
  void attributes(Attributes& has) override { has("groups", groups_); }

 protected:
  void check(const Value& whole, const std::vector<Value>& parts) const {
    require(groups_ > 0, "no groups");
    int64_t total = 0;
    for (const Value& part : parts) {
      require(part.width % groups_ == 0, "a part that its groups do not share");
      total += part.width;
    }
    require(total == whole.width, "parts that are not the whole");
  }

  // Calls copy(part, where it has its values of a group, where the whole has them, how many) for all.
  template <class Copy>
  void each(const std::vector<Value>& parts, Copy copy) const {
    int64_t at = 0;
    for (int64_t g = 0; g < groups_; ++g)
      for (const Value& part : parts) {
        const int64_t size = part.width / groups_;
        copy(part, g * size, at, size);
        at += size;
      }
  }

  int64_t groups_ = 1;
};

class Split final : public Parts {
 public:
  void validate() override {
    expect(1, out.size(), 0, 0);
    check(in[0], out);
  }

  void run(Run& run, int64_t t) const override {
    const float* whole = in[0].at(run, t);
    each(out, [&](const Value& part, int64_t to, int64_t from, int64_t size) {
      std::copy_n(whole + from, size, part.at(run, t) + to);
    });
  }
};

class Concat final : public Parts {
 public:
  void validate() override {
    expect(in.size(), 1, 0, 0);
    require(!in.empty(), "nothing to put together");
    check(out[0], in);
  }

  void run(Run& run, int64_t t) const override {
    float* whole = out[0].at(run, t);
    each(in, [&](const Value& part, int64_t from, int64_t to, int64_t size) {
      std::copy_n(part.at(run, t) + from, size, whole + to);
    });
  }
};

const Register<Split> split("split");
const Register<Concat> concat("concat");

}  // namespace
}  // namespace galop
