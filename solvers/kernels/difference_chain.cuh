// The chain of a tabu search on a graph of differences: its state, and its start from an assignment. See differences.cu.

#include "warp.cuh"

#ifndef GAMMA_BITS
#define GAMMA_BITS 16                   // bits of an entry of gamma
#define INDEX_BITS 16                   // bits of variables, literals and places of the ring
#define SHARED 1                        // the state is in shared memory
#define UNIT 1                          // all weights are 1
#define GROUPS 0                        // there are AllDifferent constraints
#define WARPS 1                         // of a block, at most
#endif

#ifndef RESIDENT
#define RESIDENT 16                     // warps of a multiprocessor: bounds the registers
#endif

#if GAMMA_BITS == 16
typedef short Gamma;
#define TABU (1 << 13)
#else
typedef int Gamma;
#define TABU (1 << 28)
#endif
#if INDEX_BITS == 16
typedef u16 Index;
#else
typedef u32 Index;
#endif

#define NONE ((Index)ALL)               // position of a variable without conflict, end of a list
#define FIXED ((Index)(ALL - 1))        // position of a variable whose value is given
#define BLOCKED (2 * TABU)
#define LOW (TABU - 1)
#define STARTS 0xD1B54A32D192ED03ull
#define DRAWS 4                         // random numbers of a move
#define PARENTS 5
#define UNKNOWN (1ll << 60)             // energy of an assignment that does not exist yet
#define CYCLE 10
#define ALIKE 50
#define LENGTHS 3

// Columns of `figures`, as difference_state.py lists them.
enum {
    CLOCK, ENERGY, HARD, COUNT, LEAST, LEAST_HARD, SAVED, IMPROVED,
    BEST, BEST_HARD, NEWER, STAGE, GENERATION, COLLAPSES, ELITE, FORMER, FIGURES
};

__device__ __forceinline__ u32 below(u64 bits, u32 n) { return (u32)(((bits >> 32) * n) >> 32); }

struct Graph {                          // one template
    u32 variables, values, stride, ring;
    i64 hard_weight;
    bool uniform;                       // every variable may take every value
    const u8* allowed;
    const i64 *edge_ptr, *occurrence_ptr, *group_ptr;
    const int *edge, *edge_weight, *occurrence, *member, *group_weight;
};

struct Chain {
    u64 key;
    Gamma* gamma;                       // [V, stride]
    Index* value;                       // [V]
    Index* conflicting;                 // [V], the first `count` are used
    Index* position;                    // [V]
    Index* head;                        // [ring]
    Index* next;                        // [ring]
    Index* literal;                     // [ring]
    int count;
};

__device__ __forceinline__ void append(Chain& chain, bool joins, u32 variable, int lane) {
    const u32 here = __ballot_sync(ALL, joins);
    if (joins) {
        const u32 at = chain.count + __popc(here & ((1u << lane) - 1));
        chain.conflicting[at] = (Index)variable;
        chain.position[variable] = (Index)at;
    }
    chain.count += __popc(here);
    __syncwarp();
}

__device__ __forceinline__ void remove(Chain& chain, bool leaves, u32 variable, int lane) {
    for (u32 rest = __ballot_sync(ALL, leaves); rest; rest &= rest - 1) {
        const u32 gone = __shfl_sync(ALL, variable, __ffs(rest) - 1);
        const u32 place = chain.position[gone], last = chain.conflicting[--chain.count];
        __syncwarp();
        if (lane == 0) {
            chain.conflicting[place] = (Index)last;
            chain.position[last] = (Index)place;
            chain.position[gone] = NONE;
        }
        __syncwarp();
    }
}

__device__ __forceinline__ u32 random_value(const Graph& graph, u32 variable, u64 bits) {
    const u8* may = graph.allowed + (u64)variable * graph.stride;
    u32 count = 0, own = 0;
    for (u32 c = 0; c < graph.values; c++) count += may[c];
    u32 rank = below(bits, count);
    for (u32 c = 0; c < graph.values; c++)
        if (may[c] && rank-- == 0) own = c;
    return own;
}

__device__ __noinline__ void randomise(const Graph& graph, Chain& chain, u64 number, int lane) {
    const u64 stream = mixed(chain.key ^ (STARTS * (number + 1)));
    for (u32 i = lane; i < graph.variables; i += 32)
        if (chain.position[i] != FIXED) chain.value[i] = (Index)random_value(graph, i, mixed(stream + i * STEP));
    __syncwarp();
}

// Compute the table, the conflicts and the energies of the present values, and start a stage.
__device__ __noinline__ void begin(const Graph& graph, Chain& chain, i64* figures, i64 clock, int lane) {
    const u32 v = graph.variables, stride = graph.stride;
    for (u32 i = lane; i < v; i += 32) {
        const u8* may = graph.allowed + (u64)i * stride;
        for (u32 c = 0; c < stride; c++) chain.gamma[(u64)i * stride + c] = (Gamma)(may[c] ? 0 : BLOCKED);
        if (chain.position[i] != FIXED) chain.position[i] = NONE;
    }
    for (u32 i = lane; i < graph.ring; i += 32) chain.head[i] = chain.literal[i] = NONE;
    __syncwarp();
    chain.count = 0;
    u64 energy = 0, hard = 0;
    for (u32 base = 0; base < v; base += 32) {
        const u32 i = base + lane;
        int own = 0;
        if (i < v) {
            Gamma* row = chain.gamma + (u64)i * stride;
            for (i64 at = graph.edge_ptr[i]; at < graph.edge_ptr[i + 1]; at++)
                row[chain.value[graph.edge[at]]] += (Gamma)(UNIT ? 1 : graph.edge_weight[at]);
#if GROUPS
            for (i64 at = graph.occurrence_ptr[i]; at < graph.occurrence_ptr[i + 1]; at++) {
                const int group = graph.occurrence[at];
                for (i64 to = graph.group_ptr[group]; to < graph.group_ptr[group + 1]; to++)
                    if ((u32)graph.member[to] != i)
                        row[chain.value[graph.member[to]]] += (Gamma)graph.group_weight[group];
            }
#endif
            own = row[chain.value[i]] & LOW;
            row[chain.value[i]] += BLOCKED;
        }
        energy += (u64)own, hard += (u64)(own / graph.hard_weight);
        append(chain, own > 0 && chain.position[i] != FIXED, i, lane);
    }
    for (int d = 16; d; d >>= 1) energy += __shfl_xor_sync(ALL, energy, d), hard += __shfl_xor_sync(ALL, hard, d);
    __syncwarp();
    if (lane == 0) {
        figures[ENERGY] = figures[LEAST] = (i64)(energy / 2);
        figures[HARD] = figures[LEAST_HARD] = (i64)(hard / 2);
        figures[COUNT] = chain.count, figures[SAVED] = 0, figures[IMPROVED] = clock;
    }
    __syncwarp();
}

// Copy an assignment of global memory; `from` may be another chain's array, never `to` itself.
__device__ __forceinline__ void copy(int* to, const int* from, u32 v, int lane) {
    for (u32 i = lane; i < v; i += 32) to[i] = from[i];
    __syncwarp();
}

__device__ __forceinline__ void save(const Chain& chain, int* kept, u32 v, int lane) {
    for (u32 i = lane; i < v; i += 32) kept[i] = (int)chain.value[i];
}

// Store the stage's best assignment in `best` if it is better than that.
__device__ __forceinline__ void publish(i64* figures, int* best, const int* kept, u32 v, int lane) {
    const i64 hard = figures[LEAST_HARD], energy = figures[LEAST];
    const bool better = hard < figures[BEST_HARD] || (hard == figures[BEST_HARD] && energy < figures[BEST]);
    __syncwarp();
    if (better) {
        copy(best, kept, v, lane);
        if (lane == 0) figures[BEST] = energy, figures[BEST_HARD] = hard, figures[NEWER] = 1;
    }
    __syncwarp();
}
