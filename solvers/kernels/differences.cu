// Tabu search on graphs of differences (TabuCol): one chain a warp, its state in shared memory where it fits.
//
// Entry (v, c) of a chain's table `gamma` is the weight of the neighbours of v with value c, plus TABU where the move is
// tabu, plus BLOCKED where c is v's own value or not allowed. So one read per candidate gives its cost and its state.
// Tabu entries expire by a ring of lists: list t holds the entries that expire at move t.
//
// The sequence of moves equals that of solvers/kernels/differences.py. Ties between variables are broken by a hash and
// ties between values by rank, so that no choice depends on the order in which lanes or lists are read.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#ifndef GAMMA_BITS
#define GAMMA_BITS 16                   // bits of an entry of gamma
#define INDEX_BITS 16                   // bits of variables, literals and places of the ring
#define SHARED 1                        // the state is in shared memory
#define UNIT 1                          // all weights are 1
#define GROUPS 0                        // there are AllDifferent constraints
#define WARPS 1                         // of a block, at most
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

#define ALL 0xffffffffu
#define NONE ((Index)ALL)               // position of a variable without conflict, end of a list
#define FIXED ((Index)(ALL - 1))        // position of a variable whose value is given
#define BLOCKED (2 * TABU)
#define LOW (TABU - 1)
#define STEP 0x9E3779B97F4A7C15ull
#define STARTS 0xD1B54A32D192ED03ull
#define DRAWS 4                         // random numbers of a move
#define FIGURES 6                       // clock, energy, hard violations, least energy with its hard violations, conflicts
#define POLL 64                         // moves between two looks at the answers of other chains

__device__ __forceinline__ u64 mixed(u64 x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return x ^ (x >> 31);
}

__device__ __forceinline__ u32 below(u64 bits, u32 n) { return (u32)(((bits >> 32) * n) >> 32); }

struct Chain {
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

// A neighbour of the variable that moves from value `old` to `now`; one neighbour per lane.
__device__ __forceinline__ void shift(
    Chain& chain, bool used, u32 u, int weight, u32 stride, u32 old, u32 now, int lane
) {
    bool leaves = false, joins = false;
    if (used) {
        Gamma* row = chain.gamma + (u64)u * stride;
        const int less = row[old] - weight, more = row[now] + weight;
        row[old] = (Gamma)less;
        row[now] = (Gamma)more;
        const u32 own = chain.value[u];
        leaves = own == old && (less & LOW) == 0 && chain.position[u] < FIXED;
        joins = own == now && chain.position[u] == NONE;
    }
    if (__ballot_sync(ALL, leaves || joins)) {
        remove(chain, leaves, u, lane);
        append(chain, joins, u, lane);
    }
}

// The least entry of a row, and the least tabu entry below `limit` where it is less than that. Rows have 8-byte parts.
__device__ __forceinline__ int least_of(const Gamma* row, u32 stride, int limit) {
    const u64* parts = (const u64*)row;
#if GAMMA_BITS == 16
    const u32 count = stride / 4;
    u32 two = 0x7fff7fffu;
    for (u32 i = 0; i < count; i++) {
        const u64 part = parts[i];
        two = __vmins2(two, __vmins2((u32)part, (u32)(part >> 32)));
    }
    int least = min((int)(short)two, (int)(short)(two >> 16));
#else
    const u32 count = stride / 2;
    int least = 0x7fffffff;
    for (u32 i = 0; i < count; i++) {
        const u64 part = parts[i];
        least = min(least, min((int)(u32)part, (int)(u32)(part >> 32)));
    }
#endif
    if (limit > 0)                                   // a tabu move may lead below the least energy
        for (u32 c = 0; c < stride; c++) {
            const int weight = row[c] - TABU;
            if (weight >= 0 && weight < TABU && weight < limit && weight < least) least = weight;
        }
    return least;
}

// The first assignment of a chain, with its table and its conflicts. Returns twice the energy, and twice the equal pairs of
// hard constraints in `hard`.
__device__ __forceinline__ u64 begin(
    Chain& chain, u32 v, u32 k, u32 stride, u32 ring, const u8* allowed, const int* given, u64 key, i64 hard_weight,
    const i64* edge_ptr, const int* edge, const int* edge_weight, const i64* occurrence_ptr, const int* occurrence,
    const i64* group_ptr, const int* member, const int* group_weight, u64& hard, int lane
) {
    const u64 stream = mixed(key ^ STARTS);
    for (u32 i = lane; i < v; i += 32) {
        const u8* may = allowed + (u64)i * stride;
        u32 count = 0, own = 0;
        for (u32 c = 0; c < k; c++) count += may[c];
        u32 rank = below(mixed(stream + i * STEP), count);
        for (u32 c = 0; c < k; c++)
            if (may[c] && rank-- == 0) own = c;
        const bool fixed = given && given[i] >= 0;
        chain.value[i] = (Index)(fixed ? given[i] : own);
        chain.position[i] = fixed ? FIXED : NONE;
        for (u32 c = 0; c < stride; c++) chain.gamma[(u64)i * stride + c] = (Gamma)(may[c] ? 0 : BLOCKED);
    }
    for (u32 i = lane; i < ring; i += 32) chain.head[i] = chain.literal[i] = NONE;
    __syncwarp();
    chain.count = 0;
    u64 energy = 0;
    hard = 0;
    for (u32 base = 0; base < v; base += 32) {
        const u32 i = base + lane;
        int own = 0;
        if (i < v) {
            Gamma* row = chain.gamma + (u64)i * stride;
            for (i64 at = edge_ptr[i]; at < edge_ptr[i + 1]; at++)
                row[chain.value[edge[at]]] += (Gamma)(UNIT ? 1 : edge_weight[at]);
#if GROUPS
            for (i64 at = occurrence_ptr[i]; at < occurrence_ptr[i + 1]; at++) {
                const int group = occurrence[at];
                for (i64 to = group_ptr[group]; to < group_ptr[group + 1]; to++)
                    if ((u32)member[to] != i) row[chain.value[member[to]]] += (Gamma)group_weight[group];
            }
#endif
            own = row[chain.value[i]] & LOW;
            row[chain.value[i]] += BLOCKED;
        }
        energy += (u64)own, hard += (u64)(own / hard_weight);
        append(chain, own > 0 && chain.position[i] != FIXED, i, lane);
    }
    for (int d = 16; d; d >>= 1) energy += __shfl_xor_sync(ALL, energy, d), hard += __shfl_xor_sync(ALL, hard, d);
    return energy;
}

// sizes [T, 7]: variables, values, stride, ring, the weight of a hard constraint, and where the template starts in variables
// and in `allowed`. The pointers of arcs and groups count over all templates. A stride is a multiple of 4.
extern "C" __global__ void __launch_bounds__(32 * WARPS) differences(
    i64 rows, i64 steps, i64 variables_most, i64 bytes, i64 tenure, i64 tenure_random,
    const i64* sizes, const u8* allowed, const i64* edge_ptr, const int* edge, const int* edge_weight,
    const i64* occurrence_ptr, const int* occurrence, const i64* group_ptr, const int* member, const int* group_weight,
    const int* template_of, const int* problem, const int* given,
    const u64* keys, i64* figures, int* best_values, u64* solved, u8* state
) {
#if SHARED
    extern __shared__ __align__(16) u8 memory[];
#endif
    const int lane = threadIdx.x & 31;
    const i64 row = (i64)blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
    if (row >= rows) return;
    const i64* size = sizes + 7 * (i64)template_of[row];
    const u32 v = (u32)size[0], k = (u32)size[1], stride = (u32)size[2], ring = (u32)size[3], mask = ring - 1;
    const i64 hard_weight = size[4];
    edge_ptr += size[5], occurrence_ptr += size[5], allowed += size[6];
    best_values += row * variables_most;
    if (given) given += row * variables_most;
    state += row * bytes;
    figures += row * FIGURES;
    const u64 key = keys[row];
    u64* answer = solved + problem[row];
    const bool fresh = figures[5] < 0;

#if SHARED
    u8* place = memory + (threadIdx.x >> 5) * bytes;
    if (!fresh)
        for (i64 at = 16 * lane; at < bytes; at += 16 * 32) *(ulonglong2*)(place + at) = *(ulonglong2*)(state + at);
#else
    u8* place = state;
#endif
    Chain chain;
    chain.gamma = (Gamma*)place;
    chain.value = (Index*)(chain.gamma + (u64)v * stride);
    chain.conflicting = chain.value + v;
    chain.position = chain.conflicting + v;
    chain.head = chain.position + v;
    chain.next = chain.head + ring;
    chain.literal = chain.next + ring;
    chain.count = (int)figures[5];
    __syncwarp();

    u64 clock = (u64)figures[0];
    i64 energy = figures[1], hard = figures[2], least_energy = figures[3], least_hard = figures[4];
    if (fresh) {
        u64 twice_hard;
        energy = least_energy = (i64)begin(
            chain, v, k, stride, ring, allowed, given, key, hard_weight, edge_ptr, edge, edge_weight,
            occurrence_ptr, occurrence, group_ptr, member, group_weight, twice_hard, lane) / 2;
        hard = least_hard = (i64)twice_hard / 2;
        for (u32 i = lane; i < v; i += 32) best_values[i] = chain.value[i];
    }

    u64 bound = clock + (u64)steps;
    while (clock < bound && energy > 0 && chain.count > 0) {
        if ((clock & (POLL - 1)) == 0) {             // a chain stops once another one has solved its problem earlier
            const u64 other = *(volatile u64*)answer;
            if (other < bound) bound = other;
            if (clock >= bound) break;
        }
        clock++;
        // Moves that were tabu up to the last move.
        const u32 due = (u32)(clock - 1) & mask;
        u32 at = chain.head[due];
        if (at != NONE) {
            __syncwarp();
            if (lane == 0) {
                chain.head[due] = NONE;
                for (; at != NONE; at = chain.next[at]) {
                    const Index literal = chain.literal[at];
                    if (literal != NONE) chain.gamma[literal] -= TABU;
                }
            }
            __syncwarp();
        }

        const u64 drawn = mixed(key + (clock * DRAWS + (lane & 1)) * STEP);
        const u64 first = __shfl_sync(ALL, drawn, 0), second = __shfl_sync(ALL, drawn, 1);
        const u32 odd = (u32)first | 1;
        const int slack = (int)min(energy - least_energy, (i64)LOW);
        int score = 1 << 30;
        u32 hash = 0, chosen = 0;
        for (u32 i = lane; i < (u32)chain.count; i += 32) {
            const u32 u = chain.conflicting[i];
            const Gamma* held = chain.gamma + (u64)u * stride;
            const int own = held[chain.value[u]] & LOW;
            const int least = least_of(held, stride, own - slack), change = least - own;
            if (least < TABU && change <= score) {
                const u32 mine = (u + 1) * odd;
                if (change < score || mine > hash) score = change, hash = mine, chosen = u;
            }
        }
        const int change = __reduce_min_sync(ALL, score);
        if (change == 1 << 30) continue;             // every move is tabu
        const u32 top = __reduce_max_sync(ALL, score == change ? hash : 0u);
        const u32 moved = __shfl_sync(ALL, chosen, __ffs(__ballot_sync(ALL, score == change && hash == top)) - 1);

        // One of the best values; values that are not tabu before those that are.
        Gamma* held = chain.gamma + (u64)moved * stride;
        const u32 old = chain.value[moved];
        const int own = held[old] & LOW, target = change + own;
        const u32 whole = (stride + 31) / 32 * 32;
        u32 ties = 0;
        int wanted = target;
        for (u32 c = lane; c < whole; c += 32) ties += __popc(__ballot_sync(ALL, c < stride && held[c] == wanted));
        if (ties == 0) {
            wanted = target + TABU;
            for (u32 c = lane; c < whole; c += 32) ties += __popc(__ballot_sync(ALL, c < stride && held[c] == wanted));
        }
        u32 rank = below(first, ties), now = 0;
        for (u32 base = 0; base < stride; base += 32) {
            const u32 c = base + lane;
            const bool tied = c < stride && held[c] == wanted;
            const u32 here = __ballot_sync(ALL, tied), count = __popc(here);
            if (rank < count) {
                const u32 found = __ballot_sync(ALL, tied && (u32)__popc(here & ((1u << lane) - 1)) == rank);
                now = base + __ffs(found) - 1;
                break;
            }
            rank -= count;
        }
        const u32 term = (u32)((tenure * chain.count) >> 16) + 1 + (u32)((second >> 40) % (u64)tenure_random);

        const i64 from = edge_ptr[moved];
        const int degree = (int)(edge_ptr[moved + 1] - from);
        const int* arcs = edge + from;
        const int* weights = edge_weight + from;
        u32 neighbour = lane < degree ? (u32)arcs[lane] : 0;
        int weight = UNIT || lane >= degree ? 1 : weights[lane];
        for (int base = 0; base < degree; base += 32) {
            const int next = base + 32 + lane;       // read before it is needed, as it may come from far
            const u32 next_neighbour = next < degree ? (u32)arcs[next] : 0;
            const int next_weight = UNIT || next >= degree ? 1 : weights[next];
            shift(chain, base + lane < degree, neighbour, weight, stride, old, now, lane);
            neighbour = next_neighbour, weight = next_weight;
        }
#if GROUPS
        for (i64 of = occurrence_ptr[moved]; of < occurrence_ptr[moved + 1]; of++) {
            const int group = occurrence[of];
            __syncwarp();
            for (i64 base = group_ptr[group], last = group_ptr[group + 1]; base < last; base += 32) {
                const bool there = base + lane < last;
                const u32 u = there ? (u32)member[base + lane] : 0;
                shift(chain, there && u != moved, u, group_weight[group], stride, old, now, lane);
            }
        }
#endif
        energy += change;
        hard = hard_weight == 1 ? energy : hard + target / hard_weight - own / hard_weight;
        // Where the value was tabu already, by an aspired move, the new term replaces the old one.
        const u32 literal = moved * stride + old;
        const bool again = held[old] - BLOCKED >= TABU;
        if (again)
            for (u32 i = lane; i < ring; i += 32)
                if (chain.literal[i] == (Index)literal) chain.literal[i] = NONE;
        __syncwarp();
        if (lane == 0) {
            chain.value[moved] = (Index)now;
            held[now] += BLOCKED;
            held[old] = (Gamma)(held[old] - BLOCKED + (again ? 0 : TABU));
            const u32 slot = (u32)clock & mask, list = (u32)(clock + term) & mask;
            chain.literal[slot] = (Index)literal;
            chain.next[slot] = chain.head[list];
            chain.head[list] = (Index)slot;
        }
        __syncwarp();
        if (target == 0) remove(chain, lane == 0, moved, lane);
        if (hard < least_hard || (hard == least_hard && energy < least_energy)) {
            least_energy = energy, least_hard = hard;
            for (u32 i = lane; i < v; i += 32) best_values[i] = chain.value[i];
        }
    }
    __syncwarp();
    if (lane == 0) {
        figures[0] = (i64)clock;
        figures[1] = energy, figures[2] = hard, figures[3] = least_energy, figures[4] = least_hard;
        figures[5] = chain.count;
        if (energy == 0) atomicMin(answer, clock);
    }
#if SHARED
    for (i64 at = 16 * lane; at < bytes; at += 16 * 32) *(ulonglong2*)(state + at) = *(ulonglong2*)(place + at);
#endif
}
