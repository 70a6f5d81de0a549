// What all kernels with one chain a warp share: short names of types, random numbers, and reductions over a warp.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#define ALL 0xffffffffu
#define STEP 0x9E3779B97F4A7C15ull          // between two random numbers of a stream
#define POLL 64                             // moves between two looks at the answers of other chains

// The finaliser of splitmix64.
__device__ __forceinline__ u64 mixed(u64 x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return x ^ (x >> 31);
}

#if __CUDA_ARCH__ >= 800
__device__ __forceinline__ int least(int x) { return __reduce_min_sync(ALL, x); }
__device__ __forceinline__ u32 largest(u32 x) { return __reduce_max_sync(ALL, x); }
#else
__device__ __forceinline__ int least(int x) {
    for (int d = 16; d; d >>= 1) x = min(x, __shfl_xor_sync(ALL, x, d));
    return x;
}
__device__ __forceinline__ u32 largest(u32 x) {
    for (int d = 16; d; d >>= 1) x = max(x, __shfl_xor_sync(ALL, x, d));
    return x;
}
#endif
