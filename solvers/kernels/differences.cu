// Tabu search on graphs of differences (TabuCol): one chain a warp, its state in shared memory where it fits.
//
// Entry (v, c) of a chain's table `gamma` is the weight of the neighbours of v with value c, plus TABU where the move is
// tabu, plus BLOCKED where c is v's own value or not allowed. So one read per candidate gives its cost and its state.
// Tabu entries expire by a ring of lists: list t holds the entries that expire at move t.
//
// A chain that stagnates combines two of its best assignments (HEAD). Moves and combinations equal those of
// solvers/kernels/differences.py, which describes them and the columns of `figures`. Ties between variables are broken by a
// hash and ties between values by rank, so that no choice depends on the order in which lanes or lists are read.

#include "recombination.cuh"

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

// sizes [T, 8]: variables, values, stride, ring, the weight of a hard constraint, whether all values are allowed, and where
// the template starts in variables and in `allowed`. The pointers of arcs and groups count over all templates. A stride is a
// multiple of 4.
extern "C" __global__ void __launch_bounds__(32 * WARPS, RESIDENT / WARPS) differences(
    i64 rows, i64 steps, i64 width, i64 bytes, i64 tenure, i64 tenure_random, i64 patience,
    const i64* sizes, const u8* allowed, const i64* edge_ptr, const int* edge, const int* edge_weight,
    const i64* occurrence_ptr, const int* occurrence, const i64* group_ptr, const int* member, const int* group_weight,
    const int* template_of, const int* problem, const int* given,
    const u64* keys, i64* figures, int* kept, int* best, int* parents, u64* solved, u8* state
) {
#if SHARED
    extern __shared__ __align__(16) u8 memory[];
#endif
    const int lane = threadIdx.x & 31;
    const i64 row = (i64)blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
    if (row >= rows) return;
    const i64* size = sizes + 8 * (i64)template_of[row];
    Graph graph;
    graph.variables = (u32)size[0], graph.values = (u32)size[1], graph.stride = (u32)size[2], graph.ring = (u32)size[3];
    graph.hard_weight = size[4], graph.uniform = size[5] != 0;
    graph.allowed = allowed + size[7];
    graph.edge_ptr = edge_ptr + size[6], graph.edge = edge, graph.edge_weight = edge_weight;
    graph.occurrence_ptr = occurrence_ptr + size[6], graph.occurrence = occurrence;
    graph.group_ptr = group_ptr, graph.member = member, graph.group_weight = group_weight;
    const u32 v = (u32)size[0], stride = (u32)size[2], ring = (u32)size[3], mask = ring - 1;
    const i64 hard_weight = size[4];
    const i64* arcs_of = edge_ptr + size[6];
    kept += row * width, best += row * width, parents += row * PARENTS * width;
    if (given) given += row * width;
    state += row * bytes;
    figures += row * FIGURES;
    u64* answer = solved + problem[row];

#if SHARED
    u8* place = memory + (threadIdx.x >> 5) * bytes;
    if (figures[COUNT] >= 0)
        for (i64 at = 16 * lane; at < bytes; at += 16 * 32) *(ulonglong2*)(place + at) = *(ulonglong2*)(state + at);
#else
    u8* place = state;
#endif
    Chain chain;
    chain.key = keys[row];
    chain.gamma = (Gamma*)place;
    chain.value = (Index*)(chain.gamma + (u64)v * stride);
    chain.conflicting = chain.value + v;
    chain.position = chain.conflicting + v;
    chain.head = chain.position + v;
    chain.next = chain.head + ring;
    chain.literal = chain.next + ring;
    __syncwarp();
    if (figures[COUNT] < 0) {                        // a new chain
        for (u32 i = lane; i < v; i += 32) {
            const bool fixed = given && given[i] >= 0;
            chain.value[i] = (Index)(fixed ? given[i] : 0);
            chain.position[i] = fixed ? FIXED : NONE;
        }
        __syncwarp();
        Chain lent = chain;
        randomise(graph, lent, 0, lane);
        begin(graph, lent, figures, (i64)figures[CLOCK], lane);
    }
    chain.count = (int)figures[COUNT];
    const bool stages = patience && !(chain.key & 1);  // a chain with an odd key has no stages
    const i64 longest = stages ? patience << (mixed(chain.key) & LENGTHS) : UNKNOWN;
    const u64 key = chain.key;
    u64 clock = (u64)figures[CLOCK];
    i64 energy = figures[ENERGY], hard = figures[HARD], least_energy = figures[LEAST], least_hard = figures[LEAST_HARD];
    i64 improved = figures[IMPROVED];
    bool saved = figures[SAVED] != 0;                // whether `kept` has the best assignment of the stage
    __syncwarp();

    u64 bound = clock + (u64)steps;
    while (true) {
        if (energy > 0 && (i64)clock - improved >= longest) {
            if (lane == 0) figures[LEAST] = least_energy, figures[LEAST_HARD] = least_hard;
            if (!saved) save(chain, kept, v, lane);
            __syncwarp();
            Chain lent = chain;                      // a copy has an address, so that `chain` itself stays in registers
            next_stage(graph, lent, figures, (i64)clock, kept, best, parents, width, lane);
            chain.count = lent.count;
            energy = figures[ENERGY], hard = figures[HARD], improved = (i64)clock;
            least_energy = energy, least_hard = hard, saved = false;
            __syncwarp();
        }
        if (clock >= bound || energy <= 0 || chain.count == 0) break;
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
            const int lowest = least_of(held, stride, own - slack), change = lowest - own;
            if (lowest < TABU && change <= score) {
                const u32 mine = (u + 1) * odd;
                if (change < score || mine > hash) score = change, hash = mine, chosen = u;
            }
        }
        const int change = least(score);
        if (change == 1 << 30) continue;             // every move is tabu
        const u32 top = largest(score == change ? hash : 0u);
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
        const i64 hard_after =
            hard_weight == 1 ? energy + change : hard + target / hard_weight - own / hard_weight;
        const bool better =
            hard_after < least_hard || (hard_after == least_hard && energy + change < least_energy);
        if (!saved && !better) save(chain, kept, v, lane), saved = true;
        const u32 term = (u32)((tenure * chain.count) >> 16) + 1 + (u32)((second >> 40) % (u64)tenure_random);

        const i64 from = arcs_of[moved];
        const int degree = (int)(arcs_of[moved + 1] - from);
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
        const i64* groups_of = occurrence_ptr + size[6];
        for (i64 of = groups_of[moved]; of < groups_of[moved + 1]; of++) {
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
        hard = hard_after;
        // Where the value was tabu already, by an aspired move, the new term replaces the old one.
        const u32 literal = moved * stride + old;
        const bool again = held[old] - BLOCKED >= TABU;
        if (again)
            for (u32 i = lane; i <= mask; i += 32)
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
        if (better) least_energy = energy, least_hard = hard, improved = (i64)clock, saved = false;
    }
    __syncwarp();
    if (lane == 0) {
        figures[CLOCK] = (i64)clock, figures[IMPROVED] = improved, figures[COUNT] = chain.count;
        figures[ENERGY] = energy, figures[HARD] = hard, figures[LEAST] = least_energy, figures[LEAST_HARD] = least_hard;
        figures[SAVED] = 1;
        if (energy == 0) atomicMin(answer, clock);
    }
    if (!saved) save(chain, kept, v, lane);
    __syncwarp();
    publish(figures, best, kept, v, lane);
#if SHARED
    for (i64 at = 16 * lane; at < bytes; at += 16 * 32) *(ulonglong2*)(state + at) = *(ulonglong2*)(place + at);
#endif
}
