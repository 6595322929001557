// What this machine can do: its instruction sets, and the two roofs that speed is measured against.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels.h"

namespace galop {

// The kernels this machine can run, fastest first; "portable" is always among them.
std::vector<const Kernels*> available_kernels();

// Reads all of it, asking for what comes next or leaving that to the processor: which is faster depends on the processor.
uint64_t sum_words(const uint8_t* data, int64_t bytes, bool hints);

// Bytes per second at which `threads` threads together read `bytes` of memory, in the faster of both ways.
double read_bandwidth(const uint8_t* data, int64_t bytes, int threads);

// int8 multiply-adds per second of `threads` threads running nothing but the widest dot-product instruction of these
// kernels, by default the fastest `available_kernels`; 0 where there is none.
double int8_peak(int threads, const Kernels* kernels = nullptr);

}  // namespace galop
