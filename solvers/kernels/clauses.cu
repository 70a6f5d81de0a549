// probSAT on clause graphs: one chain a warp, its counts in shared memory where they fit.
//
// A chain's state is a word for each clause and the list of violated clauses. The upper bits of a word count the
// clause's true literals. The lower bits are the XOR of their variables (Gableske and Heule 2011), so that the only true
// literal of a critical clause is known without a search; in a violated clause they are its position in the list.
// `breaks` counts for each variable the clauses that a flip would violate, packed into words of 32 bits.
//
// The sequence of moves equals that of solvers/kernels/clauses.py: lanes share the clauses of one flip, but the list of
// violated clauses changes in the order of the clauses, and weights are integers, whose sums have no order.

#include "warp.cuh"

#ifndef WORD_BITS
#define WORD_BITS 16                    // bits of a clause's word
#define COUNT_BITS 4                    // of them for the count of true literals
#define BREAK_BITS 8                    // bits of a break count
#define SHARED 1                        // the state is in shared memory
#define DRAWS 2                         // random numbers of a move, a power of 2
#define SCAN 4                          // literals of a clause that are weighed at once, a power of 2
#endif

#ifndef BLOCKS
#define BLOCKS 4                        // blocks of 8 warps on a multiprocessor: bounds the registers
#endif

#if WORD_BITS == 16
typedef u16 Word;
#elif WORD_BITS == 32
typedef u32 Word;
#else
typedef u64 Word;
#endif
#if BREAK_BITS == 8
typedef u8 Break;
#elif BREAK_BITS == 16
typedef u16 Break;
#else
typedef u32 Break;
#endif

#define LOW_BITS (WORD_BITS - COUNT_BITS)
#define ONE ((Word)1 << LOW_BITS)
#define LOW ((Word)(ONE - 1))
#define LONG (SCAN == 32)               // clauses may have more literals than a warp has lanes
#define DRAWN (32 / DRAWS)              // moves whose random numbers a warp draws together

// The number `mine` of lane `from` that is below n: its 32 random bits times n.
__device__ __forceinline__ u32 below(u32 mine, int from, u32 n) { return __umulhi(__shfl_sync(ALL, mine, from), n); }

__device__ __forceinline__ u32 upto(u32 x, int lane) {   // sum over this lane and those before it
#pragma unroll
    for (int d = 1; d < SCAN; d <<= 1) {
        u32 y = __shfl_up_sync(ALL, x, d);
        if (lane >= d) x += y;
    }
    return x;
}

// Change a packed break count. Sums of packed numbers are exact modulo 2^32 whatever the order.
__device__ __forceinline__ void change(u32* breaks, u32 variable, bool up) {
    const u32 each = 32 / BREAK_BITS;
    u32 unit = 1u << (variable % each * BREAK_BITS);
    atomicAdd(breaks + variable / each, up ? unit : 0u - unit);
}

struct Chain {
    Word* words;                        // [M]
    Word* violated;                     // [M], the first `count` are used
    u32* breaks;                        // [V] packed
    u32 count;
};

__device__ __forceinline__ void remove(Chain& chain, u32 place) {   // all lanes run it with equal arguments
    u32 last = chain.violated[--chain.count];
    __syncwarp();
    chain.violated[place] = (Word)last;
    chain.words[last] = (Word)place;
    __syncwarp();
}

// Make one literal true and its opposite false.
__device__ __forceinline__ void flip(Chain& chain, const int* owners, const int* occurrences, u32 literal, int lane) {
    const u32 variable = literal >> 1;
    const int* bounds = owners + 2 * variable;
    const int first = bounds[0], middle = bounds[1], last = bounds[2];
    const int gain = literal & 1 ? middle : first, gains = literal & 1 ? last - middle : middle - first;
    const int lose = literal & 1 ? first : middle, total = last - first;
    u32 made = 0;
    for (int base = 0; base < total; base += 32) {
        const int at = base + lane;
        const bool used = at < total, gained = at < gains;
        const u32 clause = used ? occurrences[gained ? gain + at : lose + at - gains] : 0;
        const Word word = used ? chain.words[clause] : 0;
        const u32 trues = (u32)(word >> LOW_BITS), low = (u32)(word & LOW);
        const u32 made_here = __ballot_sync(ALL, gained && used && trues == 0);
        made += __popc(made_here);
        for (u32 rest = made_here; rest; rest &= rest - 1) {
            u32 mended = __shfl_sync(ALL, clause, __ffs(rest) - 1);
            remove(chain, (u32)(chain.words[mended] & LOW));
        }
        const bool broken = used && !gained && trues == 1;
        const u32 broken_here = __ballot_sync(ALL, broken);
        Word after;
        if (gained) {
            if (trues == 1) change(chain.breaks, low, false);
            after = trues == 0 ? (Word)(ONE | variable) : (Word)((word ^ variable) + ONE);
        } else {
            const u32 other = low ^ variable;
            if (used && trues == 2) change(chain.breaks, other, true);
            after = (Word)((word ^ variable) - ONE);
        }
        if (broken) {
            const u32 place = chain.count + __popc(broken_here & ((1u << lane) - 1));
            chain.violated[place] = (Word)clause;
            after = (Word)place;
        }
        chain.count += __popc(broken_here);
        if (used) chain.words[clause] = after;
        __syncwarp();
    }
    // The flipped variable is the only true literal of the clauses that it has satisfied, and of no others.
    if (lane == 0) ((Break*)chain.breaks)[variable] = (Break)made;
    __syncwarp();
}

// Weights of the literals of a violated clause, by the clauses that a flip of their variables violates.
__device__ __forceinline__ u32 weight_of(const Chain& chain, const u32* weights, const u8* fixed, u32 literal) {
    const u32 variable = literal >> 1;
    if (fixed && fixed[variable]) return 0;
    return weights[((const Break*)chain.breaks)[variable]];
}

__device__ __forceinline__ int choose(
    const Chain& chain, const int* clause, int length, const u32* weights, const u8* fixed,
    u32 bits, int from, int lane
) {
#if LONG
    u32 total = 0;
    for (int base = 0; base < length; base += 32) {
        const int at = base + lane;
        const u32 weight = at < length ? weight_of(chain, weights, fixed, clause[at]) : 0;
        total += __shfl_sync(ALL, upto(weight, lane), SCAN - 1);
    }
    if (total == 0) return -1;
    const u32 target = below(bits, from, total);
    u32 before = 0;
    for (int base = 0; base < length; base += 32) {
        const int at = base + lane;
        const u32 sum = before + upto(at < length ? weight_of(chain, weights, fixed, clause[at]) : 0, lane);
        const u32 found = __ballot_sync(ALL, sum > target);
        if (found) return clause[base + __ffs(found) - 1];
        before = __shfl_sync(ALL, sum, SCAN - 1);
    }
    return -1;
#else
    const int literal = lane < length ? clause[lane] : 0;
    const u32 sum = upto(lane < length ? weight_of(chain, weights, fixed, literal) : 0, lane);
    const u32 total = __shfl_sync(ALL, sum, SCAN - 1);
    if (total == 0) return -1;                       // the whole clause is given
    const u32 target = below(bits, from, total);
    return __shfl_sync(ALL, literal, __ffs(__ballot_sync(ALL, lane < length && sum > target)) - 1);
#endif
}

// The words and break counts of an assignment; violated clauses have no position yet.
__device__ __forceinline__ void count_literals(
    Chain& chain, const int* clause_ptr, const int* literals, const u8* assignment, u32 packed, u32 m, int lane
) {
    for (u32 i = lane; i < packed; i += 32) chain.breaks[i] = 0;
    __syncwarp();
    for (u32 c = lane; c < m; c += 32) {
        u32 trues = 0, low = 0;
        for (int at = clause_ptr[c]; at < clause_ptr[c + 1]; at++) {
            const u32 literal = (u32)literals[at];
            if (assignment[literal >> 1] == (literal & 1)) trues++, low ^= literal >> 1;
        }
        if (trues == 1) change(chain.breaks, low, true);
        chain.words[c] = (Word)(((Word)trues << LOW_BITS) | low);
    }
    __syncwarp();
}

// The list of violated clauses of a new chain: in the order of the clauses.
__device__ __forceinline__ void list_violated(Chain& chain, u32 m, int lane) {
    chain.count = 0;
    for (u32 base = 0; base < m; base += 32) {
        const u32 c = base + lane;
        const bool broken = c < m && (chain.words[c] >> LOW_BITS) == 0;
        const u32 here = __ballot_sync(ALL, broken);
        if (broken) {
            const u32 at = chain.count + __popc(here & ((1u << lane) - 1));
            chain.violated[at] = (Word)c;
            chain.words[c] = (Word)at;
        }
        chain.count += __popc(here);
    }
}

// sizes [T, 5]: variables, clauses, and where the template starts in clause_ptr, in literals and occurrences, and in owners.
extern "C" __global__ void __launch_bounds__(256, BLOCKS) clauses(
    i64 rows, i64 steps, i64 variables_most, i64 bytes, i64 kinds_width,
    const i64* sizes, const int* clause_ptr, const int* literals, const int* owners, const int* occurrences,
    const u32* weights, const int* template_of, const int* kind, const int* problem, const u8* fixed,
    const u64* keys, i64* clocks, u8* assignment, int* counts, u64* solved, u8* state
) {
#if SHARED
    extern __shared__ __align__(16) u8 memory[];
#endif
    const int lane = threadIdx.x & 31;
    const i64 row = (i64)blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
    if (row >= rows) return;
    const i64* size = sizes + 5 * (i64)template_of[row];
    const u32 v = (u32)size[0], m = (u32)size[1];
    clause_ptr += size[2], literals += size[3], occurrences += size[3], owners += size[4];
    weights += kind[row] * kinds_width;
    assignment += row * variables_most;
    if (fixed) fixed += row * variables_most;
    state += row * bytes;
    const u64 key = keys[row];
    u64* answer = solved + problem[row];

#if SHARED
    u8* place = memory + (threadIdx.x >> 5) * bytes;
    if (counts[row] >= 0)
        for (i64 at = 16 * lane; at < bytes; at += 16 * 32) *(ulonglong2*)(place + at) = *(ulonglong2*)(state + at);
#else
    u8* place = state;
#endif
    Chain chain;
    chain.breaks = (u32*)place;
    const u32 packed = (v * BREAK_BITS + 31) / 32;
    chain.words = (Word*)(chain.breaks + (packed + 1) / 2 * 2);
    chain.violated = chain.words + m;
    chain.count = (u32)counts[row];

    if (chain.count == ALL) {
        count_literals(chain, clause_ptr, literals, assignment, packed, m, lane);
        list_violated(chain, m, lane);
    }
    __syncwarp();

    u64 clock = (u64)clocks[row];
    const u64 end = clock + (u64)steps;
    u64 bound = end, drawn = ~0ull;
    u32 bits = 0;
    for (; clock < bound && chain.count; clock++) {
        if ((clock & (POLL - 1)) == 0) {             // a chain stops once another one has solved its problem earlier
            const u64 other = *(volatile u64*)answer;
            if (other < bound) bound = other;
            if (clock >= bound) break;
        }
        if (clock / DRAWN != drawn) {
            drawn = clock / DRAWN;
            bits = (u32)(mixed(key + (drawn * 32 + lane) * STEP) >> 32);
        }
        const int from = (int)(clock % DRAWN) * DRAWS;
        const u32 clause = (u32)chain.violated[below(bits, from, chain.count)];
        const int start = clause_ptr[clause], length = clause_ptr[clause + 1] - start;
        const int literal = choose(chain, literals + start, length, weights, fixed, bits, from + 1, lane);
        if (literal < 0) continue;
        if (lane == 0) assignment[literal >> 1] = (u8)(literal & 1);
        flip(chain, owners, occurrences, (u32)literal, lane);
    }
    if (lane == 0) {
        clocks[row] = (i64)clock;
        counts[row] = (int)chain.count;
        if (chain.count == 0) atomicMin(answer, clock);
    }
#if SHARED
    __syncwarp();
    for (i64 at = 16 * lane; at < bytes; at += 16 * 32) *(ulonglong2*)(state + at) = *(ulonglong2*)(place + at);
#endif
}
