#include "op.h"

namespace galop {

std::map<std::string, MakeOp>& registered_ops() {
  static std::map<std::string, MakeOp> ops;  // before any file's registrations, whatever their order
  return ops;
}

}  // namespace galop
