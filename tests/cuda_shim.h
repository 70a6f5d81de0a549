// CUDA C on a CPU: a warp is 32 fibres that switch at its collective functions. For tests of kernels without a GPU.
//
// Between two collectives a lane runs alone, forwards or backwards through the lanes by turns, so that a kernel which
// lacks a __syncwarp gives another result than its reference.
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <utility>
#include <ucontext.h>

#ifndef __CUDA_ARCH__
#define __CUDA_ARCH__ 800
#endif
#define __device__
#define __global__
#define __forceinline__ inline
#define __noinline__
#define __shared__
#define __align__(n) __attribute__((aligned(n)))
#define __restrict__
#define __launch_bounds__(...)

extern unsigned char memory[];

namespace shim {
struct Dim { unsigned x; };
constexpr int LANES = 32;
constexpr size_t STACK = 1 << 16;
static ucontext_t outside, fibres[LANES];
static char* stacks;
static bool ended[LANES];
static int lane, step = 1;
static Dim block, threads;
static unsigned warp;
static unsigned long long slots[2][LANES];
static int parity[LANES];
static std::function<void()> body;

inline void next() {
    const int from = lane;
    for (int tries = 0; tries < LANES; tries++) {
        lane = (lane + step + LANES) % LANES;
        if (!ended[lane]) break;
    }
    if (ended[lane]) setcontext(&outside);
    if (lane != from) swapcontext(&fibres[from], &fibres[lane]);
}

// Every lane offers a value; afterwards all of them can be read.
inline unsigned long long* offer(unsigned long long value) {
    unsigned long long* held = slots[parity[lane] ^= 1];
    held[lane] = value;
    next();
    return held;
}

inline void start() {
    body();
    ended[lane] = true;
    next();
}

inline void run_warp() {
    if (!stacks) stacks = (char*)malloc(LANES * STACK);
    for (int i = 0; i < LANES; i++) {
        ended[i] = false, parity[i] = 0;
        getcontext(&fibres[i]);
        fibres[i].uc_stack.ss_sp = stacks + i * STACK;
        fibres[i].uc_stack.ss_size = STACK;
        fibres[i].uc_link = &outside;
        makecontext(&fibres[i], start, 0);
    }
    lane = step > 0 ? 0 : LANES - 1;
    swapcontext(&outside, &fibres[lane]);
    step = -step;
}

template <class... A, size_t... I>
void launch(void (*kernel)(A...), unsigned blocks, unsigned size, void** arguments, std::index_sequence<I...>) {
    body = [=] { kernel(*(A*)arguments[I]...); };
    threads.x = size;
    for (block.x = 0; block.x < blocks; block.x++)
        for (warp = 0; warp < size / LANES; warp++) run_warp();
}

template <class... A>
void launch(void (*kernel)(A...), unsigned blocks, unsigned size, void** arguments) {
    launch(kernel, blocks, size, arguments, std::index_sequence_for<A...>());
}
}  // namespace shim

#define threadIdx (shim::Dim{shim::warp * 32 + shim::lane})
#define blockIdx shim::block
#define blockDim shim::threads

inline void __syncwarp() { shim::offer(0); }
inline void __threadfence() {}

template <class T>
T __shfl_sync(unsigned, T value, int from) {
    return (T)shim::offer((unsigned long long)value)[from & 31];
}

template <class T>
T __shfl_up_sync(unsigned, T value, unsigned by) {
    const int from = shim::lane - (int)by;
    return (T)shim::offer((unsigned long long)value)[from < 0 ? shim::lane : from];
}

template <class T>
T __shfl_xor_sync(unsigned, T value, unsigned by) {
    return (T)shim::offer((unsigned long long)value)[shim::lane ^ by];
}

inline unsigned __ballot_sync(unsigned, bool predicate) {
    const unsigned long long* held = shim::offer(predicate);
    unsigned mask = 0;
    for (int i = 0; i < 32; i++) mask |= (unsigned)held[i] << i;
    return mask;
}

inline bool __any_sync(unsigned mask, bool predicate) { return __ballot_sync(mask, predicate) != 0; }

template <class T, class F>
T reduced(T value, F join) {
    const unsigned long long* held = shim::offer((unsigned long long)value);
    T result = (T)held[0];
    for (int i = 1; i < 32; i++) result = join(result, (T)held[i]);
    return result;
}

inline int __reduce_min_sync(unsigned, int x) { return reduced(x, [](int a, int b) { return a < b ? a : b; }); }
template <class T>
T min(T a, T b) { return a < b ? a : b; }
template <class T>
T max(T a, T b) { return a < b ? b : a; }
inline unsigned __vmins2(unsigned a, unsigned b) {
    const short low = min((short)a, (short)b), high = min((short)(a >> 16), (short)(b >> 16));
    return (unsigned short)low | (unsigned)(unsigned short)high << 16;
}
struct alignas(16) ulonglong2 { unsigned long long x, y; };
inline unsigned __reduce_add_sync(unsigned, unsigned x) { return reduced(x, [](unsigned a, unsigned b) { return a + b; }); }
inline unsigned __reduce_max_sync(unsigned, unsigned x) { return reduced(x, [](unsigned a, unsigned b) { return a > b ? a : b; }); }
inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(unsigned x) { return __builtin_ffs((int)x); }
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((unsigned long long)a * b >> 32); }

template <class T, class U>
T atomicAdd(T* at, U by) { T old = *at; *at = (T)(old + by); return old; }
template <class T, class U>
T atomicMin(T* at, U by) { T old = *at; if ((T)by < old) *at = (T)by; return old; }
template <class T>
T __ldg(const T* at) { return *at; }
