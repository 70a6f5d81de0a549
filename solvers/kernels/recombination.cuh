// Recombination in a tabu search on a graph of differences: a chain that stagnates combines two of its best assignments.

#include "difference_chain.cuh"

// Greedy partition crossover: the child takes the largest class of each parent in turn. `scratch` has room for 3 numbers
// for each value.
template <class Value>
__device__ __noinline__ void cross(
    const Graph& graph, Chain& chain, Value* child, const int* first, const int* second, u64 number, int* scratch, int lane
) {
    const u32 v = graph.variables, k = graph.values;
    int* sizes[2] = {scratch, scratch + k};
    int* used = scratch + 2 * k;                     // a bit for each parent
    const int* left[2] = {first, second};
    bool fixed = false;
    for (u32 c = lane; c < 3 * k; c += 32) scratch[c] = 0;
    __syncwarp();
    for (u32 i = lane; i < v; i += 32) {
        child[i] = (Value)ALL;
        fixed |= chain.position[i] == FIXED;
        atomicAdd(sizes[0] + first[i], 1);
        atomicAdd(sizes[1] + second[i], 1);
    }
    const bool renamed = graph.uniform && !__ballot_sync(ALL, fixed);
    u64 stream = mixed(chain.key ^ (STARTS * (number + 1)));
    __syncwarp();
    for (u32 c = 0; c < k; c++) {
        const int p = c & 1;
        int most = 0;                                // sizes plus 1, so that 0 is less than all
        for (u32 d = lane; d < k; d += 32)
            if (!(used[d] >> p & 1)) most = max(most, sizes[p][d] + 1);
        most = (int)largest((u32)most) - 1;
        u32 ties = 0;
        for (u32 base = 0; base < k; base += 32) {
            const u32 d = base + lane;
            ties += __popc(__ballot_sync(ALL, d < k && !(used[d] >> p & 1) && sizes[p][d] == most));
        }
        u32 rank = below(mixed(stream + c * STEP), ties), taken = 0;
        for (u32 base = 0; base < k; base += 32) {
            const u32 d = base + lane;
            const bool tied = d < k && !(used[d] >> p & 1) && sizes[p][d] == most;
            const u32 here = __ballot_sync(ALL, tied), count = __popc(here);
            if (rank < count) {
                taken = base + __ffs(__ballot_sync(ALL, tied && (u32)__popc(here & ((1u << lane) - 1)) == rank)) - 1;
                break;
            }
            rank -= count;
        }
        __syncwarp();
        if (lane == 0) used[taken] |= renamed ? 1 << p : 3;
        for (u32 i = lane; i < v; i += 32)
            if (child[i] == (Value)ALL && (u32)left[p][i] == taken) {
                child[i] = (Value)(renamed ? c : taken);
                atomicAdd(sizes[0] + first[i], -1);
                atomicAdd(sizes[1] + second[i], -1);
            }
        __syncwarp();
    }
    stream = mixed(stream);
    for (u32 i = lane; i < v; i += 32)
        if (child[i] == (Value)ALL) child[i] = (Value)random_value(graph, i, mixed(stream + i * STEP));
    __syncwarp();
}

// About how many variables two assignments place differently, after the best renaming of each class by itself.
__device__ __noinline__ i64 distance(const Graph& graph, const int* first, const int* second, int* scratch, int lane) {
    u32 equal = 0;
    for (u32 c = 0; c < graph.values; c++) {
        for (u32 d = lane; d < graph.values; d += 32) scratch[d] = 0;
        __syncwarp();
        for (u32 i = lane; i < graph.variables; i += 32)
            if ((u32)first[i] == c) atomicAdd(scratch + second[i], 1);
        __syncwarp();
        int most = 0;
        for (u32 d = lane; d < graph.values; d += 32) most = max(most, scratch[d]);
        equal += largest((u32)most);
        __syncwarp();
    }
    return (i64)graph.variables - equal;
}

// End a stage: its best assignment becomes a parent, and the next one starts from a child or at random.
__device__ __noinline__ void next_stage(
    const Graph& graph, Chain& chain, i64* figures, i64 clock, int* kept, int* best, int* parents, i64 width, int lane
) {
    const u32 v = graph.variables;
    const i64 stage = figures[STAGE], least = figures[LEAST], elite = figures[ELITE], former = figures[FORMER];
    i64 generation = figures[GENERATION], collapses = figures[COLLAPSES];
    publish(figures, best, kept, v, lane);
    copy(parents + (stage & 1) * width, kept, v, lane);
    i64 now_elite = elite, now_former = former, next = 0;
    if (least < elite) {
        now_elite = least;
        copy(parents + 3 * width, kept, v, lane);
    }
    int* scratch = (int*)chain.gamma;                // it is computed again below
    if (stage == 2) {
        for (u32 i = lane; i < v; i += 32) chain.value[i] = (Index)parents[2 * width + i];
        next = 3;
    } else if (stage == 0 && generation == 0) {
        randomise(graph, chain, (u64)clock, lane);
        next = 1;
    } else {
        if (stage == 3 && ++generation % CYCLE == 0) {
            if (now_former < UNKNOWN) copy(parents, parents + 4 * width, v, lane);
            copy(parents + 4 * width, parents + 3 * width, v, lane);
            now_former = now_elite, now_elite = UNKNOWN;
        }
        if (distance(graph, parents, parents + width, scratch, lane) * ALIKE < v) {
            // The next parent is random; every second time both are.
            if (++collapses % 2 == 0) generation = 0, now_elite = now_former = UNKNOWN;
            randomise(graph, chain, (u64)clock, lane);
        } else {
            cross(graph, chain, chain.value, parents, parents + width, (u64)clock, scratch, lane);
            cross(graph, chain, parents + 2 * width, parents + width, parents, (u64)clock + 1, scratch, lane);
            next = 2;
        }
    }
    __syncwarp();
    if (lane == 0) {
        figures[STAGE] = next, figures[GENERATION] = generation, figures[COLLAPSES] = collapses;
        figures[ELITE] = now_elite, figures[FORMER] = now_former;
    }
    __syncwarp();
    begin(graph, chain, figures, clock, lane);
}
